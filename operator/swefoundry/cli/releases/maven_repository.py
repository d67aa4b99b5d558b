"""Client of the Maven repository that `mvn` is configured with."""

import asyncio
import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

from swefoundry.cli.releases.index import ComposedArchive, NoRelease, PackageIndex, SourceArchive
from swefoundry.cli.releases.maven_layout import ReleaseFiles, compose_source, newest_time
from swefoundry.errors import PackageIndexUnavailable

SOURCE_RELEASE = "-source-release.zip"
SOURCES = "-sources.jar"
TEST_SOURCES = "-test-sources.jar"
ADDRESS_COMMAND = (
    *("mvn", "--batch-mode", "--quiet", "help:evaluate", "-DforceStdout"),
    "-Dexpression=project.remoteArtifactRepositories[0].url",
)
"""Run where no pom.xml is: prints Maven's central repository, or its mirror in settings.xml."""


class MavenRepository:
    """Releases of Maven artifacts: the zip of the project's source, else its jars of sources and of test sources.

    Files are fetched with pip's session, which has the proxies and certificates of this machine; `mvn` runs only to
    print the address of its repository.
    """

    def __init__(self, fetcher: PackageIndex) -> None:
        self._fetcher = fetcher
        self._lock = asyncio.Lock()
        self._address = ""

    async def archive(self, package: str, version: str) -> SourceArchive:
        """Source of an artifact's release, and the time of its newest file."""
        group, artifact = package.split(":")
        folder = f"{await self._repository()}/{group.replace('.', '/')}/{artifact}"
        stem = f"{folder}/{version}/{artifact}-{version}"
        try:
            path, sha256 = await self._file(stem + SOURCE_RELEASE)
        except NoRelease:
            return await self._composed(package, version, folder)
        return SourceArchive(stem + SOURCE_RELEASE, path.name, sha256, newest_time(path))

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        """Path of the archive, and its sha256."""
        if isinstance(archive, ComposedArchive):
            return archive.path, archive.sha256
        return await self._fetcher.fetch(archive)

    async def _composed(self, package: str, version: str, folder: str) -> ComposedArchive:
        name = f"{folder.rpartition('/')[2]}-{version}"
        stem = f"{folder}/{version}/{name}"
        try:
            pom, _ = await self._file(f"{stem}.pom")
        except NoRelease as error:
            raise NoRelease(await self._without_pom(package, version, folder)) from error
        jars = []
        for suffix in (SOURCES, TEST_SOURCES):
            try:
                path, _ = await self._file(stem + suffix)
            except NoRelease as error:
                raise NoRelease(
                    f"{package} {version} was published without its tests: the repository has neither "
                    f"{name}{SOURCE_RELEASE} nor {name}{suffix}"
                ) from error
            jars.append(path)
        files = ReleaseFiles(pom, *jars)
        target = files.tests.with_name(f"{name}.tar")
        await asyncio.to_thread(compose_source, files, name, target)
        sha256 = await asyncio.to_thread(_sha256_of, target)
        return ComposedArchive("", target.name, sha256, newest_time(*jars), target)

    async def _without_pom(self, package: str, version: str, folder: str) -> str:
        try:
            path, _ = await self._file(f"{folder}/maven-metadata.xml")
        except NoRelease:
            return f"the repository has no artifact {package}"
        known = re.findall(r"<version>([^<]+)</version>", path.read_text("utf-8", "replace"))
        return f"{package} {version} is not in the repository. The last there: {', '.join(known[-5:])}."

    async def _file(self, url: str) -> tuple[Path, str]:
        return await self._fetcher.fetch(SourceArchive(url, url.rpartition("/")[2], "", None))

    async def _repository(self) -> str:
        async with self._lock:
            self._address = self._address or await asyncio.to_thread(_address_of_mvn)
        return self._address


def _address_of_mvn() -> str:
    with tempfile.TemporaryDirectory(prefix="swefoundry-") as folder:
        try:
            result = subprocess.run(ADDRESS_COMMAND, cwd=folder, capture_output=True, text=True, check=True)
        except FileNotFoundError as error:
            raise PackageIndexUnavailable(
                "pairs of Maven artifacts need mvn, which is not on PATH"
            ) from error
        except subprocess.CalledProcessError as error:
            output = (error.stdout + error.stderr).strip()[-500:]
            raise PackageIndexUnavailable(f"mvn did not name its repository: {output}") from error
    found = re.search(r"https?://[^\s\x1b]+", result.stdout)  # colours may be around it
    if found is None:
        raise PackageIndexUnavailable(f"mvn did not name its repository: {result.stdout.strip()[-500:]}")
    return found[0].rstrip("/")


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
