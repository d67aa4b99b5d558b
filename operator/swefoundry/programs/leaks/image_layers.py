"""The layers of an image, the topmost first, and which of their files a container sees.

An entry of a higher layer replaces the same path of a lower one. ``.wh.NAME`` removes NAME, ``.wh..wh..opq`` all that
lower layers have in the folder: https://github.com/opencontainers/image-spec/blob/main/layer.md
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.archives.archive_limits import ArchiveLimits, Quota
from swefoundry.archives.members import ArchiveMember, MemberKind, read_unchecked_members
from swefoundry.contracts.digests import Digest
from swefoundry.errors import PermanentError
from swefoundry.oci.content import INDEX_TYPES
from swefoundry.oci.registry_client import RegistryClient

LAYER_LIMITS = ArchiveLimits(unpacked_bytes=16 << 30, members=1_000_000)
"""Of one layer: images with compilers and CUDA have some 5 GiB in one."""
PACKED_BYTES = 6 << 30
"""Of one layer as it is stored: it is written to the pod's disk."""
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class ImageLayer:
    """One layer of an image."""

    number: int
    """From 1 at the bottom."""
    digest: Digest
    size: int


async def image_layers(registry: RegistryClient, repo: str, image: Digest) -> list[ImageLayer]:
    """The layers of the image for linux/amd64, the topmost first."""
    manifest = await registry.get_manifest(repo, image)
    if manifest.media_type in INDEX_TYPES:
        entries = manifest.content.get("manifests", [])
        expected = {"os": "linux", "architecture": "amd64"}
        found = [each for each in entries if expected.items() <= each.get("platform", {}).items()]
        if not found:
            raise PermanentError(f"the image {repo}@{image} has no variant for linux/amd64")
        manifest = await registry.get_manifest(repo, found[0]["digest"])
    layers = enumerate(manifest.content.get("layers", []), start=1)
    return [ImageLayer(number, each["digest"], int(each["size"])) for number, each in layers][::-1]


@dataclass
class UpperLayers:
    """What the layers that were read so far hide of those below them."""

    _paths: dict[str, int] = field(default_factory=dict)
    """Entries and whiteouts: they hide the same path."""
    _below: dict[str, int] = field(default_factory=dict)
    """Whiteouts, opaque folders, and entries that are no folder: they hide what is below the path."""

    def hidden_by(self, path: str) -> int | None:
        """The layer that hides a path of the next layer below."""
        if path in self._paths:
            return self._paths[path]
        folder = path
        while folder:
            folder = posixpath.dirname(folder)
            if folder in self._below:
                return self._below[folder]
        return None

    def add(self, other: "UpperLayers") -> None:
        """Add a layer that was read completely: it hides nothing of itself."""
        self._paths |= other._paths
        self._below |= other._below

    def note(self, path: str, kind: MemberKind, number: int) -> bool:
        """Note an entry of a layer; whether it is one of the image and no whiteout."""
        folder, name = posixpath.split(path)
        if name == _OPAQUE:
            self._below[folder] = number
            return False
        if name.startswith(_WHITEOUT):
            removed = posixpath.join(folder, name.removeprefix(_WHITEOUT))
            self._paths[removed] = self._below[removed] = number
            return False
        self._paths[path] = number
        if kind is not MemberKind.FOLDER:
            self._below[path] = number
        return True


def layer_members(archive: Path) -> Iterator[tuple[str, ArchiveMember]]:
    """The members of a layer's archive by their path in the image, as a container runtime places them."""
    for member in read_unchecked_members(archive, Quota(LAYER_LIMITS)):
        path = posixpath.normpath("/" + member.name).lstrip("/")
        if path:
            yield path, member
