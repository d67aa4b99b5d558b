"""Compose images from an existing image, one appended layer and a new config, without a build.

Two kinds: a *stage* is a task image with the overlay and the runner, and starts the runner; a *checkout* is the task
image of another commit, and starts what its parent starts. The parent's blobs are in the repository, because its build
pushed them there; so composing takes four to six small requests, and a node that has the parent pulls one small layer.
"""

import json
from dataclasses import dataclass
from typing import Any

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.contracts.wire import JsonObject
from swefoundry.errors import PermanentError
from swefoundry.oci.content import (
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    INDEX_TYPES,
    OCI_LAYER,
    Manifest,
    canonical_json,
    descriptor,
    digest_of,
    digest_tag,
)
from swefoundry.oci.overlays import RUNNER_PATH
from swefoundry.oci.registry_client import RegistryClient

CONFIG_LIMIT_BYTES = 8 << 20
"""Image configs have a few kilobytes; histories of thousands of steps stay far below this."""

_EPOCH = "1970-01-01T00:00:00Z"
_DROPPED_SETTINGS = ("Cmd", "User", "Healthcheck", "Volumes", "StopSignal", "OnBuild", "ArgsEscaped")
"""Settings of the task image that would change how the runner starts, or its view of /testbed."""


@dataclass(frozen=True)
class BaseImage:
    """What composing reads of an image."""

    manifest: Manifest
    config: JsonObject


async def read_base_image(registry: RegistryClient, repo: str, image: Digest) -> BaseImage:
    """Read an image, or the variant for linux/amd64 of an index."""
    manifest = await _platform_manifest(registry, repo, image)
    config = await registry.get_blob(repo, manifest.content["config"]["digest"], CONFIG_LIMIT_BYTES)
    return BaseImage(manifest, json.loads(config))


async def compose_stage(
    registry: RegistryClient, repo: str, image: Digest, layer: Layer, tag: str = ""
) -> Digest:
    """Store the stage image and return its digest; the same input gives the same digest.

    The tag is ``tag``, or one made from its digest, which no other image can take over.
    """
    return await compose_stage_on(registry, repo, await read_base_image(registry, repo, image), layer, tag)


async def compose_stage_on(
    registry: RegistryClient, repo: str, base: BaseImage, layer: Layer, tag: str = ""
) -> Digest:
    """The same, on a task image that has been read already."""
    return await _compose(registry, repo, base, stage_config(base.config, layer), (layer, tag))


async def compose_checkout(
    registry: RegistryClient, repo: str, parent: Digest, layer: Layer, tag: str
) -> Digest:
    """Store the parent with another checkout under ``tag`` and return its digest; equal input gives an equal digest."""
    base = await read_base_image(registry, repo, parent)
    return await _compose(registry, repo, base, checkout_config(base.config, layer), (layer, tag))


async def _compose(
    registry: RegistryClient,
    repo: str,
    base: BaseImage,
    config: JsonObject,
    layer_and_tag: tuple[Layer, str],
) -> Digest:
    layer, tag = layer_and_tag
    body = canonical_json(config)
    digest = await registry.put_blob(repo, body, new=True)
    manifest = with_layer_appended(base.manifest, layer, digest, len(body))
    named = tag or digest_tag(digest_of(canonical_json(manifest)), "stage")
    return await registry.put_manifest(repo, manifest, base.manifest.media_type, named)


async def _platform_manifest(registry: RegistryClient, repo: str, image: Digest) -> Manifest:
    found = await registry.get_manifest(repo, image)
    if found.media_type not in INDEX_TYPES:
        return found
    for entry in found.content.get("manifests", []):
        platform = entry.get("platform", {})
        if platform.get("os") == "linux" and platform.get("architecture") == "amd64":
            return await registry.get_manifest(repo, entry["digest"])
    raise PermanentError(f"the image {repo}@{image} has no variant for linux/amd64")


def stage_config(config: JsonObject, layer: Layer) -> JsonObject:
    """Return the task image's config with the runner as the entrypoint and the layer added."""
    process: JsonObject = {
        k: v for k, v in (config.get("config") or {}).items() if k not in _DROPPED_SETTINGS
    }
    process |= {"Entrypoint": ["/" + RUNNER_PATH], "WorkingDir": SOURCE_ROOT}
    return _with_layer(config | {"config": process}, layer, "swefoundry stage")


def checkout_config(config: JsonObject, layer: Layer) -> JsonObject:
    """Return the parent's config with the layer added and all process settings unchanged."""
    return _with_layer(config, layer, "swefoundry checkout")


def _with_layer(config: JsonObject, layer: Layer, created_by: str) -> JsonObject:
    rootfs: JsonObject = config.get("rootfs") or {"type": "layers", "diff_ids": []}
    composed = config | {"rootfs": rootfs | {"diff_ids": [*rootfs["diff_ids"], layer.diff_id]}}
    if config.get("history"):
        composed["history"] = [*config["history"], {"created": _EPOCH, "created_by": created_by}]
    return composed


def with_layer_appended(below: Manifest, layer: Layer, config: Digest, config_size: int) -> JsonObject:
    """Return the manifest below with the new config and one more layer, with its own media types."""
    layer_type = DOCKER_LAYER if below.media_type == DOCKER_MANIFEST else OCI_LAYER
    kept: dict[str, Any] = {k: v for k, v in below.content.items() if k not in ("annotations", "subject")}
    return kept | {
        "config": below.content["config"] | {"digest": config, "size": config_size},
        "layers": [*below.content["layers"], descriptor(layer_type, layer.digest, layer.size)],
    }
