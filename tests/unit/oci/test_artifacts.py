"""Artifacts in a registry without the referrers API, which is the harder case."""

import asyncio
from pathlib import Path

import pytest

from swefoundry.contracts.digests import Digest
from swefoundry.errors import PermanentError
from swefoundry.oci.artifacts import pull_artifact, push_artifact, push_file
from swefoundry.oci.content import JsonObject
from swefoundry.oci.registry_client import RegistryClient
from unit.oci import registry_server
from unit.oci.collecting import collect_garbage, missing_digests

FILES = {"log.txt": b"it ran\n", "records/after.json": b"{}", "empty": b""}


async def referrers(registry: RegistryClient, repo: str, subject: Digest) -> list[JsonObject]:
    """What the tag lists that stands in for the referrers API."""
    index = await registry.get_manifest(repo, subject.replace(":", "-"))
    listed: list[JsonObject] = index.content["manifests"]
    return listed


async def test_an_artifact_gives_its_files_back(registry: RegistryClient) -> None:
    digest = await push_artifact(registry, "art/files", "evidence", FILES)
    assert await pull_artifact(registry, "art/files", digest, 1 << 20) == FILES


async def test_equal_files_make_the_same_artifact_whatever_their_order(registry: RegistryClient) -> None:
    first = await push_artifact(registry, "art/same", "evidence", FILES, annotations={"b": "2", "a": "1"})
    turned = dict(reversed(FILES.items()))
    again = await push_artifact(registry, "art/same", "evidence", turned, annotations={"a": "1", "b": "2"})
    assert first == again


async def test_an_artifact_without_files_is_valid(registry: RegistryClient) -> None:
    digest = await push_artifact(registry, "art/none", "marker", {})
    assert await pull_artifact(registry, "art/none", digest, 0) == {}


async def test_an_artifact_over_the_limit_is_not_read(registry: RegistryClient) -> None:
    digest = await push_artifact(registry, "art/large", "evidence", {"a": b"x" * 60, "b": b"x" * 60})
    with pytest.raises(PermanentError, match="holds 120 bytes"):
        await pull_artifact(registry, "art/large", digest, 100)
    assert await pull_artifact(registry, "art/large", digest, 100, only=["b"]) == {"b": b"x" * 60}


async def test_an_artifact_is_found_from_its_subject(registry: RegistryClient) -> None:
    subject = await push_artifact(registry, "art/about", "source", FILES)
    verdict = await push_artifact(
        registry, "art/about", "verdict", FILES, subject=subject, annotations={"is": "fail2pass"}
    )
    log = await push_artifact(registry, "art/about", "log", FILES, subject=subject, tag="the-log")
    await push_artifact(registry, "art/about", "log", FILES, subject=subject, tag="the-log")
    known = await referrers(registry, "art/about", subject)
    assert {each["digest"]: (each["artifactType"], each.get("annotations")) for each in known} == {
        log: ("application/vnd.swefoundry.log.v1+json", None),
        verdict: ("application/vnd.swefoundry.verdict.v1+json", {"is": "fail2pass"}),
    }
    assert len(known) == 2
    assert (await registry.get_manifest("art/about", "the-log")).digest == log


async def test_referrers_pushed_at_the_same_time_are_all_listed(registry: RegistryClient) -> None:
    subject = await push_artifact(registry, "art/busy", "source", FILES)
    pushed = await asyncio.gather(
        *(
            push_artifact(registry, "art/busy", "log", {"n": str(n).encode()}, subject=subject)
            for n in range(20)
        )
    )
    assert {each["digest"] for each in await referrers(registry, "art/busy", subject)} == set(pushed)


async def test_garbage_collection_leaves_artifacts_alone(tmp_path: Path) -> None:
    with registry_server.serving(tmp_path) as server:
        async with RegistryClient(server.host, insecure=True) as registry:
            digest = await push_artifact(registry, "art/kept", "evidence", FILES)
            about = await push_artifact(registry, "art/kept", "log", {"x": b"y"}, subject=digest)
            blob = await push_file(registry, "art/kept", "log", "build.log", b"it was built\n")
            bare = await registry.put_blob("art/kept", b"named by nobody\n")
    collect_garbage(tmp_path)
    with registry_server.serving(tmp_path) as server:
        async with RegistryClient(server.host, insecure=True) as registry:
            assert await pull_artifact(registry, "art/kept", digest, 1 << 20) == FILES
            assert await pull_artifact(registry, "art/kept", about, 1 << 20) == {"x": b"y"}
            assert await registry.get_blob("art/kept", blob, 1 << 20) == b"it was built\n"
            assert await missing_digests(registry, "art/kept", [digest, about, blob, bare]) == [bare]
