"""Build the layer that turns the task image into a stage image; pure.

The rules of layers (https://github.com/opencontainers/image-spec/blob/main/layer.md) that shape this:

* ``.wh.NAME`` removes NAME of the layers below. A folder whose last file is deleted is removed whole, because git
  has no empty folders and an empty Python package left behind would still import as a namespace.
* An entry of another type replaces what is there, so a file that becomes a folder needs an entry for the
  folder, and nothing below a folder that becomes a file may be whited out.
* A new folder has an entry: containerd refuses to unpack a file of a folder that a layer between has whited out
  (``lstat …: not a directory``), as layers of reused environments do.
* Folders that stay get no entry: it would reset their mode.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.errors import PermanentError
from swefoundry.oci.content import digest_of
from swefoundry.oci.deterministic_tar import (
    OVERLAY_MTIME,
    Directory,
    RegularFile,
    Symlink,
    TarNode,
    pack_nodes,
)

RUNNER_PATH = ".swefoundry/runner"
CLOCK_LIBRARY_PATH = ".swefoundry/libfaketime.so.1"
"""Beside the runner, which looks for it there."""
_PREFIX = SOURCE_ROOT.lstrip("/").encode() + b"/"
_WHITEOUT_PREFIX = b".wh."


@dataclass(frozen=True)
class GitBlob:
    """A file as git records it: its mode (100644, 100755, 120000) and the id of its content."""

    mode: str
    oid: str


TreeListing = Mapping[bytes, GitBlob]
"""Every file of a tree by path."""


@dataclass(frozen=True)
class StageChanges:
    """Changes of a stage to the tree; paths are relative to its root."""

    replaced: tuple[bytes, ...] = ()
    """Files and links to write."""
    removed: tuple[bytes, ...] = ()
    """Files, and folders that are removed whole, to white out."""
    folders: tuple[bytes, ...] = ()
    """Folders that are new, or replace a file or link."""


def stage_changes(base: TreeListing, target: TreeListing) -> StageChanges:
    """Return the changes that turn ``base`` into ``target``."""
    replaced = tuple(sorted(path for path, blob in target.items() if base.get(path) != blob))
    kept_folders, known_folders = (
        {folder for path in tree for folder in _folders(path)} for tree in (target, base)
    )
    return StageChanges(
        replaced=replaced,
        removed=tuple(sorted(set(_removals(base, target, kept_folders)))),
        folders=tuple(sorted(kept_folders - known_folders)),
    )


def _removals(base: TreeListing, target: TreeListing, kept_folders: set[bytes]) -> Iterator[bytes]:
    """Yield the topmost path to remove for each deleted file."""
    for path in base.keys() - target.keys():
        steps = [*_folders(path), path]
        deleted = next(step for step in steps if step not in kept_folders or step == path)
        # A file where the folder was, or a folder where the file was, replaces it without a whiteout.
        if deleted not in target and deleted not in kept_folders:
            yield deleted


def _folders(path: bytes) -> Iterator[bytes]:
    """Yield the folders above a path, topmost first."""
    parts = path.split(b"/")
    for depth in range(1, len(parts)):
        yield b"/".join(parts[:depth])


def stage_layer(
    changes: StageChanges,
    content: Mapping[bytes, RegularFile | Symlink],
    runner: bytes,
    clock_library: bytes | None = None,
) -> tuple[bytes, Layer]:
    """Return the layer with the runner and the changed files; ``content`` has an entry for each replaced path."""
    nodes: dict[bytes, TarNode] = {
        b".swefoundry": Directory(),
        RUNNER_PATH.encode(): RegularFile(runner, executable=True),
    }
    if clock_library is not None:
        nodes[CLOCK_LIBRARY_PATH.encode()] = RegularFile(clock_library)
    nodes |= {_PREFIX + path: Directory() for path in changes.folders}
    nodes |= {_PREFIX + _checked_path(path): content[path] for path in changes.replaced}
    nodes |= {_PREFIX + _whiteout_path(_checked_path(path)): RegularFile(b"") for path in changes.removed}
    data, diff_id = pack_nodes(sorted(nodes.items()), OVERLAY_MTIME)
    digest: Digest = digest_of(data)
    return data, Layer(digest=digest, size=len(data), diff_id=diff_id)


def _whiteout_path(path: bytes) -> bytes:
    folder, slash, name = path.rpartition(b"/")
    return folder + slash + _WHITEOUT_PREFIX + name


def _checked_path(path: bytes) -> bytes:
    if any(part.startswith(_WHITEOUT_PREFIX) for part in path.split(b"/")):
        shown = path.decode("utf-8", "backslashreplace")
        raise PermanentError(f"{shown}: names that start with .wh. cannot be stored in an image layer")
    return path
