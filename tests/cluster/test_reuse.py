"""Reuse of proven environments: twelve instances of three repositories, of which three are built.

The test of every instance checks the digests of the whole tree. So a composed image has the same content as a built
one: the new commit's files and .git, no files of the old commit, and the build's outputs.
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
    pytest.mark.skipif(not ON_LAB, reason="reads the lab's registry"),
]

VERSIONS = (1, 2, 3, 4)
SOLVED = 2
"""The version with its own draft: earlier and later versions reuse its image."""
WAITING_REASONS = {"WaitingForSibling"}

NEEDS_OWN_BUILD = RepositoryKind(
    BASE + COPY + "RUN touch /only-here\n", None, lambda version: {}, required_path="/only-here"
)
"""Its tests require a file that the image of the plain kind does not have."""


def path_of(repo: str) -> str:
    return pod_names.repository("swefoundry/tasks", f"lab/{repo}")


async def proven_environments(repo: str) -> list[ProvenEnvironment]:
    async with RegistryClient(REGISTRY_HOST, insecure=True) as registry:
        return await list_environments(registry, path_of(repo), {})


async def record_refusals(repo: str, image: str, times: int) -> None:
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
def followers(repos) -> list[str]:
    """Names of the versions without a draft."""
    return [f"{repo}-v{version}" for repo in repos.values() for version in VERSIONS if version != SOLVED]


@pytest.fixture(scope="module")
def own_build_repo() -> str:
    return unique("picky")


@pytest.fixture(scope="module")
def statuses(repos, followers, own_build_repo) -> Iterator[dict[str, Json]]:
    """Statuses of all finished instances.

    The first instance of each repository is created before the others and is built when all others wait for it.
    """
    gate = BuildGate()
    first = [
        instance(repo, KINDS[kind], SOLVED, ["reuse", "fixed"], draft=KINDS[kind].draft(gate.step))
        for kind, repo in repos.items()
    ]
    other = instance(own_build_repo, KINDS["plain"], 1, ["fixed"])
    apply(*first, other)
    for item in first:
        wait_until(lambda item=item: get("eb", item["metadata"]["name"]), bool)
    rest = [
        instance(repo, KINDS[kind], version, ["reuse"])
        for kind, repo in repos.items()
        for version in VERSIONS
        if version != SOLVED
    ]
    last = instance(own_build_repo, NEEDS_OWN_BUILD, 2, ["reuse", "fixed"])
    apply(*rest)
    wait_until(
        lambda: {name: reason(name) for name in followers},
        lambda found: set(found.values()) == WAITING_REASONS,
    )
    gate.open()
    wait_until_finished(other["metadata"]["name"])
    apply(last)
    names = [item["metadata"]["name"] for item in (*first, *rest, other, last)]
    yield {name: wait_until_finished(name) for name in names}
    delete(*names)


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
        [round_] = status["rounds"]
        assert (round_["strategy"], round_["outcome"], round_["parent"]["image"]) == (
            "reuse",
            "Accepted",
            root,
        )
        works |= {item["work"].partition("-")[0] for item in status["attempts"]}
    # A build pod runs for the rebuild command only.
    assert ("build" in works) == (KINDS[kind].rebuild is not None)
    assert "checkout" in works


def test_instances_that_waited_for_the_leader_are_ready(statuses, followers):
    assert {name: get("eb", name)["status"]["phase"] for name in followers} == dict.fromkeys(
        followers, "Ready"
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_the_environments_of_all_instances_are_recorded(statuses, repos, kind):
    environments = await proven_environments(repos[kind])
    builds = {f"{NAMESPACE}/{repos[kind]}-v{version}" for version in VERSIONS}
    assert {item.known.env_build for item in environments} == builds
    assert {item.trials for item in environments} == {ReuseStats(accepted=len(VERSIONS) - 1)}
    assert {item.known.version for item in environments} == {f"1.{version}" for version in VERSIONS}


async def test_an_environment_is_built_after_the_reused_image_was_refused(statuses, own_build_repo):
    assert rounds(f"{own_build_repo}-v2") == [("reuse", "AfterFailed"), ("fixed", "Accepted")]
    assert statuses[f"{own_build_repo}-v2"]["verdict"] == "fail2pass"
    environments = {item.known.version: item.trials for item in await proven_environments(own_build_repo)}
    assert environments == {"1.1": ReuseStats(refused=1), "1.2": ReuseStats()}


async def test_an_image_that_was_refused_too_often_is_not_reused(statuses, own_build_repo):
    root = get("eb", f"{own_build_repo}-v1")["status"]["image"]
    await record_refusals(own_build_repo, root, 4)
    name = f"{own_build_repo}-v3"
    apply(instance(own_build_repo, NEEDS_OWN_BUILD, 3, ["reuse", "fixed"]))
    status = wait_until_finished(name)
    [round_] = get("eb", name)["status"]["rounds"]
    assert (round_["strategy"], round_["parent"]["image"] != root) == ("reuse", True), status
    assert status["verdict"] == "fail2pass"
    delete(name)
