"""Client of the npm registry that `npm` is configured with."""

import json
import os
import subprocess
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from swefoundry.cli.releases.index import NoRelease, PackageIndex, SourceArchive
from swefoundry.errors import PackageIndexUnavailable

SETTINGS = ("npm_config_registry", "NPM_CONFIG_REGISTRY")


class NpmRegistry:
    """Releases of npm packages.

    Files are fetched with pip's session, which has the proxies and certificates of this machine; `npm` runs only to
    print its registry where the environment names none.
    """

    def __init__(self, fetcher: PackageIndex) -> None:
        self._fetcher = fetcher

    @cached_property
    def address(self) -> str:
        """The registry of the environment, else of npm's own configuration."""
        configured = next(filter(None, map(os.environ.get, SETTINGS)), "") or _setting_of_npm()
        if not configured.startswith(("http://", "https://")):
            raise PackageIndexUnavailable(
                f"npm is not configured with a registry; set {SETTINGS[0]} to the address of one"
            )
        return configured.rstrip("/")

    async def archive(self, package: str, version: str) -> SourceArchive:
        """Tarball of a package's release, and when the registry says that it was published."""
        url = f"{self.address}/{quote(package, safe='@')}"
        path, _ = await self._fetcher.fetch(SourceArchive(url, "package-page.json", "", None))
        page: dict[str, Any] = json.loads(path.read_text("utf-8"))
        releases = page.get("versions", {})
        if version not in releases:
            raise NoRelease(f"{package} {version} is not in the registry. The last there: {_last(releases)}.")
        tarball = releases[version]["dist"]["tarball"]
        published = page.get("time", {}).get(version)
        uploaded = datetime.fromisoformat(published) if published else None
        return SourceArchive(tarball, tarball.rpartition("/")[2], "", uploaded)

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        """Path of the downloaded archive, and its sha256."""
        return await self._fetcher.fetch(archive)


def _last(releases: dict[str, Any]) -> str:
    return ", ".join(list(releases)[-5:])


def _setting_of_npm() -> str:
    try:
        result = subprocess.run(
            ["npm", "config", "get", "registry"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()
