"""`swefoundry gc`: what is kept and what goes, on a real registry."""

import asyncio
import json
from dataclasses import dataclass, fields

import pytest

from simulated.api_server import ApiServer
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import EnvironmentRecord
from swefoundry.errors import NotFound
from swefoundry.oci.artifacts import push_artifact, push_file, tag_image_by_digest
from swefoundry.oci.proven_index import push_environment_record
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.stage_images import compose_stage
from unit.cli.conftest import Run
from unit.cli.task_objects import task
from unit.oci import registry_server
from unit.oci.test_stages import REPO, a_layer, a_task_image

FINISHED = "2026-01-01T12:00:00Z"
ABSENT = f"sha256:{0:064}"


@dataclass(frozen=True)
class Stored:
    """Digests of manifests, and of the blobs that statuses name, after one instance with two rounds."""

    accepted: str
    refused: str
    stage: str
    probe: str
    draft: str
    intake: str
    turn: str
    evaluation: str
    verdict: str
    patch: str


MANIFESTS = {field.name for field in fields(Stored)} - {"draft", "patch"}


async def store(registry: RegistryClient) -> Stored:
    accepted, layer = await a_task_image(registry), await a_layer(registry)
    await tag_image_by_digest(registry, REPO, accepted)
    refused = await a_task_image(registry, author="another")
    evaluation = await push_artifact(registry, REPO, "evaluation", {"output.log": b"ok"})
    verdict = json.dumps({"evidence": evaluation}).encode()
    return Stored(
        accepted=accepted,
        refused=refused,
        stage=await compose_stage(registry, REPO, accepted, layer),
        probe=await compose_stage(registry, REPO, refused, layer, "default.one.r1.0.before"),
        draft=await push_file(registry, REPO, "draft", "draft.json", b"{}"),
        intake=await push_artifact(registry, REPO, "intake", {"facts.json": b"facts"}),
        turn=await push_artifact(registry, REPO, "turn", {"turn.json": b"{}"}, tag="turn-" + "0" * 32),
        evaluation=evaluation,
        verdict=await push_artifact(registry, REPO, "verdict", {"verdict.json": verdict}, subject=accepted),
        patch=await push_file(registry, REPO, "patch", "gold.patch", b"diff"),
    )


@pytest.fixture
def stored(api: ApiServer, server: registry_server.Server) -> Stored:
    async def pushed() -> Stored:
        async with RegistryClient(server.host, insecure=True) as registry:
            return await store(registry)

    return asyncio.run(pushed())


def flags(server: registry_server.Server) -> tuple[str, ...]:
    return "--registry", server.host, "--insecure", "--registry-prefix", "stages"


def kinds(run: Run, server: registry_server.Server, *options: str) -> list[str]:
    done = run("gc", *flags(server), "-o", "json", *options)
    assert done.exit_code == 0, done.output
    return sorted(each["kind"] for each in json.loads(done.stdout)["manifests"])


def remaining(server: registry_server.Server, stored: Stored) -> set[str]:
    """Names of the manifests that can still be read."""

    async def read() -> set[str]:
        names = set()
        async with RegistryClient(server.host, insecure=True) as registry:
            for name in MANIFESTS:
                try:
                    await registry.get_manifest(REPO, getattr(stored, name))
                except NotFound:
                    continue
                names.add(name)
        return names

    return asyncio.run(read())


def put_task(api: ApiServer, **status: object) -> None:
    api.put("taskinstances", task("one", status=dict(status), repo="task"))


def put_orphan(api: ApiServer) -> None:
    orphan = {"name": "one-gold", "labels": {"swefoundry.dev/instance": "one"}, "creationTimestamp": FINISHED}
    api.put("configmaps", {"metadata": orphan})


LEFT = ["draft", "image of a round or probe", "image of a round or probe", "intake", "turn"]


def test_rows_verdicts_and_patches_keep_their_content_when_the_instance_is_gone(
    run: Run, server: registry_server.Server, stored: Stored
) -> None:
    assert kinds(run, server) == LEFT
    assert remaining(server, stored) == MANIFESTS
    assert kinds(run, server, "--delete") == LEFT
    assert remaining(server, stored) == {"accepted", "stage", "evaluation", "verdict"}
    assert kinds(run, server) == []


def test_content_that_a_status_names_by_manifest_or_by_blob_is_kept(
    run: Run, api: ApiServer, server: registry_server.Server, stored: Stored
) -> None:
    put_task(api, finishedAt=FINISHED, prepared={"source": stored.intake})
    status = {"finishedAt": FINISHED, "rounds": [{"draft": stored.draft, "image": stored.refused}]}
    api.put("envbuilds", {"metadata": {"name": "one"}, "spec": {"repo": "task"}, "status": status})
    assert kinds(run, server) == ["image of a round or probe"]


def test_an_image_of_an_older_version_is_kept_by_its_record_though_only_a_human_tag_names_it(
    run: Run, server: registry_server.Server, stored: Stored
) -> None:
    async def record() -> None:
        draft = Draft(dockerfile="FROM a", test_command="true")
        known = EnvironmentRecord(repo="stages/task", image=stored.refused, source=ABSENT, draft=ABSENT)
        async with RegistryClient(server.host, insecure=True) as registry:
            await push_environment_record(registry, REPO, known, draft)

    asyncio.run(record())
    assert kinds(run, server) == ["draft", "image of a round or probe", "intake", "turn"]


def test_nothing_is_deleted_while_an_instance_of_the_repository_is_at_work(
    run: Run, api: ApiServer, server: registry_server.Server, stored: Stored
) -> None:
    put_task(api, phase="Preparing")
    done = run("gc", *flags(server), "--delete")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 repository left alone: work is going on there" in done.output
    assert remaining(server, stored) == MANIFESTS


def test_an_instance_that_appears_while_the_registry_is_read_keeps_everything_of_its_repository(
    run: Run, api: ApiServer, server: registry_server.Server, stored: Stored
) -> None:
    lists = iter(range(2))

    async def hook(line: str) -> None:
        if line == "GET taskinstances" and next(lists) == 1:
            put_task(api, finishedAt=FINISHED)

    api.request_hook = hook
    done = run("gc", "task", *flags(server), "--delete")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 repository left alone: work is going on there" in done.output
    assert remaining(server, stored) == MANIFESTS


def test_named_repositories_alone_are_searched(
    run: Run, api: ApiServer, server: registry_server.Server, stored: Stored
) -> None:
    put_orphan(api)
    assert kinds(run, server, "other/task") == []
    assert kinds(run, server, "task", "--delete") == LEFT
    assert remaining(server, stored) == {"accepted", "stage", "evaluation", "verdict"}
    assert len(api.bodies("configmaps")) == 1


def test_repositories_can_be_named_only_with_their_registry(run: Run, api: ApiServer) -> None:
    refused = run("gc", "task")
    assert refused.exit_code == 2
    assert "--registry" in refused.output


def test_the_sum_counts_content_of_two_repositories_once(
    run: Run, server: registry_server.Server, stored: Stored
) -> None:
    async def copy() -> None:
        async with RegistryClient(server.host, insecure=True) as registry:
            await push_artifact(registry, "stages/copy", "intake", {"facts.json": b"facts"})

    alone = run("gc", *flags(server)).output.splitlines()
    asyncio.run(copy())
    both = run("gc", *flags(server)).output.splitlines()
    assert [line.partition(", ")[2] for line in (alone[-2], both[-2])] == [alone[-2].partition(", ")[2]] * 2
    assert (alone[-2].split()[0], both[-2].split()[0]) == ("5", "6")


def test_the_table_counts_by_repository_and_kind_and_says_what_is_next(
    run: Run, server: registry_server.Server, stored: Stored
) -> None:
    done = run("gc", *flags(server), "--delete")
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [(row[0], row[-6]) for row in rows] == [
        ("draft", "1"),
        ("image", "2"),
        ("intake", "1"),
        ("turn", "1"),
    ]
    assert "in the registry: deleted" in done.output
    assert "frees the space at its next garbage collection" in done.output


def test_a_cluster_that_shows_one_namespace_only_cannot_say_what_a_registry_needs(
    run: Run, api: ApiServer, server: registry_server.Server, stored: Stored
) -> None:
    api.forced_errors["GET taskinstances"] = (403, "taskinstances is forbidden")
    done = run("gc", *flags(server))
    assert done.exit_code == 5


def test_without_a_registry_only_the_cluster_is_searched(run: Run, api: ApiServer) -> None:
    put_orphan(api)
    shown = run("gc")
    assert shown.stdout.split()[5:9] == ["ConfigMap", "default/one-gold", "1", "there"], shown.output
    assert "Nothing was deleted. --delete deletes them." in shown.output
    assert "The registry was not looked at: give --registry." in shown.output
    assert len(api.bodies("configmaps")) == 1
    assert run("gc", "--delete").exit_code == 0
    assert api.bodies("configmaps") == []


def test_a_pod_that_a_finalizer_keeps_is_released(run: Run, api: ApiServer) -> None:
    meta = {
        "name": "held",
        "labels": {"app.kubernetes.io/managed-by": "swefoundry", "swefoundry.dev/role": "build"},
        "ownerReferences": [{"uid": "gone"}],
        "finalizers": ["swefoundry.dev/result"],
        "creationTimestamp": FINISHED,
    }
    api.put("pods", {"metadata": meta, "status": {"phase": "Succeeded"}})
    assert run("gc", "--delete").exit_code == 0
    assert api.bodies("pods") == []
