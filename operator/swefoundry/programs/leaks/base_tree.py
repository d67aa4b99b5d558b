"""What the tree that the image was built from has: whatever is in it shows nothing of the solution."""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.archives.archive_limits import SOURCE_LIMITS, Quota
from swefoundry.archives.members import ArchiveMember, MemberKind, read_members
from swefoundry.programs.leaks.git_objects import ids_in, is_ref
from swefoundry.programs.leaks.own_project import ROOT_MANIFESTS, VERSION_FILES, Project, read_project
from swefoundry.programs.leaks.patch_terms import PatchTerms, Term, select_terms

MEMBER_BYTES = 64 << 20
"""Larger files are searched in their first part, and nothing else is read of them."""
MIN_BLOB_BYTES = 200
"""Smaller files, empty ones above all, are the same in many repositories."""
_TEXT_BYTES = 256 << 10
_TEST_WORD = re.compile(rb"[Tt]est_?[A-Za-z0-9_]{4,}")


@dataclass
class BaseTree:
    """The clean tree, as the rules compare with it."""

    terms: tuple[Term, ...] = ()
    """Terms of the patches that are not in it."""
    files: frozenset[str] = frozenset()
    """Paths that the patches add."""
    project: Project = field(default_factory=lambda: Project(frozenset(), None))
    git_files: set[tuple[str, str]] = field(default_factory=set)
    """Path below .git and sha256 of everything that the clean repository consists of."""
    git_ids: set[str] = field(default_factory=set)
    """Its commit and its tag."""
    blobs: set[str] = field(default_factory=set)
    """Ids that git gives to its files."""


def read_base_tree(archive: Path, patches: PatchTerms, repository: str, versions: Sequence[str]) -> BaseTree:
    """Read the source's archive twice: its lines remove most terms, and the rest is searched for."""
    base, texts = BaseTree(files=patches.files), dict[str, str]()
    left, names = {term.text: term for term in patches.terms}, set[str]()
    for path, content in _contents(archive):
        if path.startswith(".git/"):
            _add_git_file(base, path.removeprefix(".git/"), content)
            continue
        names.add(posixpath.basename(path))
        _remove_present(left, content)
        if len(content) >= MIN_BLOB_BYTES:
            base.blobs.add(blob_id(content))
        if path in ROOT_MANIFESTS or VERSION_FILES.match(path):
            texts[path] = content[:_TEXT_BYTES].decode("utf-8", "replace")
    base.files = frozenset(path for path in base.files if posixpath.basename(path) not in names)
    base.project = read_project(repository, texts, versions)
    base.terms = _absent(archive, select_terms(left.values()))
    return base


def blob_id(content: bytes) -> str:
    """The id that git gives to a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _remove_present(left: dict[bytes, Term], content: bytes) -> None:
    for line in content.splitlines():
        left.pop(line.strip(), None)
    for word in _TEST_WORD.findall(content):
        left.pop(word, None)


def _absent(archive: Path, terms: Iterable[Term]) -> tuple[Term, ...]:
    left = list(terms)
    for path, content in _contents(archive):
        if not path.startswith(".git/"):
            left = [term for term in left if term.text not in content]
    return tuple(left)


def _add_git_file(base: BaseTree, path: str, content: bytes) -> None:
    base.git_files.add((path, hashlib.sha256(content).hexdigest()))
    if is_ref(path):
        base.git_ids |= ids_in(content)


def _contents(archive: Path) -> Iterator[tuple[str, bytes]]:
    for member in read_members(archive, Quota(SOURCE_LIMITS)):
        if member.kind is MemberKind.FILE:
            yield "/".join(member.parts), read_start(member)


def read_start(member: ArchiveMember) -> bytes:
    """The first part of a file: all of it, unless it is larger than any that is searched whole."""
    content, parts, left = member.open(), list[bytes](), MEMBER_BYTES
    while left > 0 and (part := content.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
