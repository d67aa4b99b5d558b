"""How is a Dockerfile built on this machine? By buildah without a daemon, its storage in the lab's folder.

`FROM debian:bookworm-slim` means the lab's own image here: its registry is set as the mirror of docker.io.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from swefoundry_lab.images.debian import ISOLATED, run
from swefoundry_lab.images.layer import EPOCH
from swefoundry_lab.images.layout import Layout

PASSED_ON = ("PIP_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where the machine's bundle is inside the lab's images; pip has one of its own unless it is told of it."""


@dataclass(frozen=True)
class Build:
    """One Dockerfile, the folder it may copy from, and what it may not see of that folder."""

    dockerfile: Path
    context: Path
    ignore: Path | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Buildah:
    """Buildah with its storage below `home`, pulling from the registry at `registry`."""

    home: Path
    registry: str

    def build(self, build: Build, work: Path) -> Layout:
        """Build into `work/layout`; what buildah says is in `work/log`."""
        self._configure()
        layout, image = work / "layout", f"localhost/{work.name.lower()}:latest"
        self._run(work, "bud", *self._options(build), "--tag", image, str(build.context))
        self._run(work, "push", "--quiet", "--format=oci", image, f"oci:{layout}")
        return Layout(layout)

    def forget(self) -> None:
        """Free the disk that builds took, layers that serve as a cache included."""
        self._configure()
        self._run(self.home, "rmi", "--all", "--force")

    def _options(self, build: Build) -> list[str]:
        options = [
            "--isolation=chroot",
            "--network=host",
            "--layers",
            f"--timestamp={EPOCH}",
            "--pull-always",
            f"--file={build.dockerfile}",
            f"--build-arg=PIP_CERT={CA_BUNDLE}",
        ]
        options += [f"--build-arg={name}={os.environ[name]}" for name in PASSED_ON if os.environ.get(name)]
        options += [f"--build-arg={argument}" for argument in build.arguments]
        return options + ([f"--ignorefile={build.ignore}"] if build.ignore else [])

    def _run(self, work: Path, *command: str) -> None:
        env = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.home / "registries.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "TMPDIR": str(self.home / "tmp"),
        }
        run(*ISOLATED, "buildah", *command, log=work / "log", env=env)

    def _configure(self) -> None:
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        (self.home / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{self.home}/storage"\nrunroot = "{self.home}/run"\n'
        )
        (self.home / "registries.conf").write_text(
            'unqualified-search-registries = ["docker.io"]\n[[registry]]\nlocation = "docker.io"\n'
            f'[[registry.mirror]]\nlocation = "{self.registry}"\ninsecure = true\n'
        )
