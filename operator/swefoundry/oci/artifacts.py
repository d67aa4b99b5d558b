"""Store and read OCI 1.1 artifacts: manifests with named layers, perhaps with a subject.

Equal content has an equal digest, so pushing twice is harmless. Every manifest has a tag of its own and every blob is
in a manifest, because the garbage collection of most registries removes what no tag refers to: distribution 2.8 even a
manifest that only a tagged index refers to.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.wire import JsonObject
from swefoundry.errors import NotFound, PermanentError
from swefoundry.oci.content import (
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    canonical_json,
    descriptor,
    digest_of,
    digest_tag,
)
from swefoundry.oci.registry_client import RegistryClient

_EMPTY = b"{}"
_TITLE = "org.opencontainers.image.title"
FILE_MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class ArtifactLayer:
    """A blob already in the repository, as a layer of an artifact."""

    title: str
    media_type: str
    digest: Digest
    size: int


@dataclass(frozen=True)
class ArtifactMetadata:
    """Metadata of an artifact: the manifest it is about, its human tag, and annotations."""

    subject: Digest | None = None
    tag: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


def artifact_type(kind: str) -> str:
    return f"application/vnd.swefoundry.{kind}.v1+json"


async def push_artifact(  # noqa: PLR0913 - the keywords are the manifest's own fields
    registry: RegistryClient,
    repo: str,
    kind: str,
    files: Mapping[str, bytes],
    *,
    subject: Digest | None = None,
    tag: str | None = None,
    annotations: Mapping[str, str] | None = None,
    new: Collection[str] = (),
) -> Digest:
    """Store files under their names as one artifact; return its digest.

    ``new`` are names of files whose content the repository does not have yet, most likely: it is not asked for them.
    """
    named = sorted(files.items())
    digests = await asyncio.gather(
        *(registry.put_blob(repo, data, new=name in new) for name, data in named),
        registry.put_blob(repo, _EMPTY),
    )
    parts = [
        ArtifactLayer(name, FILE_MEDIA_TYPE, digest, len(data))
        for (name, data), digest in zip(named, digests, strict=False)
    ]
    return await _put_artifact_manifest(
        registry, repo, kind, parts, ArtifactMetadata(subject, tag, annotations or {})
    )


async def push_file(registry: RegistryClient, repo: str, kind: str, name: str, data: bytes) -> Digest:
    """Store one file as an artifact; return the digest of its blob, which one request can read."""
    await push_artifact(registry, repo, kind, {name: data})
    return digest_of(data)


async def tag_image_by_digest(registry: RegistryClient, repo: str, image: Digest) -> None:
    """Tag an image by its digest: the human tag that it was pushed under may later name another image."""
    found = await registry.get_manifest(repo, image)
    await registry.put_manifest_bytes(repo, found.body, found.media_type, digest_tag(image, "image"))


async def push_layers(
    registry: RegistryClient, repo: str, kind: str, parts: Sequence[ArtifactLayer]
) -> Digest:
    """Create an artifact from blobs that are in the repository."""
    await registry.put_blob(repo, _EMPTY)
    return await _put_artifact_manifest(registry, repo, kind, parts, ArtifactMetadata())


async def _put_artifact_manifest(
    registry: RegistryClient, repo: str, kind: str, parts: Sequence[ArtifactLayer], about: ArtifactMetadata
) -> Digest:
    manifest: JsonObject = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type(kind),
        "config": descriptor(OCI_EMPTY, digest_of(_EMPTY), len(_EMPTY)),
        # The specification requires at least one layer; the empty blob stands for none.
        "layers": [descriptor(p.media_type, p.digest, p.size, p.title) for p in parts]
        or [descriptor(OCI_EMPTY, digest_of(_EMPTY), len(_EMPTY))],
    }
    if about.annotations:
        manifest["annotations"] = dict(about.annotations)
    if about.subject is not None:
        subject = await registry.get_manifest(repo, about.subject)
        manifest["subject"] = descriptor(subject.media_type, subject.digest, subject.size)
    body = canonical_json(manifest)
    named = about.tag or digest_tag(digest_of(body), kind)
    digest, listed = await registry.put_manifest_bytes(repo, body, OCI_MANIFEST, named)
    if about.subject is not None and not listed:
        await _add_to_referrers_tag(registry, repo, about.subject, manifest)
    return digest


async def pull_artifact(
    registry: RegistryClient, repo: str, digest: Digest, limit_bytes: int, *, only: Collection[str] = ()
) -> dict[str, bytes]:
    """Return the files of an artifact by name, all or ``only`` some; fail when they exceed the limit together."""
    found = await registry.get_manifest(repo, digest)
    layers = {
        layer["annotations"][_TITLE]: layer
        for layer in found.content.get("layers", [])
        if _TITLE in layer.get("annotations", {})
    }
    selected = {name: layer for name, layer in layers.items() if not only or name in only}
    total = sum(int(layer["size"]) for layer in selected.values())
    if total > limit_bytes:
        raise PermanentError(
            f"{repo}@{digest} holds {total} bytes, more than the {limit_bytes} that may be read"
        )
    contents = await asyncio.gather(
        *(registry.get_blob(repo, layer["digest"], int(layer["size"])) for layer in selected.values())
    )
    return dict(zip(selected, contents, strict=True))


async def _add_to_referrers_tag(
    registry: RegistryClient, repo: str, subject: Digest, manifest: JsonObject
) -> None:
    """Maintain the list of referrers for a registry that does not, as before the 1.1 specification (Debian's 2.8).

    The referrers tag schema: an index tagged ``sha256-<hex of the subject>``.
    """
    body = canonical_json(manifest)
    entry = descriptor(OCI_MANIFEST, digest_of(body), len(body))
    entry["artifactType"] = manifest["artifactType"]
    if "annotations" in manifest:
        entry["annotations"] = manifest["annotations"]
    tag = subject.replace(":", "-")
    async with registry.lock(f"{repo}:{tag}"):
        listed = await _listed_referrers(registry, repo, tag)
        if any(known["digest"] == entry["digest"] for known in listed):
            return
        listed = sorted([*listed, entry], key=lambda known: str(known["digest"]))
        index: JsonObject = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
        await registry.put_manifest(repo, index, OCI_INDEX, tag)


async def _listed_referrers(registry: RegistryClient, repo: str, tag: str) -> list[JsonObject]:
    try:
        index = await registry.get_manifest(repo, tag)
    except NotFound:
        return []
    listed: list[JsonObject] = index.content.get("manifests", [])
    return listed
