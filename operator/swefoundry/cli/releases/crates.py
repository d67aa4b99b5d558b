"""Client of the registry of crates that cargo is configured with."""

import asyncio
import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from swefoundry.cli.releases.index import NoRelease, PackageIndex, SourceArchive
from swefoundry.errors import PackageIndexUnavailable

PROBE_MANIFEST = (
    '[package]\nname = "probe"\nversion = "0.0.0"\n[lib]\npath = "lib.rs"\n[dependencies]\n"{crate}" = "*"\n'
)


class CrateIndex:
    """Releases of crates.

    cargo reads the index and keeps it below CARGO_HOME, with the address of the registry's downloads; archives are
    fetched with pip's session, which has the proxies and certificates of this machine.
    """

    def __init__(self, fetcher: PackageIndex) -> None:
        self._fetcher = fetcher
        self._lock = asyncio.Lock()
        self._releases: dict[str, list[SourceArchive]] = {}

    async def archive(self, package: str, version: str) -> SourceArchive:
        """Archive of a crate's release, and when it was published."""
        async with self._lock:
            if package not in self._releases:
                await _update_index(package)
                self._releases[package] = await asyncio.to_thread(_releases, package)
        filename = f"{package}-{version}.crate"
        found = next((each for each in self._releases[package] if each.filename == filename), None)
        if found is None:
            known = ", ".join(_version_in(each, package) for each in self._releases[package][-5:])
            raise NoRelease(f"{package} {version} is not in the registry. The latest releases: {known}.")
        return found

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        """Path of the downloaded archive, and its sha256."""
        return await self._fetcher.fetch(archive)


def _version_in(archive: SourceArchive, package: str) -> str:
    return archive.filename.removeprefix(f"{package}-").removesuffix(".crate")


async def _update_index(package: str) -> None:
    """Let cargo resolve a manifest that names the crate: it reads the crate's page of the index, and runs nothing."""
    with tempfile.TemporaryDirectory(prefix="swefoundry-") as scratch:
        folder = Path(scratch)
        (folder / "Cargo.toml").write_text(PROBE_MANIFEST.format(crate=package))
        (folder / "lib.rs").touch()
        try:
            process = await asyncio.create_subprocess_exec(
                "cargo", "generate-lockfile", cwd=folder,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise PackageIndexUnavailable("pairs of crates need cargo, which is not on PATH") from error
        _, stderr = await process.communicate()
    message = stderr.decode("utf-8", "replace")
    if process.returncode and "no matching package" in message:
        raise NoRelease(f"the registry has no crate {package}")
    if process.returncode and not _pages(package):  # all releases yanked: there is nothing to resolve
        raise PackageIndexUnavailable(f"cargo could not read the registry: {message.strip()[-500:]}")


def _pages(package: str) -> list[Path]:
    """The crate's pages in cargo's copies of registries, newest first."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    name = package.lower()
    place = {1: "1", 2: "2", 3: f"3/{name[:1]}"}.get(len(name), f"{name[:2]}/{name[2:4]}")
    pages = (home / "registry" / "index").glob(f"*/.cache/{place}/{name}")
    return sorted(pages, key=lambda page: page.stat().st_mtime, reverse=True)


def _releases(package: str) -> list[SourceArchive]:
    """Return the releases on a crate's page: a version and a JSON object for each, all ended by zeros."""
    pages = _pages(package)
    if not pages:
        raise PackageIndexUnavailable("cargo keeps no copy of its registry; a sparse registry is needed")
    registry = next(folder for folder in pages[0].parents if folder.name == ".cache").parent
    downloads = json.loads((registry / "config.json").read_text("utf-8"))["dl"]
    entries = [json.loads(part) for part in pages[0].read_bytes().split(b"\0") if part.startswith(b"{")]
    return [_archive(entry, downloads) for entry in entries]


def _archive(entry: dict[str, Any], downloads: str) -> SourceArchive:
    name, version, published = entry["name"], entry["vers"], entry.get("pubtime")
    address = downloads if "{" in downloads else f"{downloads}/{{crate}}/{{version}}/download"
    url = address.replace("{crate}", name).replace("{version}", version)
    uploaded = datetime.fromisoformat(published) if published else None
    return SourceArchive(url, f"{name}-{version}.crate", entry["cksum"], uploaded)
