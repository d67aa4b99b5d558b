"""A source archive as a folder: tar or zip, without its leading folder, and nothing outside of it."""

import shutil
import tarfile
import zipfile
from pathlib import Path

UNPACKED_LIMIT_BYTES = 1 << 30
"""Archives that unpack to more are no task for a benchmark, and may be bombs."""


class BadArchive(Exception):
    """The archive cannot be unpacked; the message says why."""


def unpack_release(archive: Path, into: Path) -> Path:
    """Unpack below ``into``; the folder that stands for the repository's root."""
    into.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, into)
        else:
            _unpack_tar(archive, into)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise BadArchive(f"{archive.name} cannot be unpacked: {error}") from error
    entries = list(into.iterdir())
    root = entries[0] if len(entries) == 1 and entries[0].is_dir() else into
    for git in [path for path in root.rglob(".git") if not path.is_symlink()]:
        shutil.rmtree(git) if git.is_dir() else git.unlink()
    return root


def _unpack_tar(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(into, members=_bounded_members(tar), filter=_safe_member)


def _bounded_members(tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members = tar.getmembers()
    _check_size(sum(member.size for member in members), tar.name)
    return members


def _safe_member(member: tarfile.TarInfo, into: str) -> tarfile.TarInfo | None:
    """Links and names that lead outside, and devices, are left out."""
    try:
        return tarfile.data_filter(member, into)
    except tarfile.FilterError:
        return None


def _unpack_zip(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        _check_size(sum(member.file_size for member in zipped.infolist()), archive.name)
        zipped.extractall(into)  # drops leading slashes and `..` by itself


def _check_size(size: int, name: object) -> None:
    if size > UNPACKED_LIMIT_BYTES:
        raise BadArchive(f"{name} unpacks to {size} bytes, more than {UNPACKED_LIMIT_BYTES}")
