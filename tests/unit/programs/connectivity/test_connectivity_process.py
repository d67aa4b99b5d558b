"""The program as a pod runs it: what it measures of a registry, base images, models and isolation."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import scripted
from swefoundry.contracts.connectivity import Connection, ConnectionKind, ConnectivityResult, ConnectivitySpec
from swefoundry.contracts.models import Model
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.connectivity.run import EMPTY_TAR, IMAGE_TAG, measure_isolation
from unit.pod_programs import ProgramEnd, RunningProgram

REPO = "swefoundry/doctor"
SCRIPT = {"models": {"small": {}}, "rules": [{"name": "yes", "then": {"text": "yes"}}]}
NOBODY = "127.0.0.1:9"
"""The discard port, on which nobody listens."""


def a_spec(host: str, *measured: ConnectionKind, **fields: Any) -> ConnectivitySpec:
    place = RegistryLocation(registry=host, insecure=True, repository=REPO)
    return ConnectivitySpec(nonce="abc", place=place, measured=list(measured), **fields)


async def run(folder: Path, spec: ConnectivitySpec, **environment: str) -> ProgramEnd[ConnectivityResult]:
    program = await RunningProgram.start(
        "swefoundry.programs.connectivity",
        ConnectivityResult,
        folder,
        SWEFOUNDRY_CONNECTIVITY=spec.to_json(),
        **environment,
    )
    return await program.wait()


async def connection(folder: Path, spec: ConnectivitySpec, **environment: str) -> Connection:
    ended = await run(folder, spec, **environment)
    assert ended.exit_code == 0 and ended.record is not None, ended.output
    (found,) = ended.record.connections
    return found


async def test_a_small_image_is_written_and_read(registry: RegistryClient, tmp_path: Path) -> None:
    found = await connection(tmp_path, a_spec(registry.host, ConnectionKind.REGISTRY))
    assert (found.target, found.error) == (registry.host, "")
    manifest = await registry.get_manifest(REPO, IMAGE_TAG)
    assert manifest.digest == found.image
    (layer,) = manifest.content["layers"]
    assert await registry.get_blob(REPO, layer["digest"], 1 << 20) == EMPTY_TAR


async def test_a_registry_that_is_away_is_named_with_the_reason(tmp_path: Path) -> None:
    found = await connection(tmp_path, a_spec(NOBODY, ConnectionKind.REGISTRY))
    assert found.target == NOBODY and found.image is None
    assert NOBODY in found.error


async def test_base_images_are_looked_up_where_builds_pull_them(
    registry: RegistryClient, tmp_path: Path
) -> None:
    await connection(tmp_path, a_spec(registry.host, ConnectionKind.REGISTRY))
    there, absent = f"example.org/doctor:{IMAGE_TAG}", "example.org/python:2.7"
    spec = a_spec(
        registry.host,
        ConnectionKind.BASE_IMAGES,
        base_images=[there, absent],
        mirrors={"example.org": f"{registry.host}/swefoundry"},
    )
    assert await connection(tmp_path, spec) == Connection(
        kind=ConnectionKind.BASE_IMAGES,
        target=f"{there}, {absent}",
        error=f"{absent} does not exist on {registry.host}",
    )


@pytest_asyncio.fixture
async def model() -> AsyncIterator[scripted.LocalModel]:
    async with scripted.serve(SCRIPT) as server:
        yield server


def models(server: scripted.LocalModel, *names: str) -> list[Model]:
    return [Model(name=name, base_url=server.base_url) for name in names]


async def test_an_endpoint_is_asked_for_its_models(model: scripted.LocalModel, tmp_path: Path) -> None:
    spec = a_spec(NOBODY, ConnectionKind.MODEL, models=models(model, "small", "large"))
    ended = await run(tmp_path, spec)
    assert ended.record is not None, ended.output
    assert [(each.target, each.error) for each in ended.record.connections] == [
        (f"small at {model.base_url}", ""),
        (f"large at {model.base_url}", "the endpoint has no model of this name; it has small"),
    ]
    assert model.bodies == []


async def test_a_wrong_key_is_the_endpoints_own_words(model: scripted.LocalModel, tmp_path: Path) -> None:
    model.server.key = "right"
    (tmp_path / "key").write_text("wrong\n")
    spec = a_spec(NOBODY, ConnectionKind.MODEL, models=models(model, "small"), key_file=str(tmp_path / "key"))
    found = await connection(tmp_path, spec)
    assert "401" in found.error
    (tmp_path / "key").write_text("right\n")
    assert (await connection(tmp_path, spec)).error == ""


async def test_a_key_that_is_not_there_is_named(model: scripted.LocalModel, tmp_path: Path) -> None:
    spec = a_spec(
        NOBODY, ConnectionKind.MODEL, models=models(model, "small"), key_file=str(tmp_path / "absent")
    )
    found = await connection(tmp_path, spec)
    assert found.error.startswith("the models' key cannot be read: ")


async def test_a_pod_that_reaches_nobody_is_isolated(tmp_path: Path) -> None:
    spec = a_spec(NOBODY, ConnectionKind.ISOLATION)
    found = await connection(tmp_path, spec, KUBERNETES_SERVICE_HOST="127.0.0.1", KUBERNETES_SERVICE_PORT="9")
    assert (found.target, found.error) == ("127.0.0.1:9, 127.0.0.1:9", "")


async def test_what_can_be_reached_is_named(
    registry_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swefoundry.programs.connectivity.run.ISOLATION_SECONDS", 0.1)
    monkeypatch.setattr("swefoundry.programs.connectivity.run.ISOLATION_POLL_SECONDS", 0.05)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    (found,) = await measure_isolation(a_spec(registry_host, ConnectionKind.ISOLATION))
    assert found.error == f"{registry_host} can be reached"


async def test_policies_that_come_a_little_later_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swefoundry.programs.connectivity.run.ISOLATION_POLL_SECONDS", 0.05)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    listening = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    measuring = asyncio.create_task(measure_isolation(a_spec(f"127.0.0.1:{port}", ConnectionKind.ISOLATION)))
    await asyncio.sleep(0.2)
    listening.close()
    (found,) = await measuring
    assert found.error == ""
