"""Read one layer after the other and collect what the rules find in it."""

import hashlib
import io
import posixpath
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.archives.archive_errors import ArchiveRejected, rejecting_broken
from swefoundry.archives.members import ArchiveMember, MemberKind
from swefoundry.programs.leaks.base_tree import BaseTree, read_start
from swefoundry.programs.leaks.git_objects import (
    BrokenPack,
    commits_and_tags,
    is_foreign,
    object_id,
)
from swefoundry.programs.leaks.image_layers import ImageLayer, UpperLayers, layer_members
from swefoundry.programs.leaks.layer_member import LayerMember, LeakCandidate
from swefoundry.programs.leaks.rules import OWN_GIT, candidates

MAX_CANDIDATES = 5_000
"""Of one image; the first ones are kept."""
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_MEMBERS = 50_000


@dataclass(frozen=True)
class LayerCandidate:
    """A candidate with its place."""

    found: LeakCandidate
    layer: ImageLayer
    hidden_by: int | None


@dataclass
class Scan:
    """What was found so far, and what decides in the end whether it counts."""

    base: BaseTree
    deadline: float
    """Of ``time.monotonic``."""
    found: list[LayerCandidate] = field(default_factory=list)
    clean_ids: set[str] = field(default_factory=set)
    """Commits without history and tags, in packs and objects of /testbed/.git."""
    from_tree: set[str] = field(default_factory=set)
    """Folders of metadata that say that the distribution was installed from a folder."""
    tree_installs: set[int] = field(default_factory=set)
    """Layers that installed the project from the tree: they replace what a test tool had pulled in."""
    unread: list[str] = field(default_factory=list)
    unpacked_bytes: int = 0
    layers: int = 0
    _upper: UpperLayers = field(default_factory=UpperLayers)

    def read_layer(self, layer: ImageLayer, archive: Path) -> None:
        """Read the next layer below those that were read already."""
        own = UpperLayers()
        try:
            for path, member in layer_members(archive):
                if time.monotonic() > self.deadline:
                    self.skip(layer, "the time for all layers is over")
                    return
                if own.note(path, member.kind, layer.number) and member.kind is not MemberKind.FOLDER:
                    self._read_member(path, member, layer)
        except ArchiveRejected as error:
            self.skip(layer, str(error))
            return
        self._upper.add(own)
        self.layers += 1

    def skip(self, layer: ImageLayer, reason: str) -> None:
        """Note that a layer was not read to its end."""
        self.unread.append(f"layer {layer.number} ({layer.digest[7:19]}): {reason}")

    def _read_member(self, path: str, member: ArchiveMember, layer: ImageLayer) -> None:
        hidden_by = self._upper.hidden_by(path)
        content = read_start(member) if member.kind is MemberKind.FILE else b""
        self.unpacked_bytes += member.size if member.kind is MemberKind.FILE else 0
        self._note_provenance(path, content, layer)
        for read in self._members(path, content, len(content) == member.size):
            try:
                found = candidates(read, self.base)
            except BrokenPack as error:
                self.skip(layer, f"{path} {error}")
                continue
            room = MAX_CANDIDATES - len(self.found)
            self.found += [LayerCandidate(each, layer, hidden_by) for each in found[:room]]

    def _members(self, path: str, content: bytes, complete: bool) -> Iterator[LayerMember]:
        """The file itself, and the names in a zip."""
        terms = frozenset(term for term in self.base.terms if term.text in content)
        sha256 = hashlib.sha256(content).hexdigest() if path.startswith(OWN_GIT) else ""
        yield LayerMember(path, content, complete, sha256, terms)
        if content.startswith(_ZIP_MAGIC) and complete:
            yield from (LayerMember(f"{path}!{name}") for name in _zip_names(content))

    def _note_provenance(self, path: str, content: bytes, layer: ImageLayer) -> None:
        if path.startswith(OWN_GIT + "objects/") and not path.endswith(".idx"):
            try:
                found = commits_and_tags(path, content)
            except BrokenPack:
                return  # the rule says so
            self.clean_ids |= {object_id(kind, data) for kind, data in found if not is_foreign(kind, data)}
        folder, _, name = path.rpartition("/")
        if name == "direct_url.json" and b'"dir_info"' in content:
            self.from_tree.add(folder)
            if self.base.project.owns(posixpath.basename(folder).partition("-")[0]):
                self.tree_installs.add(layer.number)


def _zip_names(content: bytes) -> list[str]:
    try:
        with rejecting_broken(), zipfile.ZipFile(io.BytesIO(content)) as opened:
            return [info.filename for info in opened.infolist()[:_ZIP_MEMBERS]]
    except ArchiveRejected:
        return []  # not a zip after all: an image may hold broken files
