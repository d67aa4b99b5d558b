"""Builds Dockerfiles with buildah, whose storage is in the lab's folder.

`FROM debian:bookworm-slim` refers to the lab's image, because the lab's registry is the mirror of docker.io.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from swefoundry_lab.command import run
from swefoundry_lab.images.debian import ISOLATED
from swefoundry_lab.images.layer import EPOCH
from swefoundry_lab.images.layout import Layout, compressed_layer

ENVIRONMENT = ("PIP_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Variables of this machine's environment that are passed to builds as build arguments."""

SHARED = "/var/lib/containers"

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Path of the machine's CA bundle in the lab's images; pip uses its own bundle unless another is set."""


@dataclass(frozen=True)
class Build:
    """One Dockerfile, its context folder, and its ignore file."""

    dockerfile: Path
    context: Path
    ignore: Path | None = None

    @property
    def options(self) -> list[str]:
        options = [
            "--isolation=chroot",
            "--network=host",
            "--layers",
            f"--timestamp={EPOCH}",
            "--pull-always",
        ]
        options += [f"--file={self.dockerfile}", f"--build-arg=PIP_CERT={CA_BUNDLE}"]
        options += [f"--build-arg={name}={os.environ[name]}" for name in ENVIRONMENT if os.environ.get(name)]
        return options + ([f"--ignorefile={self.ignore}"] if self.ignore else [])


@dataclass(frozen=True)
class Buildah:
    """Buildah with its storage below `home`; it pulls from and pushes to the registry at `registry`."""

    home: Path
    registry: str

    def build(self, build: Build, image: str) -> None:
        """Build an image in buildah's storage, under a local name."""
        self._configure()
        self._run("bud", *build.options, "--tag", f"localhost/{image}", str(build.context))

    def export(self, image: str, work: Path, known: Iterable[Layout]) -> Layout:
        """Write a built image to `work/layout`. Layers of known images are taken from those."""
        plain = work / "plain"
        self._push(image, f"dir:{plain}", "--disable-compression")
        return compressed_layer(plain, work / "layout", known)

    def publish(self, image: str, name: str) -> None:
        """Push a built image; layers that the registry has in any repository are not sent."""
        self._push(image, f"docker://{self.registry}/{name}", "--tls-verify=false")

    def save(self, image: str, archive: Path) -> None:
        """Save a built image as an OCI archive."""
        self._run("push", "--quiet", "--format=oci", f"localhost/{image}", f"oci-archive:{archive}:{image}")

    def delete_all(self) -> None:
        """Delete all images and cached layers, to free the disk."""
        self._configure()
        self._run("rmi", "--all", "--force")

    def _push(self, image: str, target: str, option: str) -> None:
        self._run("push", "--quiet", "--format=oci", option, f"localhost/{image}", target)

    def _run(self, *command: str) -> None:
        env = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.home / "registries.conf"),
            "TMPDIR": str(self.home / "tmp"),
        }
        # buildah caches facts of registries' blobs under a fixed path, on which a folder of the lab is mounted.
        script = f'mkdir -p {SHARED} && mount --bind "$0" {SHARED} && exec buildah "$@"'
        run([*ISOLATED, "sh", "-c", script, self.home / "shared", *command], env=env)

    def _configure(self) -> None:
        for folder in ("tmp", "shared"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{self.home}/storage"\nrunroot = "{self.home}/run"\n'
        )
        (self.home / "registries.conf").write_text(
            'unqualified-search-registries = ["docker.io"]\n[[registry]]\nlocation = "docker.io"\n'
            f'[[registry.mirror]]\nlocation = "{self.registry}"\ninsecure = true\n'
        )
