"""Composed images: stages start the runner in a task image, checkouts are the task image of another commit."""

import gzip
import json
from typing import Any

import pytest

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.errors import NotFound, PermanentError
from swefoundry.oci.content import (
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    descriptor,
    digest_of,
)
from swefoundry.oci.deterministic_tar import RegularFile, pack_nodes
from swefoundry.oci.overlays import StageChanges, stage_layer
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.stage_images import compose_checkout, compose_stage

REPO = "stages/task"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

PROCESS = {
    "Env": ["PATH=/opt/venv/bin:/usr/bin", "LANG=C.UTF-8"],
    "Entrypoint": ["/entry.sh"],
    "Cmd": ["python3"],
    "User": "nobody",
    "WorkingDir": "/srv",
    "Labels": {"a": "b"},
    "Healthcheck": {"Test": ["CMD", "true"]},
    "Volumes": {"/testbed": {}},
    "StopSignal": "SIGINT",
    "OnBuild": ["RUN true"],
}


async def a_task_image(registry: RegistryClient, docker: bool = False, **config: Any) -> Digest:
    data, diff_id = pack_nodes([(b"testbed/a.py", RegularFile(b"a\n"))], 0)
    layer = await registry.put_blob(REPO, data)
    fields = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": PROCESS,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "COPY . /testbed"}],
    } | config
    body = json.dumps({k: v for k, v in fields.items() if v is not None}).encode()
    digest = await registry.put_blob(REPO, body)
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, digest, len(body)),
        "layers": [descriptor(DOCKER_LAYER if docker else OCI_LAYER, layer, len(data))],
    }
    return await registry.put_manifest(REPO, manifest, media_type, f"task-{digest_of(body)[7:19]}")


async def a_layer(registry: RegistryClient) -> Layer:
    data, layer = stage_layer(StageChanges(replaced=(b"a.py",)), {b"a.py": RegularFile(b"b\n")}, b"runner")
    assert await registry.put_blob(REPO, data) == layer.digest
    return layer


async def config_of(registry: RegistryClient, image: Digest) -> dict[str, Any]:
    manifest = await registry.get_manifest(REPO, image)
    config: dict[str, Any] = json.loads(
        await registry.get_blob(REPO, manifest.content["config"]["digest"], 1 << 20)
    )
    return config


@pytest.mark.parametrize(
    ("docker", "layer_type"), [(False, OCI_LAYER), (True, DOCKER_LAYER)], ids=["OCI", "docker"]
)
async def test_a_stage_is_the_task_image_and_one_layer(
    registry: RegistryClient, docker: bool, layer_type: str
) -> None:
    image, layer = await a_task_image(registry, docker), await a_layer(registry)
    stage = await compose_stage(registry, REPO, image, layer, "stage-before")
    task, composed = (
        await registry.get_manifest(REPO, image),
        await registry.get_manifest(REPO, "stage-before"),
    )
    assert composed.digest == stage
    assert composed.media_type == task.media_type
    assert composed.content["config"]["mediaType"] == task.content["config"]["mediaType"]
    assert composed.content["layers"] == [
        *task.content["layers"],
        descriptor(layer_type, layer.digest, layer.size),
    ]
    for described in composed.content["layers"]:
        data = await registry.get_blob(REPO, described["digest"], described["size"])
        assert len(data) == described["size"]


async def test_a_stage_starts_the_runner_in_the_testbed_with_the_task_images_environment(
    registry: RegistryClient,
) -> None:
    image, layer = await a_task_image(registry), await a_layer(registry)
    task = await config_of(registry, image)
    stage = await config_of(registry, await compose_stage(registry, REPO, image, layer, "stage"))
    assert stage == task | {
        "config": {
            "Env": PROCESS["Env"],
            "Labels": PROCESS["Labels"],
            "Entrypoint": ["/.swefoundry/runner"],
            "WorkingDir": "/testbed",
        },
        "rootfs": {"type": "layers", "diff_ids": [*task["rootfs"]["diff_ids"], layer.diff_id]},
        "history": [
            *task["history"],
            {"created": "1970-01-01T00:00:00Z", "created_by": "swefoundry stage"},
        ],
    }


async def test_the_diff_ids_are_those_of_the_layers(registry: RegistryClient) -> None:
    image, layer = await a_task_image(registry), await a_layer(registry)
    stage = await compose_stage(registry, REPO, image, layer, "stage")
    manifest = await registry.get_manifest(REPO, stage)
    found = [
        digest_of(gzip.decompress(await registry.get_blob(REPO, described["digest"], 1 << 20)))
        for described in manifest.content["layers"]
    ]
    assert (await config_of(registry, stage))["rootfs"]["diff_ids"] == found


async def test_a_task_image_without_history_or_settings_is_enough(registry: RegistryClient) -> None:
    image, layer = await a_task_image(registry, history=None, config=None), await a_layer(registry)
    stage = await config_of(registry, await compose_stage(registry, REPO, image, layer, "bare"))
    assert "history" not in stage
    assert stage["config"] == {"Entrypoint": ["/.swefoundry/runner"], "WorkingDir": "/testbed"}


async def test_a_stage_without_a_human_tag_has_one_of_its_own(registry: RegistryClient) -> None:
    image, layer = await a_task_image(registry), await a_layer(registry)
    stage = await compose_stage(registry, REPO, image, layer)
    found = await registry.get_manifest(REPO, f"{stage.replace(':', '-')}.stage")
    assert found.digest == stage == await compose_stage(registry, REPO, image, layer, "human")


async def test_composing_twice_gives_the_same_digest(registry: RegistryClient) -> None:
    image, layer = await a_task_image(registry), await a_layer(registry)
    first = await compose_stage(registry, REPO, image, layer, "one")
    assert await compose_stage(registry, REPO, image, layer, "two") == first


async def test_the_variant_for_linux_on_amd64_is_taken_from_an_index(registry: RegistryClient) -> None:
    image, layer = await a_task_image(registry), await a_layer(registry)
    entry = descriptor(OCI_MANIFEST, image, (await registry.get_manifest(REPO, image)).size)
    arm = entry | {"platform": {"os": "linux", "architecture": "arm64"}}
    amd = entry | {"platform": {"os": "linux", "architecture": "amd64"}}
    both = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [arm, amd]}
    index = await registry.put_manifest(REPO, both, OCI_INDEX, "index")
    direct = await compose_stage(registry, REPO, image, layer, "direct")
    assert await compose_stage(registry, REPO, index, layer, "through-index") == direct
    none = await registry.put_manifest(REPO, both | {"manifests": [arm]}, OCI_INDEX, "arm-only")
    with pytest.raises(PermanentError, match="no variant for linux/amd64"):
        await compose_stage(registry, REPO, none, layer, "never")


async def test_a_task_image_that_is_not_there_is_not_found(registry: RegistryClient) -> None:
    with pytest.raises(NotFound):
        await compose_stage(registry, REPO, "sha256:" + "0" * 64, await a_layer(registry), "never")


async def test_a_checkout_is_the_parent_and_one_layer_and_starts_what_the_parent_starts(
    registry: RegistryClient,
) -> None:
    parent, layer = await a_task_image(registry), await a_layer(registry)
    composed = await compose_checkout(registry, REPO, parent, layer, "checkout")
    below, above = await registry.get_manifest(REPO, parent), await registry.get_manifest(REPO, "checkout")
    task = await config_of(registry, parent)
    assert above.digest == composed
    assert above.content["layers"] == [
        *below.content["layers"],
        descriptor(OCI_LAYER, layer.digest, layer.size),
    ]
    assert await config_of(registry, composed) == task | {
        "rootfs": {"type": "layers", "diff_ids": [*task["rootfs"]["diff_ids"], layer.diff_id]},
        "history": [
            *task["history"],
            {"created": "1970-01-01T00:00:00Z", "created_by": "swefoundry checkout"},
        ],
    }
    assert await compose_checkout(registry, REPO, parent, layer, "again") == composed


async def test_a_stage_is_composed_of_a_checkout_as_of_any_task_image(registry: RegistryClient) -> None:
    parent, layer = await a_task_image(registry), await a_layer(registry)
    checkout = await compose_checkout(registry, REPO, parent, layer, "checkout")
    stage = await registry.get_manifest(REPO, await compose_stage(registry, REPO, checkout, layer, "stage"))
    assert len(stage.content["layers"]) == 3
