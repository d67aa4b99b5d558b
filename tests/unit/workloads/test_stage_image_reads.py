"""Requests to the registry that stage images cost."""

import asyncio
from collections import Counter

import pytest

from simulated.seeded_registry import REPOSITORY
from swefoundry import errors
from swefoundry.contracts.digests import Layer
from swefoundry.contracts.stages import Stage
from swefoundry.oci.content import digest_of
from swefoundry.workloads.context import StageImageRequest


@pytest.fixture
def reads(context) -> Counter[str]:
    """Requests that read, by what they read: manifests or blobs."""
    counts: Counter[str] = Counter()

    async def count(request) -> None:
        if request.method == "GET":
            counts[request.url.path.split("/")[-2]] += 1

    context.registry._client.event_hooks = {"request": [count]}
    return counts


def requests_of(seeded) -> list[StageImageRequest]:
    image = seeded.image
    return [StageImageRequest(REPOSITORY, image, Layer.model_validate(seeded.layers[s.value])) for s in Stage]


async def test_the_stage_images_of_an_instance_are_composed_of_one_read_of_its_task_image(
    context, seeded, reads
):
    digests = await asyncio.gather(*map(context.stage_image, requests_of(seeded)))
    assert len(set(digests)) == len(Stage)
    assert reads == {"manifests": 1, "blobs": 1}
    await asyncio.gather(*map(context.stage_image, requests_of(seeded)))
    assert reads == {"manifests": 1, "blobs": 1}


async def test_the_repeat_of_a_lost_pod_reads_its_task_image_again(context, seeded, reads):
    request = requests_of(seeded)[0]
    first = await context.stage_image(request)
    assert await context.stage_image(request, refresh=True) == first
    assert reads == {"manifests": 2, "blobs": 2}


async def test_a_task_image_that_is_not_there_is_asked_for_each_time(context, seeded, reads):
    missing = digest_of(b"no such image")
    request = StageImageRequest(REPOSITORY, missing, requests_of(seeded)[0].layer)
    for _ in range(2):
        with pytest.raises(errors.NotFound):
            await context.stage_image(request)
    assert reads == {"manifests": 2}
    assert context.cache_counts()["baseImages"] == 0
