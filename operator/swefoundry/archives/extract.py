"""Extract an archive so that nothing is touched but one new folder.

Links are made last, none below another: whatever is written before cannot be written through one.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from swefoundry.archives.archive_errors import ArchiveRejected, rejecting_broken
from swefoundry.archives.archive_limits import Quota
from swefoundry.archives.archive_policy import ExtractPolicy, GitPolicy, LinkPolicy, UnsafePolicy
from swefoundry.archives.member_names import display_name, path_parts
from swefoundry.archives.members import ArchiveMember, MemberKind, read_members

_CHUNK_BYTES = 1 << 16


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class _Extraction:
    """One archive's extraction in progress."""

    root: Path
    policy: ExtractPolicy
    quota: Quota
    links: dict[Path, str] = field(default_factory=dict)
    times: dict[Path, float] = field(default_factory=dict)


def extract(archive: Path, root: Path, policy: ExtractPolicy) -> None:
    """Extract into ``root``, which is made; ``ArchiveRejected`` leaves a part of the archive there."""
    root.mkdir(parents=True)
    extraction = _Extraction(root, policy, Quota(policy.limits))
    for member in read_members(archive, extraction.quota, policy.unsafe):
        path = _path(member.parts, extraction)
        if path is not None:
            _extract_member(member, path, extraction)
    _make_links(extraction)
    with rejecting_broken():  # times that no calendar has
        for path, mtime in extraction.times.items():
            os.utime(path, (mtime, mtime), follow_symlinks=False)


def _path(parts: list[str], extraction: _Extraction) -> Path | None:
    """Where a member is written; None for what is stripped or left out."""
    policy = extraction.policy
    kept = parts[policy.strip_components :]
    skipped = policy.git is GitPolicy.SKIP and any(part.lower() == ".git" for part in kept)
    return extraction.root.joinpath(*kept) if kept and not skipped else None


def _extract_member(member: ArchiveMember, path: Path, extraction: _Extraction) -> None:
    extraction.links.pop(path, None)  # of two members with one name the later one counts
    match member.kind:
        case MemberKind.FOLDER:
            _make_folder(path)
        case MemberKind.FILE:
            _write(path, member.open(), member.executable)
        case MemberKind.LINK:
            extraction.links[path] = member.target
        case MemberKind.HARD_LINK:
            _copy(member, path, extraction)
    if extraction.policy.keep_times:
        extraction.times[path] = member.mtime


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _conflict(path) from error


def _write(path: Path, content: _Readable, executable: bool) -> None:
    _make_folder(path.parent)
    if path.is_dir():
        raise _conflict(path)
    with path.open("wb") as handle:
        while chunk := content.read(_CHUNK_BYTES):
            handle.write(chunk)
    path.chmod(0o755 if executable else 0o644)


def _copy(member: ArchiveMember, path: Path, extraction: _Extraction) -> None:
    """A hard link becomes a file of its own: two names of one file could be changed by one patch."""
    original = _path(path_parts(member.target), extraction)
    if original is None or not original.is_file():
        raise ArchiveRejected(
            f"the archive's {display_name(member.name)} links to {display_name(member.target)}, which is not in it"
        )
    if original != path:
        extraction.quota.add_bytes(original.stat().st_size)
        with original.open("rb") as content:
            _write(path, content, os.access(original, os.X_OK))


def _make_links(extraction: _Extraction) -> None:
    placed = [path for path in extraction.links if _is_safe_place(path, extraction)]
    for path in extraction.links.keys() - set(placed):
        _refuse_link(path, extraction)
    for path in placed:
        _make_link(path, extraction.links[path])
    if extraction.policy.links is LinkPolicy.ANYWHERE:
        return
    with rejecting_broken():  # a long chain of links is a recursion
        outside = [path for path in placed if not _stays_inside(path, extraction.root)]
    for path in outside:
        _refuse_link(path, extraction)
        path.unlink()


def _is_safe_place(path: Path, extraction: _Extraction) -> bool:
    """Whether a link is not below another one, which would place it where that one leads, and not in .git."""
    first = path.relative_to(extraction.root).parts[0]
    return extraction.links.keys().isdisjoint(path.parents) and first.lower() != ".git"


def _refuse_link(path: Path, extraction: _Extraction) -> None:
    if extraction.policy.unsafe is UnsafePolicy.REJECT:
        names = (str(path.relative_to(extraction.root)), extraction.links[path])
        raise ArchiveRejected("the archive's link {} -> {} leads out of it".format(*map(display_name, names)))
    extraction.times.pop(path, None)


def _make_link(path: Path, target: str) -> None:
    _make_folder(path.parent)
    if path.is_dir():
        raise ArchiveRejected(f"the archive has {display_name(path.name)} as a link and as a folder")
    path.unlink(missing_ok=True)
    os.symlink(target, path)


def _stays_inside(path: Path, root: Path) -> bool:
    # Not Path.resolve: it raises for links in a circle, which are harmless.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _conflict(path: Path) -> ArchiveRejected:
    return ArchiveRejected(f"the archive has {display_name(path.name)} as a file and as a folder")
