"""Client of the package index that pip is configured with."""

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

from swefoundry.errors import PackageIndexUnavailable

ARCHIVE_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz")
"""File name suffixes of source archives, best first."""
ARCHIVE_LIMIT_BYTES = 256 << 20
LINE_LIMIT_BYTES = 64 << 20
"""The page of a project with thousands of files has a few megabytes."""
PIP_SESSION = Path(__file__).with_name("pip_session.py")


class NoRelease(Exception):
    """The index does not have the package, release or source archive; the message says which."""


@dataclass(frozen=True)
class SourceArchive:
    """One release's source archive."""

    url: str
    filename: str
    sha256: str
    """Empty when the index does not give it."""
    uploaded: datetime | None


@dataclass(frozen=True)
class ComposedArchive(SourceArchive):
    """An archive that was made here, because the index has the release in several files; it has no URL."""

    path: Path


class PackageIndex(Protocol):
    """Operations of a package index that the collection needs."""

    async def archive(self, package: str, version: str) -> SourceArchive:
        """Source archive of a release."""

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        """Path of the downloaded archive, and its sha256."""


def source_archives(files: Sequence[dict[str, Any]]) -> dict[Version, SourceArchive]:
    """Best source archive of each release on a project page."""
    best: dict[Version, tuple[int, SourceArchive]] = {}
    for file in files:
        suffix = next(
            (at for at, each in enumerate(ARCHIVE_SUFFIXES) if file["filename"].endswith(each)), None
        )
        version = _version(file["filename"])
        if suffix is None or version is None:
            continue
        if version not in best or suffix < best[version][0]:
            best[version] = suffix, _archive(file)
    return {version: archive for version, (_, archive) in best.items()}


def _version(filename: str) -> Version | None:
    """Version in a file name, after the last hyphen that precedes a digit; old file names are not normalised."""
    stem = re.sub(r"\.(?:tar\.(?:gz|bz2|xz)|tgz|zip)$", "", filename)
    match = re.search(r"-(v?\d[^-]*(?:-(?:post|rev|r|a|b|rc|dev)?\d+)?)$", stem)
    try:
        return Version(match[1]) if match else None
    except InvalidVersion:
        return None


def _archive(file: dict[str, Any]) -> SourceArchive:
    upload_time = file.get("upload-time")
    uploaded = datetime.fromisoformat(upload_time) if upload_time else None
    return SourceArchive(
        file["url"], file["filename"], (file.get("hashes") or {}).get("sha256", ""), uploaded
    )


class PipIndex:
    """The index that pip is configured with, through :mod:`pip_session`; archives are cached in a folder."""

    def __init__(self, process: asyncio.subprocess.Process, cache: Path) -> None:
        self._process = process
        self._cache = cache
        self._lock = asyncio.Lock()
        self._pages: dict[str, dict[Version, SourceArchive]] = {}

    async def archive(self, package: str, version: str) -> SourceArchive:
        archives = await self._archives(package)
        found = archives.get(Version(version))
        if found is None:
            known = ", ".join(str(each) for each in sorted(archives)[-5:])
            raise NoRelease(
                f"{package} {version} has no source archive in the index. The latest with one: {known}."
            )
        return found

    async def _archives(self, package: str) -> dict[Version, SourceArchive]:
        name = canonicalize_name(package)
        if name not in self._pages:
            answer = await self._request({"page": name})
            self._pages[name] = source_archives(answer["files"])
        return self._pages[name]

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        folder = self._cache / (archive.sha256 or hashlib.sha256(archive.url.encode()).hexdigest())
        path = folder / archive.filename
        if path.is_file() and archive.sha256 and await asyncio.to_thread(_sha256, path) == archive.sha256:
            return path, archive.sha256
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{archive.filename}.{os.getpid()}"
        try:
            answer = await self._request({"file": archive.url, "to": str(part), "limit": ARCHIVE_LIMIT_BYTES})
            if archive.sha256 and answer["sha256"] != archive.sha256:
                raise PackageIndexUnavailable(
                    f"{archive.filename} was damaged in transfer: its sha256 differs from the index's"
                )
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path, answer["sha256"]

    async def _request(self, job: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise PackageIndexUnavailable("pip's session has no pipes")
        async with self._lock:
            try:
                stdin.write(json.dumps(job).encode() + b"\n")
                await stdin.drain()
                line = await stdout.readline()
            except (ConnectionError, ValueError) as error:
                raise PackageIndexUnavailable(f"pip's session broke: {error}") from error
        if not line:
            raise PackageIndexUnavailable(
                f"pip could not be used to reach the package index; does `{sys.executable} -m pip --version` work?"
            )
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise NoRelease(answer["missing"])
        if "error" in answer:
            raise PackageIndexUnavailable(f"the package index did not answer: {answer['error']}")
        return answer


@asynccontextmanager
async def pip_index(cache: Path) -> AsyncIterator[PipIndex]:
    """Index for the time of one command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # modules of this folder must not shadow the standard library
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
