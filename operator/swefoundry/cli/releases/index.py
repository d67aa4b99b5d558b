"""What does the package index that pip is configured with say about a release? The doorway to it."""

import asyncio
import hashlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from swefoundry.cli.exit_status import ServiceUnavailable

ARCHIVE_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz")
"""Of source archives, best first."""
ARCHIVE_LIMIT_BYTES = 256 << 20
LINE_LIMIT_BYTES = 64 << 20
"""The page of a project with many thousand files has a few megabytes."""
PIP_SESSION = Path(__file__).with_name("pip_session.py")


class NoRelease(Exception):
    """The index has no such package, release or source archive; the message says which."""


@dataclass(frozen=True)
class SourceArchive:
    """One release's source archive."""

    url: str
    filename: str
    sha256: str
    """Empty when the index does not say."""
    uploaded: datetime | None


class PackageIndex(Protocol):
    """What a collector needs of an index."""

    async def archives(self, package: str) -> dict[Version, SourceArchive]:
        """The source archive of each release that has one."""

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        """The archive as a local file, and its sha256."""


def source_archives(files: Sequence[dict[str, Any]]) -> dict[Version, SourceArchive]:
    """Per release the best source archive of a project page."""
    found: dict[Version, tuple[int, SourceArchive]] = {}
    for file in files:
        suffix = next(
            (at for at, each in enumerate(ARCHIVE_SUFFIXES) if file["filename"].endswith(each)), None
        )
        version = _version(file["filename"])
        if suffix is None or version is None:
            continue
        if version not in found or suffix < found[version][0]:
            found[version] = suffix, _archive(file)
    return {version: archive for version, (_, archive) in found.items()}


def _version(filename: str) -> Version | None:
    """What follows the last hyphen that a digit follows: `my-pkg-1.0`; old file names are not normalised."""
    stem = re.sub(r"\.(?:tar\.(?:gz|bz2|xz)|tgz|zip)$", "", filename)
    found = re.search(r"-(v?\d[^-]*(?:-(?:post|rev|r|a|b|rc|dev)?\d+)?)$", stem)
    try:
        return Version(found[1]) if found else None
    except InvalidVersion:
        return None


def _archive(file: dict[str, Any]) -> SourceArchive:
    written = file.get("upload-time")
    uploaded = datetime.fromisoformat(written.replace("Z", "+00:00")) if written else None
    return SourceArchive(
        file["url"], file["filename"], (file.get("hashes") or {}).get("sha256", ""), uploaded
    )


class PipIndex:
    """The index that pip is configured with, through :mod:`pip_session`; archives are kept in a folder."""

    def __init__(self, process: asyncio.subprocess.Process, cache: Path) -> None:
        self._process = process
        self._cache = cache
        self._turn = asyncio.Lock()
        self._pages: dict[str, dict[Version, SourceArchive]] = {}

    async def archives(self, package: str) -> dict[Version, SourceArchive]:
        name = canonicalize_name(package)
        if name not in self._pages:
            said = await self._request({"page": name})
            self._pages[name] = source_archives(said["files"])
        return self._pages[name]

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        folder = self._cache / (archive.sha256 or hashlib.sha256(archive.url.encode()).hexdigest())
        path = folder / archive.filename
        if path.is_file() and archive.sha256 and await asyncio.to_thread(_sha256, path) == archive.sha256:
            return path, archive.sha256
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{archive.filename}.{os.getpid()}"
        try:
            said = await self._request({"file": archive.url, "to": str(part), "limit": ARCHIVE_LIMIT_BYTES})
            if archive.sha256 and said["sha256"] != archive.sha256:
                raise ServiceUnavailable(f"{archive.filename} arrived damaged: its sha256 is not the index's")
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path, said["sha256"]

    async def _request(self, job: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ServiceUnavailable("pip's session has no pipes")
        async with self._turn:
            try:
                stdin.write(json.dumps(job).encode() + b"\n")
                await stdin.drain()
                line = await stdout.readline()
            except (ConnectionError, ValueError) as error:
                raise ServiceUnavailable(f"pip's session broke: {error}") from error
        if not line:
            raise ServiceUnavailable(
                f"pip could not be used to reach the package index; does `{sys.executable} -m pip --version` work?"
            )
        said: dict[str, Any] = json.loads(line)
        if "missing" in said:
            raise NoRelease(said["missing"])
        if "error" in said:
            raise ServiceUnavailable(f"the package index did not answer: {said['error']}")
        return said


@asynccontextmanager
async def pip_index(cache: Path) -> AsyncIterator[PipIndex]:
    """Opened for one command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # this folder's modules must not stand in for the standard library's
        str(PIP_SESSION),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        limit=LINE_LIMIT_BYTES,
    )
    try:
        yield PipIndex(process, cache)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
