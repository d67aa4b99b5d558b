"""Digests, canonical JSON and media types of content in the registry; pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.wire import JsonObject

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"

MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_LIST)
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as the registry returned it."""

    digest: Digest
    media_type: str
    content: JsonObject
    size: int
    """Bytes as stored: a descriptor that refers to this manifest must state it."""
    body: bytes = b""
    """Bytes as stored: a copy must be byte for byte the same, or its digest changes."""


def digest_of(data: bytes) -> Digest:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_tag(digest: Digest, kind: str) -> str:
    """Return a tag made from a digest, which never names anything else."""
    return f"{digest.replace(':', '-')}.{kind}"


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Return JSON bytes that depend on the value alone, so that equal content has equal digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def descriptor(media_type: str, digest: Digest, size: int, title: str | None = None) -> JsonObject:
    """Return an OCI descriptor; ``title`` is the file name that tools like ``oras pull`` use."""
    result: JsonObject = {"mediaType": media_type, "digest": digest, "size": size}
    if title is not None:
        result["annotations"] = {"org.opencontainers.image.title": title}
    return result
