"""Archives that a test writes member by member: good ones, and those that no program would write."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

LINK = tarfile.SYMTYPE
HARD_LINK = tarfile.LNKTYPE
FOLDER = tarfile.DIRTYPE


@dataclass(frozen=True)
class Entry:
    """One member."""

    name: str
    content: bytes = b""
    type: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644
    mtime: int = 0


def file(name: str, content: bytes = b"", mode: int = 0o644, mtime: int = 0) -> Entry:
    return Entry(name, content, mode=mode, mtime=mtime)


def folder(name: str, mtime: int = 0) -> Entry:
    return Entry(name, type=FOLDER, mode=0o755, mtime=mtime)


def link(name: str, target: str, mtime: int = 0) -> Entry:
    return Entry(name, type=LINK, target=target, mtime=mtime)


def hard_link(name: str, target: str) -> Entry:
    return Entry(name, type=HARD_LINK, target=target)


def special(name: str, kind: bytes) -> Entry:
    return Entry(name, type=kind)


def tar(*entries: Entry, compression: str = "gz") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{compression}", errors="surrogateescape") as written:  # type: ignore[call-overload]
        for entry in entries:
            written.addfile(_info(entry), io.BytesIO(entry.content))
    return data.getvalue()


def _info(entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.name)
    info.type, info.linkname, info.mode, info.mtime = entry.type, entry.target, entry.mode, entry.mtime
    info.size = len(entry.content)
    return info


def zipped(*entries: Entry) -> bytes:
    """The same as a zip: hard links do not exist there, devices do by their mode alone."""
    formats = {
        LINK: stat.S_IFLNK,
        FOLDER: stat.S_IFDIR,
        tarfile.CHRTYPE: stat.S_IFCHR,
        tarfile.FIFOTYPE: stat.S_IFIFO,
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as written:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name + ("/" if entry.type == FOLDER else ""))
            info.external_attr = (formats.get(entry.type, stat.S_IFREG) | entry.mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(info, entry.target.encode() if entry.type == LINK else entry.content)
    return data.getvalue()


WRITERS: dict[str, Callable[..., bytes]] = {"tar.gz": tar, "zip": zipped}
"""Every hostile archive is tried in both formats."""
