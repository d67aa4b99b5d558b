"""Environment memory on a real cluster: twelve instances of three repositories, of which three are built.

The test of every instance lists the whole tree with digests, so an image that was composed is seen to be what a build
would have made: with the new commit's files and .git, without those of the old one, with what the build left beside.
"""

from collections.abc import Iterator

import pytest

from cluster.build_gate import REGISTRY_HOST, BuildGate
from cluster.commands import ON_LAB
from cluster.sample_instances import (
    NAMESPACE,
    Json,
    apply,
    condition,
    delete,
    get,
    unique,
    wait_until,
    wait_until_finished,
)
from cluster.versioned_repositories import BASE, COPY, KINDS, RepositoryKind, instance
from swefoundry.drafts.proven_environment import ProvenEnvironment, ReuseStats
from swefoundry.oci.proven_index import list_environments, record_trial
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads import names as pod_names

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_LAB, reason="looks into the lab's registry"),
]

VERSIONS = (1, 2, 3, 4)
SOLVED = 2
"""The version with a draft of its own: earlier and later ones reuse its image."""
WAITING = {"WaitingForSibling"}

PICKY = RepositoryKind(
    BASE + COPY + "RUN touch /only-here\n", None, lambda version: {}, required_path="/only-here"
)
"""Its tests need what the image of the plain kind lacks."""


def path_of(repo: str) -> str:
    return pod_names.repository("swefoundry/tasks", f"lab/{repo}")


async def memory_of(repo: str) -> list[ProvenEnvironment]:
    async with RegistryClient(REGISTRY_HOST, insecure=True) as registry:
        return await list_environments(registry, path_of(repo), {})


async def refuse(repo: str, image: str, times: int) -> None:
    async with RegistryClient(REGISTRY_HOST, insecure=True) as registry:
        for number in range(times):
            await record_trial(registry, path_of(repo), image, f"{number:012d}", False)


def reason(name: str) -> str:
    return condition(get("eb", name).get("status", {}), "Ready").get("reason", "")


def rounds(name: str) -> list[tuple[str, str]]:
    return [(item["strategy"], item["outcome"]) for item in get("eb", name)["status"]["rounds"]]


@pytest.fixture(scope="module")
def repos() -> dict[str, str]:
    return {kind: unique(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def siblings(repos) -> list[str]:
    """Names of the versions that have no draft."""
    return [f"{repo}-v{version}" for repo in repos.values() for version in VERSIONS if version != SOLVED]


@pytest.fixture(scope="module")
def picky() -> str:
    return unique("picky")


@pytest.fixture(scope="module")
def statuses(repos, siblings, picky) -> Iterator[dict[str, Json]]:
    """All instances, ended. The first of each repository is there before the others, which are made at once.

    The first ones are built when all others wait for them.
    """
    gate = BuildGate()
    first = [
        instance(repo, KINDS[kind], SOLVED, ["reuse", "fixed"], draft=KINDS[kind].draft(gate.step))
        for kind, repo in repos.items()
    ]
    wrong = instance(picky, KINDS["plain"], 1, ["fixed"])
    apply(*first, wrong)
    for item in first:
        wait_until(lambda item=item: get("eb", item["metadata"]["name"]), bool)
    rest = [
        instance(repo, KINDS[kind], version, ["reuse"])
        for kind, repo in repos.items()
        for version in VERSIONS
        if version != SOLVED
    ]
    last = instance(picky, PICKY, 2, ["reuse", "fixed"])
    apply(*rest)
    wait_until(
        lambda: {name: reason(name) for name in siblings}, lambda found: set(found.values()) == WAITING
    )
    gate.open()
    wait_until_finished(wrong["metadata"]["name"])
    apply(last)
    every = [item["metadata"]["name"] for item in (*first, *rest, wrong, last)]
    yield {name: wait_until_finished(name) for name in every}
    delete(*every)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_validated_in_an_image_with_exactly_its_tree(statuses, repos, kind, version):
    status = statuses[f"{repos[kind]}-v{version}"]
    assert status.get("verdict") == "fail2pass", status


@pytest.mark.parametrize("kind", KINDS)
def test_one_version_of_each_repository_is_built_and_the_others_reuse_its_image(statuses, repos, kind):
    repo = repos[kind]
    assert rounds(f"{repo}-v{SOLVED}") == [("fixed", "Accepted")]
    root = get("eb", f"{repo}-v{SOLVED}")["status"]["image"]
    works = set()
    for version in VERSIONS:
        if version == SOLVED:
            continue
        status = get("eb", f"{repo}-v{version}")["status"]
        [found] = status["rounds"]
        assert (found["strategy"], found["outcome"], found["parent"]["image"]) == ("reuse", "Accepted", root)
        works |= {item["work"].partition("-")[0] for item in status["attempts"]}
    # No build but for the rebuild command.
    assert ("build" in works) == (KINDS[kind].rebuild is not None)
    assert "checkout" in works


def test_siblings_waited_for_the_one_that_was_solved_and_were_woken(statuses, siblings):
    assert {name: get("eb", name)["status"]["phase"] for name in siblings} == dict.fromkeys(siblings, "Ready")


@pytest.mark.parametrize("kind", KINDS)
async def test_instances_that_ended_at_the_same_time_are_all_remembered(statuses, repos, kind):
    known = await memory_of(repos[kind])
    builds = {f"{NAMESPACE}/{repos[kind]}-v{version}" for version in VERSIONS}
    assert {item.known.env_build for item in known} == builds
    assert {item.trials for item in known} == {ReuseStats(accepted=len(VERSIONS) - 1)}
    assert {item.known.version for item in known} == {f"1.{version}" for version in VERSIONS}


async def test_an_image_that_does_not_do_is_tried_refused_and_built_anew(statuses, picky):
    assert rounds(f"{picky}-v2") == [("reuse", "AfterFailed"), ("fixed", "Accepted")]
    assert statuses[f"{picky}-v2"]["verdict"] == "fail2pass"
    known = {item.known.version: item.trials for item in await memory_of(picky)}
    assert known == {"1.1": ReuseStats(refused=1), "1.2": ReuseStats()}


async def test_an_image_that_keeps_failing_is_not_tried_any_more(statuses, picky):
    root = get("eb", f"{picky}-v1")["status"]["image"]
    await refuse(picky, root, 4)
    name = f"{picky}-v3"
    apply(instance(picky, PICKY, 3, ["reuse", "fixed"]))
    status = wait_until_finished(name)
    [found] = get("eb", name)["status"]["rounds"]
    assert (found["strategy"], found["parent"]["image"] != root) == ("reuse", True), status
    assert status["verdict"] == "fail2pass"
    delete(name)
