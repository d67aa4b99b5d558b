"""Source trees of the corpus from release archives, which are located by the package client and cached outside the
checkout.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

CACHE = Path(os.environ.get("SWEFOUNDRY_BENCH_DIR", Path.home() / ".cache" / "swefoundry-bench"))

UV = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))


@dataclass(frozen=True)
class Release:
    """The source archive of a release."""

    package: str
    version: str
    url: str
    sha256: str
    uploaded: datetime

    def unpack(self, target: Path) -> None:
        """Download the archive once, check its sha256, and unpack it without its top folder."""
        archive = CACHE / "archives" / self.url.rsplit("/", 1)[1]
        if not archive.exists():
            archive.parent.mkdir(parents=True, exist_ok=True)
            with urllib.request.urlopen(self.url, timeout=60) as response:
                archive.write_bytes(response.read())
        if hashlib.sha256(archive.read_bytes()).hexdigest() != self.sha256:
            raise ValueError(f"{archive.name} has another sha256 than the package index names")
        _extract(archive, target)


def release(package: str, version: str) -> Release:
    """Locate the source archive of a release with the package client."""
    result = subprocess.run(
        [
            UV,
            "pip",
            "compile",
            "-q",
            "--no-deps",
            "--no-header",
            "--format",
            "pylock.toml",
            "--python-version",
            "3.11",
            "-",
        ],
        input=f"{package}=={version}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    sdist = tomllib.loads(result.stdout)["packages"][0]["sdist"]
    return Release(package, version, sdist["url"], sdist["hashes"]["sha256"], sdist["upload-time"])


def _extract(archive: Path, target: Path) -> None:
    scratch = target.with_name(target.name + ".unpacking")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(scratch)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
    (top,) = [entry for entry in scratch.iterdir() if entry.is_dir()]
    shutil.rmtree(target, ignore_errors=True)
    top.rename(target)
    shutil.rmtree(scratch)
