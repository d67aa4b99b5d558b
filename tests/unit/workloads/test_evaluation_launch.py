"""Evaluation pods that wait for a place: what of their start is done meanwhile."""

from collections import Counter

import pytest

from builders import NOW
from simulated.seeded_registry import REPOSITORY
from swefoundry.api.types import Validation
from swefoundry.contracts.digests import Layer
from swefoundry.contracts.draft import Draft
from swefoundry.oci.content import digest_of
from swefoundry.workloads.attempt import Owner, Role, Work
from swefoundry.workloads.decide import StartPod
from swefoundry.workloads.evaluation.launch import EvaluationRequest, launch_evaluation
from swefoundry.workloads.lifecycle import PodStarted, Queued, new_attempt_ref
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.role_places import PodPlacement

OWNER = Owner("TaskInstance", "here", "task-one", "uid-of-task")
DRAFT = Draft(dockerfile="FROM scratch\nCOPY . /testbed", test_command="pytest {files}")


@pytest.fixture
def requests(context) -> Counter[str]:
    """Requests to the registry, by method."""
    counts: Counter[str] = Counter()

    async def count(request) -> None:
        counts[request.method] += 1

    context.registry._client.event_hooks = {"request": [count]}
    return counts


@pytest.fixture
def full(context) -> PodLimiter:
    """Places for one evaluation, which another pod holds."""
    places = PlaceLimits(dict.fromkeys(Role, 1))
    context.pod_limiter = PodLimiter(places, lambda _: None, lambda: NOW)
    context.pod_limiter.observe(Role.EVALUATION, "here/other", PodPlacement.PLACED, NOW)
    return context.pod_limiter


async def launch(context, seeded, image=None):
    move = StartPod(Work.parse("before-0"), 0)
    request = EvaluationRequest(
        repository=REPOSITORY,
        image=image or seeded.image,
        stage="before",
        layer=Layer.model_validate(seeded.layers["before"]),
        draft=DRAFT,
        facts=seeded.facts,
        validation=Validation(),
    )
    return await launch_evaluation(context, new_attempt_ref(OWNER, move), move, request)


async def test_the_stage_image_is_composed_while_the_pod_waits_for_a_place(
    server, context, seeded, full, requests
):
    assert isinstance(await launch(context, seeded), Queued)
    assert server.created == []
    assert context.cache_counts()["stageImages"] == 1
    await context.facts(REPOSITORY, seeded.facts)
    requests.clear()
    full.release(Role.EVALUATION, "here/other")
    assert isinstance(await launch(context, seeded), PodStarted)
    assert requests == {}


async def test_a_pod_keeps_its_position_when_its_stage_image_cannot_be_composed(context, seeded, full):
    waiting = await launch(context, seeded, digest_of(b"no such image"))
    assert isinstance(waiting, Queued)
    assert (waiting.position.number, context.cache_counts()["stageImages"]) == (1, 0)
