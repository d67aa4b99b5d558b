"""What is remembered of environments, against a real registry."""

import asyncio
import itertools

import pytest

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import EnvironmentRecord, Parent, ReuseStats
from swefoundry.oci import proven_index
from swefoundry.oci.artifacts import pull_artifact, push_artifact
from swefoundry.oci.content import digest_of
from swefoundry.oci.registry_client import RegistryClient

DRAFT = Draft(dockerfile="FROM busybox\nCOPY . /testbed\n", test_command="true")
_numbers = itertools.count()


@pytest.fixture
def repo() -> str:
    return f"memory/repo{next(_numbers)}"


def image(name: str) -> Digest:
    return digest_of(name.encode())


def known(name: str, **fields: object) -> EnvironmentRecord:
    values = {"repo": "owner/name", "image": image(name), "source": image(f"tree of {name}")}
    return EnvironmentRecord.model_validate(
        values | {"draft": digest_of(DRAFT.to_bytes()), "version": "1.0"} | fields
    )


async def stats_by_image(registry: RegistryClient, repo: str) -> dict[Digest, ReuseStats]:
    return {
        item.known.image: item.trials for item in await proven_index.list_environments(registry, repo, {})
    }


async def test_a_stored_environment_is_listed_with_all_its_fields(
    registry: RegistryClient, repo: str
) -> None:
    entry = known("one", env_build="here/one", evidence={"after": image("log")})
    digest = await proven_index.push_environment_record(registry, repo, entry, DRAFT)
    [found] = await proven_index.list_environments(registry, repo, {})
    assert (found.known, found.trials, found.root) == (entry, ReuseStats(), None)
    assert (await registry.get_manifest(repo, proven_index.env_tag(entry.image))).digest == digest


async def test_the_draft_is_a_blob_of_its_own_beside_the_record(registry: RegistryClient, repo: str) -> None:
    digest = await proven_index.push_environment_record(registry, repo, known("one"), DRAFT)
    assert await pull_artifact(registry, repo, digest, 1 << 20) == {"draft.json": DRAFT.to_bytes()}
    assert await registry.get_blob(repo, known("one").draft, 1 << 20) == DRAFT.to_bytes()


async def test_storing_again_keeps_the_first_record(registry: RegistryClient, repo: str) -> None:
    first = await proven_index.push_environment_record(
        registry, repo, known("one", env_build="here/first"), DRAFT
    )
    assert (
        await proven_index.push_environment_record(
            registry, repo, known("one", env_build="here/later"), DRAFT
        )
        == first
    )
    [found] = await proven_index.list_environments(registry, repo, {})
    assert found.known.env_build == "here/first"


async def test_an_unknown_repository_has_no_environments(registry: RegistryClient, repo: str) -> None:
    assert await proven_index.list_environments(registry, repo, {}) == []


async def test_many_that_end_at_the_same_moment_lose_nothing(registry: RegistryClient, repo: str) -> None:
    await asyncio.gather(
        *(
            proven_index.push_environment_record(registry, repo, known(f"image {n}"), DRAFT)
            for n in range(25)
        ),
        *(
            proven_index.record_trial(registry, repo, image("image 0"), f"{n:08x}-uid-1", True)
            for n in range(25)
        ),
        *(
            proven_index.record_trial(registry, repo, image("image 1"), f"{n:08x}-uid-2", False)
            for n in range(25)
        ),
    )
    found = await stats_by_image(registry, repo)
    assert len(found) == 25
    assert found[image("image 0")] == ReuseStats(accepted=25)
    assert found[image("image 1")] == ReuseStats(refused=25)


async def test_a_reuse_stored_twice_counts_once(registry: RegistryClient, repo: str) -> None:
    await proven_index.push_environment_record(registry, repo, known("one"), DRAFT)
    for _ in range(3):
        await proven_index.record_trial(registry, repo, image("one"), "0f3c-uid", accepted=False)
    assert await stats_by_image(registry, repo) == {image("one"): ReuseStats(refused=1)}


async def test_trials_of_a_composed_image_count_for_the_built_one(
    registry: RegistryClient, repo: str
) -> None:
    await proven_index.push_environment_record(registry, repo, known("built"), DRAFT)
    await proven_index.push_environment_record(
        registry, repo, known("composed", parent=image("built")), DRAFT
    )
    await proven_index.record_trial(registry, repo, image("built"), "0f3c", accepted=True)
    found = await proven_index.list_environments(registry, repo, {})
    assert {item.trials.accepted for item in found} == {1}
    built = Parent(image=image("built"), source=image("tree of built"))
    assert {item.parent.image: item.parent for item in found} == {image("built"): built}


async def test_records_are_read_once(registry: RegistryClient, repo: str) -> None:
    await proven_index.push_environment_record(registry, repo, known("one"), DRAFT)
    cache: proven_index.RecordCache = {}
    await proven_index.list_environments(registry, repo, cache)
    references: list[str] = []

    class RecordingClient(RegistryClient):
        async def get_manifest(self, repo, reference):  # type: ignore[no-untyped-def]
            references.append(reference)
            return await super().get_manifest(repo, reference)

    await proven_index.push_environment_record(registry, repo, known("two"), DRAFT)
    async with RecordingClient(registry.host, insecure=True) as client:
        assert len(await proven_index.list_environments(client, repo, cache)) == 2
    assert references == [proven_index.env_tag(image("two"))]


async def test_a_record_that_cannot_be_read_hides_no_other(registry: RegistryClient, repo: str) -> None:
    await push_artifact(registry, repo, "environment", {}, tag=proven_index.env_tag(image("strange")))
    await proven_index.push_environment_record(registry, repo, known("one"), DRAFT)
    assert set(await stats_by_image(registry, repo)) == {image("one")}


def test_an_environment_that_was_refused_and_then_accepted_by_one_build_counts_as_accepted() -> None:
    tags = [proven_index.trial_tag(image("a"), "uid-1", ok) for ok in (True, False)]
    assert proven_index.reuse_stats_by_image([*tags, "env-x", "trial-", "latest"]) == {
        image("a")[7:23]: ReuseStats(accepted=1)
    }


async def test_a_record_without_its_image_is_a_reference_until_the_image_comes(
    registry: RegistryClient, repo: str
) -> None:
    away = await proven_index.push_environment_record(registry, repo, known("one"), DRAFT, reference=True)
    [found] = await proven_index.list_environments(registry, repo, {})
    assert (found.known, found.reference) == (known("one"), True)
    assert await pull_artifact(registry, repo, away, 1 << 20) == {"draft.json": DRAFT.to_bytes()}

    await proven_index.push_environment_record(registry, repo, known("one"), DRAFT)
    [found] = await proven_index.list_environments(registry, repo, {})
    assert (found.known, found.reference) == (known("one"), False)


def test_the_reuses_of_one_image_are_listed_by_env_build() -> None:
    tags = [
        proven_index.trial_tag(image("a"), "0f3c-1", False),
        proven_index.trial_tag(image("a"), "0f3c-1", True),
        proven_index.trial_tag(image("a"), "beef", False),
        proven_index.trial_tag(image("b"), "0f3c-1", True),
    ]
    assert proven_index.reuse_outcomes(tags, image("a")) == {"0f3c1": True, "beef": False}
