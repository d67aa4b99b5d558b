"""Stream of the checked members of a tar or zip archive. Nothing is written here.

Names are checked, members and bytes are counted while they are read, and every error of the libraries is an
``ArchiveRejected``: what a caller gets is safe to use as a path below a folder, and within the limits.
"""

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, cast

from swefoundry.archives.archive_errors import ArchiveRejected, rejecting_broken
from swefoundry.archives.archive_limits import PATH_BYTES, Quota
from swefoundry.archives.archive_policy import UnsafePolicy
from swefoundry.archives.member_names import display_name, name_problem, path_parts, target_problem
from swefoundry.archives.streams import TarStream, ZipStream, decompressed, is_zip

_MAX_GLOBAL_HEADERS = 100
"""tarfile keeps all of them, and copies them to every member; `git archive` writes one."""


class MemberKind(Enum):
    """What a member is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "symbolic link"
    HARD_LINK = "hard link"
    OTHER = "device, pipe or similar"


class MemberContent:
    """The bytes of a file. Each read counts against the quota; broken data rejects the archive."""

    def __init__(self, stream: IO[bytes], quota: Quota) -> None:
        self._stream = stream
        self._quota = quota

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes at most; none at the end."""
        with rejecting_broken():
            data = self._stream.read(size)
        self._quota.add_bytes(len(data))
        return data


@dataclass(frozen=True)
class ArchiveMember:
    """One entry of an archive."""

    name: str
    """As the archive spells it, without a folder's trailing slash."""
    kind: MemberKind
    size: int
    executable: bool
    target: str
    """Of a symbolic or hard link."""
    mtime: float
    open: Callable[[], MemberContent]
    """The content of a file; to be called and read before the next member is taken."""

    @property
    def parts(self) -> list[str]:
        """The path below the folder; empty for the folder itself."""
        return path_parts(self.name)


def read_members(
    archive: Path, quota: Quota, unsafe: UnsafePolicy = UnsafePolicy.REJECT
) -> Iterator[ArchiveMember]:
    """The members in the archive's order: files, folders, symbolic and hard links with names that stay inside."""
    for member in read_unchecked_members(archive, quota):
        problem = _problem(member)
        if problem is None:
            yield member
        elif unsafe is UnsafePolicy.REJECT:
            raise ArchiveRejected(f"the archive's {display_name(member.name)} {problem}")


def read_unchecked_members(archive: Path, quota: Quota) -> Iterator[ArchiveMember]:
    """All members, also devices and those with names that lead out: for readers that write nothing.

    Layers of images have them: devices, absolute names, hard links to files of lower layers.
    """
    for member in _zip_members(archive, quota) if is_zip(archive) else _tar_members(archive, quota):
        quota.add_member()
        yield member


def _problem(member: ArchiveMember) -> str | None:
    problem = name_problem(member.name)
    if problem is not None:
        return problem
    match member.kind:
        case MemberKind.OTHER:
            return f"is a {MemberKind.OTHER.value}"
        case MemberKind.LINK:
            return target_problem(member.target)
        case MemberKind.HARD_LINK:
            problem = name_problem(member.target)
            return problem and f"is a link to {display_name(member.target)}, which {problem}"
    return None


def _tar_members(archive: Path, quota: Quota) -> Iterator[ArchiveMember]:
    with decompressed(archive) as plain:
        stream = TarStream(plain, quota)
        with rejecting_broken(), stream.reading_header():
            tar = tarfile.TarFile(fileobj=cast(IO[bytes], stream), encoding="utf-8", errors="surrogateescape")
        while True:
            with rejecting_broken(), stream.reading_header():
                info = tar.next()
            if info is None:
                return
            if len(tar.pax_headers) > _MAX_GLOBAL_HEADERS:
                raise ArchiveRejected(f"the archive has more than {_MAX_GLOBAL_HEADERS} global headers")
            yield _tar_member(tar, info, quota)
            # tarfile remembers every header that it has read; half a million of them are too many.
            tar.members.clear()  # type: ignore[attr-defined]


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo, quota: Quota) -> ArchiveMember:
    def content() -> MemberContent:
        with rejecting_broken():
            return MemberContent(cast(IO[bytes], tar.extractfile(info)), quota)

    return ArchiveMember(
        name=info.name,
        kind=_tar_kind(info),
        size=info.size,
        executable=bool(info.mode & 0o100),
        target=info.linkname,
        mtime=info.mtime,
        open=content,
    )


def _tar_kind(info: tarfile.TarInfo) -> MemberKind:
    kinds = (
        (info.isreg, MemberKind.FILE),
        (info.isdir, MemberKind.FOLDER),
        (info.issym, MemberKind.LINK),
        (info.islnk, MemberKind.HARD_LINK),
    )
    return next((kind for matches, kind in kinds if matches()), MemberKind.OTHER)


def _zip_members(archive: Path, quota: Quota) -> Iterator[ArchiveMember]:
    with archive.open("rb") as raw:
        with rejecting_broken():
            opened = zipfile.ZipFile(cast(IO[bytes], ZipStream(raw, quota.limits)))
        for info in opened.infolist():
            yield _zip_member(opened, info, quota)


def _zip_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, quota: Quota) -> ArchiveMember:
    def content() -> MemberContent:
        with rejecting_broken():
            return MemberContent(opened.open(info), quota)

    kind = _zip_kind(info)
    # One byte more than a target may have, so that a longer one is seen to be too long.
    target = content().read(PATH_BYTES + 1) if kind is MemberKind.LINK else b""
    return ArchiveMember(
        name=info.filename.rstrip("/") if info.is_dir() else info.filename,
        kind=kind,
        size=info.file_size,
        executable=bool(info.external_attr >> 16 & 0o100),
        target=target.decode("utf-8", "surrogateescape"),
        mtime=0,
        open=content,
    )


def _zip_kind(info: zipfile.ZipInfo) -> MemberKind:
    if info.is_dir():
        return MemberKind.FOLDER
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode == stat.S_IFLNK:
        return MemberKind.LINK
    # Zips of other systems have no file type at all.
    return MemberKind.FILE if mode in (0, stat.S_IFREG) else MemberKind.OTHER
