"""The registry's garbage collection keeps all content that finished objects name, after runs of every kind.

It runs on a copy of the instances' repositories, never on the lab's registry.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import scripted
from cluster.agent_repositories import (
    AgentCase,
    after_guidance,
    an_agent_instance,
    analyst_guidance,
    at_first,
    environment_draft,
    first_draft,
    rule,
)
from cluster.commands import LAB, ON_LAB
from cluster.sample_instances import (
    Json,
    a_task,
    apply,
    delete,
    get,
    kubectl,
    make_shell_repository,
    unique,
    wait_until_finished,
)
from cluster.versioned_repositories import KINDS, instance
from swefoundry.grading.verdict_bundle import VERDICT_FILE
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.content import digest_of
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads import names
from unit.oci import registry_server
from unit.oci.collecting import collect_garbage, missing_digests, named

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not ON_LAB or not (LAB / "registry").exists() or registry_server.program() is None,
        reason="copies content of the lab's registry",
    ),
]

CONTENT = Path("docker/registry/v2")
"""The registry's storage, relative to its data folder."""
BROKEN = {"dockerfile": "FROM busybox:stable\nCOPY . /testbed\nRUN false\n", "testCommand": "true"}
REPAIRED = AgentCase(
    [
        after_guidance("environment", environment_draft()),
        at_first(first_draft("RUN echo no such header >&2; false")),
        rule("analyst", analyst_guidance("environment", "Drop the failing step."), anywhere="no such header"),
    ]
)
"""Agents whose first draft does not build, which gives two drafts, a build log, and states and transcripts of pods."""


def path_of(task: Json) -> str:
    return names.repository("swefoundry/tasks", task["spec"]["repo"])


@pytest.fixture(scope="module")
def runs() -> Iterator[list[Json]]:
    """Finished TaskInstances and EnvBuilds: built, reused with a rebuild, repaired by agents, and one not built."""
    kind, repo = KINDS["generated"], unique("kept")
    built, reused = instance(repo, kind, 1, ["fixed"]), instance(repo, kind, 2, ["reuse"])
    failing = unique("kept-broken")
    broken = a_task(failing, make_shell_repository(failing), environment={"draft": BROKEN})
    agents = an_agent_instance("kept", REPAIRED)
    with scripted.in_cluster() as model, model.loaded(agents.name, agents.script):
        apply(built, broken, agents.manifest)
        bodies = _finished(built)
        apply(reused)
        for task in (reused, broken, agents.manifest):
            bodies += _finished(task)
    _move_its_tags(built)
    yield bodies
    delete(*{body["metadata"]["name"] for body in bodies})


def _finished(task: Json) -> list[Json]:
    name = task["metadata"]["name"]
    wait_until_finished(name)
    return [get("ti", name), get("eb", name)]


def _move_its_tags(task: Json) -> None:
    """Replace the object by one of the same name with another image, which gets the tags."""
    name = task["metadata"]["name"]
    kubectl("delete", "ti", name, "-n", task["metadata"]["namespace"], "--wait")
    draft = task["spec"]["environment"]["draft"]
    other = draft | {"dockerfile": draft["dockerfile"] + "RUN touch /another\n"}
    apply(task | {"spec": task["spec"] | {"environment": {"strategies": ["fixed"], "draft": other}}})
    assert wait_until_finished(name)["verdict"] == "fail2pass"


def _copy(repositories: Iterable[str], target: Path) -> None:
    """Copy the repositories' manifests, tags and blobs in the registry's storage format."""
    source = LAB / "registry" / CONTENT
    for path in repositories:
        shutil.copytree(source / "repositories" / path, target / CONTENT / "repositories" / path)
        for folder in ("_layers/sha256", "_manifests/revisions/sha256"):
            for link in (source / "repositories" / path / folder).iterdir():
                _copy_blob(source, target / CONTENT, link.name)


def _copy_blob(source: Path, target: Path, digest: str) -> None:
    blob = Path("blobs/sha256", digest[:2], digest, "data")
    if (target / blob).exists() or not (source / blob).exists():
        return
    (target / blob).parent.mkdir(parents=True)
    try:
        os.link(source / blob, target / blob)  # garbage collection removes the link, not the original
    except OSError:  # another file system
        shutil.copyfile(source / blob, target / blob)


def _required_digests(bodies: Iterable[Json]) -> set[str]:
    """Digests in specs and statuses, and those of inline patches."""
    digests: set[str] = set()
    for body in bodies:
        digests |= named([body["spec"], body["status"]])
        patches = (body["spec"].get(field) for field in ("testPatch", "goldPatch"))
        digests |= {digest_of(patch["inline"].encode()) for patch in patches if patch}
    return digests


async def test_garbage_collection_keeps_the_content_that_finished_objects_and_their_verdicts_name(
    runs: list[Json], tmp_path: Path
) -> None:
    of_repository = {path: [body for body in runs if path_of(body) == path] for path in map(path_of, runs)}
    _copy(of_repository, tmp_path / "data")
    with registry_server.serving(tmp_path) as running:
        async with RegistryClient(running.host, insecure=True) as registry:
            unnamed = {path: await registry.put_blob(path, b"named by nobody\n") for path in of_repository}
    collect_garbage(tmp_path)
    with registry_server.serving(tmp_path) as running:
        async with RegistryClient(running.host, insecure=True) as registry:
            for path, bodies in of_repository.items():
                assert await missing_digests(registry, path, _required_digests(bodies) | {unnamed[path]}) == [
                    unnamed[path]
                ]
                for body in bodies:
                    assert (
                        await missing_digests(registry, path, await _verdict_digests(registry, path, body))
                        == []
                    )


async def _verdict_digests(registry: RegistryClient, path: str, body: Json) -> set[str]:
    """Digests in the verdict bundle, if there is one: exported rows are written from it."""
    evidence = body["status"].get("evidence")
    if evidence is None:
        return set()
    files = await pull_artifact(registry, path, evidence, 1 << 20)
    return set(named([files[VERDICT_FILE].decode()]))


def test_the_runs_include_every_kind_of_round(runs: list[Json]) -> None:
    rounds = [
        (each["strategy"], each["outcome"])
        for body in runs
        if body["kind"] == "EnvBuild"
        for each in body["status"].get("rounds", [])
    ]
    assert sorted(rounds) == [
        ("agents", "Accepted"),
        ("agents", "StepFailed"),
        ("fixed", "Accepted"),
        ("fixed", "StepFailed"),
        ("reuse", "Accepted"),
    ]
