"""Manifests of a task repository that no instance, verdict, exported row or proven environment needs. Pure.

Deletion is by digest, which registries of all versions know, and takes every tag of the manifest with it: so a manifest
is a leftover only if each of its tags may go, and nothing that stays names it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.wire import JsonObject
from swefoundry.oci.artifacts import artifact_type
from swefoundry.oci.content import INDEX_TYPES, Manifest

WORKING_KINDS = frozenset(
    {"agent-state", "build-log", "checkout", "draft", "intake", "mutants", "transcript", "turn"}
)
"""Kinds of content for running work, and for people who look at it. Not `patch`: a manifest that was written to a file,
and not applied yet, may name it.
"""
IMAGE_KIND = "image of a round or probe"
CACHE_KIND = "build cache"

UNREAD_KINDS = frozenset({"evaluation", "patch", "source", "stage"})
"""Most of a registry. Such manifests stay and name no others, and their tags have their digests."""

_OF_DIGEST = re.compile(r"sha256-[0-9a-f]{64}(?:\.(.+))?")
_PREFIXED = re.compile(r"(env|draft|trial|turn)-[0-9a-f]{16,}.*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class RepositoryContent:
    """Everything with a tag in one repository, and what the cluster knows of it."""

    path: str
    manifests: Mapping[str, Manifest]
    """By tag."""
    verdicts: str
    """Texts of all verdict bundles."""
    objects: tuple[KubernetesObject, ...]
    """TaskInstances and EnvBuilds of the source repository."""
    is_cache: bool = False

    @property
    def unfinished(self) -> bool:
        """Work is going on, which may need what no status names yet."""
        return any(not status_of(body).get("finishedAt") for body in self.objects)


@dataclass(frozen=True)
class LeftoverManifest:
    """A manifest that may be deleted."""

    repository: str
    digest: Digest
    kind: str
    blobs: Mapping[Digest, int]
    """Sizes in bytes of itself and of the blobs that only leftovers of this repository have. Each is listed once."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(self.blobs.values())


def leftover_manifests(content: RepositoryContent) -> list[LeftoverManifest]:
    """Manifests that nothing needs. None while an instance of the repository is at work."""
    if content.unfinished or (content.is_cache and content.objects):
        return []
    by_digest = {found.digest: found for found in content.manifests.values()}
    tags: dict[Digest, list[str]] = {}
    for tag, found in content.manifests.items():
        tags.setdefault(found.digest, []).append(tag)
    candidates = {
        digest: kind
        for digest, found in by_digest.items()
        if (kind := _kind_of_leftover(found, tags[digest], content)) is not None
    }
    kept = [found for digest, found in by_digest.items() if digest not in candidates]
    named = _named_by(content, kept)
    candidates = {
        digest: kind for digest, kind in candidates.items() if not _needed(by_digest[digest], named)
    }
    used = {
        blob
        for digest, found in by_digest.items()
        if digest not in candidates
        for blob in _blobs(found.content)
    }
    return list(_with_sizes(content.path, candidates, by_digest, used))


def total_size(leftovers: Iterable[LeftoverManifest]) -> int:
    """Bytes of all of them. A registry stores a blob once, however many repositories have it."""
    return sum({digest: size for each in leftovers for digest, size in each.blobs.items()}.values())


def unread_manifest(tag: str) -> Manifest | None:
    """The manifest of a tag, without its content, where that decides nothing; None where it must be read."""
    if _kind_of_tag(tag) not in UNREAD_KINDS:
        return None
    digest = tag.partition(".")[0].replace("-", ":")
    return Manifest(digest, "", {}, 0)


def _kind_of_leftover(found: Manifest, tags: Iterable[str], content: RepositoryContent) -> str | None:
    """What the manifest is, if it may go; None if it stays."""
    if content.is_cache:
        return CACHE_KIND
    kinds = {_kind_of_tag(tag) for tag in tags}
    artifact = found.content.get("artifactType")
    if artifact is None and found.media_type not in INDEX_TYPES and kinds == {IMAGE_KIND}:
        return IMAGE_KIND
    if len(kinds) == 1 and (kind := kinds.pop()) in WORKING_KINDS and artifact == artifact_type(kind):
        # No status names a turn: it answers the same request of a later search.
        return None if kind == "turn" and content.objects else kind
    return None


def _kind_of_tag(tag: str) -> str:
    if match := _OF_DIGEST.fullmatch(tag):
        return match[1] or "referrers"
    if match := _PREFIXED.fullmatch(tag):
        return "turn" if match[1] == "turn" else "memory"
    return IMAGE_KIND


def _named_by(content: RepositoryContent, kept: Iterable[Manifest]) -> set[Digest]:
    """Digests in objects, verdicts, and what kept manifests say of others. A kept manifest keeps its own layers."""
    about = [
        {key: found.content.get(key) for key in ("annotations", "subject", "manifests")} for found in kept
    ]
    texts = (str(content.objects), content.verdicts, str(about))
    return {digest for text in texts for digest in _DIGEST.findall(text)}


def _needed(found: Manifest, named: set[Digest]) -> bool:
    """Whether it, or a file in it, is named: statuses name some artifacts by the blob of their one file."""
    is_artifact = "artifactType" in found.content
    return found.digest in named or (is_artifact and not named.isdisjoint(_blobs(found.content)))


def _blobs(manifest: JsonObject) -> dict[Digest, int]:
    """Sizes of the blobs that a manifest refers to."""
    described = [manifest.get("config") or {}, *(manifest.get("layers") or [])]
    return {item["digest"]: int(item.get("size", 0)) for item in described if "digest" in item}


def _with_sizes(
    path: str, candidates: Mapping[Digest, str], by_digest: Mapping[Digest, Manifest], used: set[Digest]
) -> Iterator[LeftoverManifest]:
    for digest, kind in sorted(candidates.items(), key=lambda item: (item[1], item[0])):
        found = by_digest[digest]
        own = {blob: size for blob, size in _blobs(found.content).items() if blob not in used}
        used |= own.keys()
        yield LeftoverManifest(path, digest, kind, own | {digest: found.size})
