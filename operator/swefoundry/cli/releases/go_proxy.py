"""Client of the Go module proxies that `go` is configured with."""

import json
import os
import re
import subprocess
from datetime import datetime
from functools import cached_property
from pathlib import Path

from swefoundry.cli.releases.index import NoRelease, PackageIndex, SourceArchive
from swefoundry.errors import PackageIndexUnavailable


class GoProxy:
    """Releases of Go modules, by the GOPROXY protocol.

    Files are fetched with pip's session, which has the proxies and certificates of this machine; no `go` runs but to
    say its GOPROXY where the environment has none.
    """

    def __init__(self, fetcher: PackageIndex) -> None:
        self._fetcher = fetcher

    @cached_property
    def addresses(self) -> list[str]:
        """The proxies of GOPROXY, in its order."""
        configured = os.environ.get("GOPROXY") or _setting_of_go()
        addresses = [each.strip().rstrip("/") for each in re.split(r"[,|]", configured)]
        found = [each for each in addresses if each.startswith(("http://", "https://"))]
        if not found:
            raise PackageIndexUnavailable("GOPROXY names no module proxy; set it to the address of one")
        return found

    async def archive(self, package: str, version: str) -> SourceArchive:
        """Zip archive of a module's release, and when the release was made."""
        missing = NoRelease(f"{package} {version} is unknown")
        for address in self.addresses:
            release = f"{address}/{escaped_path(package)}/@v/{escaped_path(version)}"
            try:
                path, _ = await self._fetcher.fetch(
                    SourceArchive(f"{release}.info", f"{version}.info", "", None)
                )
            except NoRelease as error:
                missing = error
                continue
            uploaded = datetime.fromisoformat(json.loads(path.read_text("utf-8"))["Time"])
            return SourceArchive(f"{release}.zip", f"{version}.zip", "", uploaded)
        raise missing

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        """Path of the downloaded archive, and its sha256."""
        return await self._fetcher.fetch(archive)


def escaped_path(path: str) -> str:
    """Path of a module as proxies have it, without capitals: `github.com/!burnt!sushi/toml`."""
    return re.sub(r"[A-Z]", lambda capital: "!" + capital[0].lower(), path)


def _setting_of_go() -> str:
    try:
        result = subprocess.run(["go", "env", "GOPROXY"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()
