"""`swefoundry memory`: the proven environments of a registry, and their way to another."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import EnvironmentRecord, ProvenEnvironment
from swefoundry.oci import proven_index
from swefoundry.oci.content import digest_of
from swefoundry.oci.registry_client import RegistryClient
from unit.cli.conftest import Run
from unit.cli.push_artifacts import push_files
from unit.cli.task_objects import Json, digest
from unit.oci import registry_server

DRAFT = Draft(dockerfile="FROM python:3.11-slim\nCOPY . /testbed\n", test_command="pytest -q {files}")
CALC, NUMS = "swefoundry/tasks/octo/calc", "swefoundry/tasks/octo/nums"


@pytest.fixture
def other_registry(tmp_path: Path) -> Iterator[registry_server.Server]:
    """A second registry, of another cluster."""
    folder = tmp_path / "other-registry"
    folder.mkdir()
    with registry_server.serving(folder) as running:
        yield running


def a_record(image: Digest, **fields: object) -> EnvironmentRecord:
    environment = {
        "repo": "octo/calc",
        "image": image,
        "source": digest("5"),
        "draft": digest_of(DRAFT.to_bytes()),
    }
    return EnvironmentRecord.model_validate(
        environment | {"version": "1.0", "env_build": "default/calc-1"} | fields
    )


def record_environment(host: str, path: str, entry: EnvironmentRecord, **trials: bool) -> None:
    """Remember it, and how EnvBuilds fared with it."""

    async def store() -> None:
        async with RegistryClient(host, insecure=True) as registry:
            await proven_index.push_environment_record(registry, path, entry, DRAFT)
            for uid, accepted in trials.items():
                await proven_index.record_trial(registry, path, entry.image, uid, accepted)

    asyncio.run(store())


def listed_environments(host: str, path: str = CALC) -> list[ProvenEnvironment]:
    async def found() -> list[ProvenEnvironment]:
        async with RegistryClient(host, insecure=True) as registry:
            return await proven_index.list_environments(registry, path, {})

    return asyncio.run(found())


def seed_environments(host: str) -> EnvironmentRecord:
    """An environment with its image and source, reused once well and once not; and one of another repository."""
    image = push_files(host, CALC, "image", {"layer": b"an image as far as a registry cares"})
    source = push_files(host, CALC, "source", {"source.tar.gz": b"a tree"})
    entry = a_record(image, source=source, strategy="agents", created_at="2023-06-01T00:00:00Z")
    record_environment(host, CALC, entry, a1=True, b2=False)
    record_environment(
        host, NUMS, a_record(digest("e"), repo="octo/nums", version="2.0"), c3=False, d4=False, e5=False
    )
    return entry


def flags(server: registry_server.Server) -> tuple[str, ...]:
    return ("--registry", server.host, "--insecure")


def test_the_list_shows_every_environment_and_how_reuse_went(
    run: Run, server: registry_server.Server
) -> None:
    entry = seed_environments(server.host)
    done = run("memory", "list", *flags(server))
    assert done.exit_code == 0, done.output
    calc, nums = (line.split() for line in done.stdout.splitlines()[1:])
    short = entry.image[: len("sha256:") + 12]
    assert calc == ["octo/calc", "1.0", "2023-06-01", "agents", short, "1", "1", "usable", "default/calc-1"]
    assert nums[-5:] == ["0", "3", "last", "resort", "default/calc-1"]

    (environment,) = json.loads(run("memory", "list", "octo/nums", "-o", "json", *flags(server)).stdout)
    assert (environment["repo"], environment["trials"], environment["state"]) == (
        "octo/nums",
        {"accepted": 0, "refused": 3},
        "last resort",
    )


def exported_file(run: Run, server: registry_server.Server, tmp_path: Path) -> Path:
    file = tmp_path / "memory.jsonl"
    done = run("memory", "export", "--out", file, *flags(server))
    assert done.exit_code == 0, done.output
    return file


def test_exported_environments_are_usable_in_another_registry_after_their_images_are_copied(
    run: Run, server: registry_server.Server, other_registry: registry_server.Server, tmp_path: Path
) -> None:
    entry = seed_environments(server.host)
    file = exported_file(run, server, tmp_path)
    copying = ("--copy-from", server.host, "--copy-from-insecure")

    for _ in range(2):
        done = run("memory", "import", file, *copying, *flags(other_registry), "-o", "json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["made"] == [
            f"octo/calc@{entry.image}: usable",
            f"octo/nums@{digest('e')}: reference",
        ]
        assert listed_environments(other_registry.host) == listed_environments(server.host)
        (there,), (here,) = (
            listed_environments(other_registry.host, NUMS),
            listed_environments(server.host, NUMS),
        )
        assert there == here.model_copy(update={"reference": True})


def test_without_its_image_only_the_draft_is_kept_until_the_image_is_copied(
    run: Run, server: registry_server.Server, other_registry: registry_server.Server, tmp_path: Path
) -> None:
    entry = seed_environments(server.host)
    file = exported_file(run, server, tmp_path)
    done = run("memory", "import", file, *flags(other_registry))
    assert done.exit_code == 0, done.output
    assert f"memory.jsonl, line 1 (octo/calc@{entry.image}): " in done.stderr
    assert [(each.known, each.reference) for each in listed_environments(other_registry.host)] == [
        (entry, True)
    ]
    assert "reference" in run("memory", "list", "octo/calc", *flags(other_registry)).stdout

    run("memory", "import", file, "--copy-from", server.host, "--copy-from-insecure", *flags(other_registry))
    assert [each.reference for each in listed_environments(other_registry.host)] == [False]


def changed(line: Json, **fields: object) -> str:
    return json.dumps(line | fields)


def bad_lines(line: Json) -> list[str]:
    """Lines that are not valid, made from a valid one."""
    return [
        "{",
        '{"repo": "octo/calc"}',
        changed(line, known=line["known"] | {"image": "latest"}),
        changed(line, draft=line["draft"] | {"testCommand": "true"}),
        changed(line, v=2),
    ]


def test_a_bad_line_is_reported_with_its_place_and_the_others_are_imported(
    run: Run, server: registry_server.Server, other_registry: registry_server.Server, tmp_path: Path
) -> None:
    seed_environments(server.host)
    file = exported_file(run, server, tmp_path)
    good = file.read_text().splitlines()[0]
    bad = bad_lines(json.loads(good))
    file.write_text("\n".join([*bad, "", good]) + "\n")
    done = run("memory", "import", file, "-o", "json", *flags(other_registry))
    assert done.exit_code == 1
    assert [(item["place"], item["name"]) for item in json.loads(done.stdout)["bad"]] == [
        ("memory.jsonl, line 1", ""),
        ("memory.jsonl, line 2", ""),
        ("memory.jsonl, line 3", "octo/calc"),
        ("memory.jsonl, line 4", "octo/calc"),
        ("memory.jsonl, line 5", "octo/calc"),
    ]
    assert len(listed_environments(other_registry.host)) == 1


def test_an_environment_without_its_draft_is_reported_and_the_others_are_exported(
    run: Run, server: registry_server.Server
) -> None:
    seed_environments(server.host)
    record_environment(server.host, CALC, a_record(digest("f"), draft=digest("0")))
    done = run("memory", "export", *flags(server))
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    assert f"{CALC} (octo/calc@{digest('f')}): " in done.stderr


def test_an_empty_registry_is_no_error_and_a_missing_one_is_wrong_usage(
    run: Run, server: registry_server.Server
) -> None:
    assert run("memory", "list", *flags(server)).exit_code == 0
    assert run("memory", "list").exit_code == 2
