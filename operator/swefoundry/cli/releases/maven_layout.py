"""The source tree of a Maven release that was published as jars of sources, of test sources, and a pom.

A jar has Java files and resources in one tree, without the folders of the project. Here each gets its place again: Java
files the pom's folders of sources and tests, else Maven's own, other files those of resources. Left out is what packing
wrote: the manifest, Maven's descriptor and the licence files in META-INF, and classes that JMH generates.
"""

import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from swefoundry.cli.releases.release_pom import ReleasePom
from swefoundry.cli.releases.unpacking import RELEASE_LIMITS, BadArchive

WRITTEN_BY_PACKING = re.compile(
    r"META-INF/(?:MANIFEST\.MF|INDEX\.LIST|maven/.*|(?:LICENSE|NOTICE|DEPENDENCIES)[^/]*|[^/]*\.(?:SF|RSA|DSA))"
)
GENERATED_BY_JMH = re.compile(r"(?:.*/)?(?:[^/]*_jmh[^/]*\.java|jmh_generated/.*)")
OLDEST_YEAR = 2000
"""Older than every release: builds that are reproducible may give all files a time like 1980."""


@dataclass(frozen=True)
class ReleaseFiles:
    """The published files of one release, on disk."""

    pom: Path
    sources: Path
    tests: Path


def compose_source(files: ReleaseFiles, folder: str, target: Path) -> None:
    """Write the source tree below ``folder`` to a tar file."""
    pom = ReleasePom(files.pom)
    main = pom.folder("sourceDirectory", "src/main/java")
    test = pom.folder("testSourceDirectory", "src/test/java")
    with tarfile.open(target, "w") as tar:
        _add(tar, f"{folder}/pom.xml", files.pom.read_bytes())
        for name, content in _sources(files.sources):
            place = main if name.endswith(".java") else "src/main/resources"
            _add(tar, f"{folder}/{place}/{name}", content)
        for name, content in _sources(files.tests):
            place = test if name.endswith(".java") else "src/test/resources"
            _add(tar, f"{folder}/{place}/{name}", content)


def newest_time(*archives: Path) -> datetime | None:
    """Time of the newest file in zip archives; None where it is not a time of a release."""
    times = [info.date_time for path in archives for info in _entries(path) if not info.is_dir()]
    newest = max(times, default=(0,) * 6)
    return datetime(*newest).replace(tzinfo=UTC) if newest[0] >= OLDEST_YEAR else None


def _sources(jar: Path) -> Iterator[tuple[str, bytes]]:
    entries = _entries(jar)
    if sum(info.file_size for info in entries) > RELEASE_LIMITS.unpacked_bytes:
        raise BadArchive(f"{jar.name} has more than {RELEASE_LIMITS.unpacked_bytes} bytes unpacked")
    with zipfile.ZipFile(jar) as archive:
        for info in entries:
            name = info.filename
            if not (info.is_dir() or WRITTEN_BY_PACKING.fullmatch(name) or GENERATED_BY_JMH.fullmatch(name)):
                yield name, archive.read(info)


def _entries(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except zipfile.BadZipFile as error:
        raise BadArchive(f"{path.name} cannot be unpacked: {error}") from error


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, BytesIO(content))
