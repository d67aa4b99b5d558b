"""Build a Dockerfile on this machine: with buildah, without a daemon, its storage in the lab's folder.

`FROM debian:bookworm-slim` means the lab's own image here: the lab's registry is the mirror of docker.io.
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
"""Variables of this machine's environment that builds get as build arguments."""

SHARED = "/var/lib/containers"

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where the machine's bundle is inside the lab's images; pip uses its own unless another is set."""


@dataclass(frozen=True)
class Build:
    """One Dockerfile, the folder it may copy from, and the file that says what it may not see there."""

    dockerfile: Path
    context: Path
    ignore: Path | None = None

    @property
    def options(self) -> list[str]:
        chosen = ["--isolation=chroot", "--network=host", "--layers", f"--timestamp={EPOCH}", "--pull-always"]
        chosen += [f"--file={self.dockerfile}", f"--build-arg=PIP_CERT={CA_BUNDLE}"]
        chosen += [f"--build-arg={name}={os.environ[name]}" for name in ENVIRONMENT if os.environ.get(name)]
        return chosen + ([f"--ignorefile={self.ignore}"] if self.ignore else [])


@dataclass(frozen=True)
class Buildah:
    """Buildah with its storage below `home`; images come from, and go to, the registry at `registry`."""

    home: Path
    registry: str

    def build(self, build: Build, image: str) -> None:
        """Build an image into buildah's storage, under a local name."""
        self._configure()
        self._run("bud", *build.options, "--tag", f"localhost/{image}", str(build.context))

    def export(self, image: str, work: Path, known: Iterable[Layout]) -> Layout:
        """A built image as `work/layout`. Layers that known images have too are taken from them."""
        plain = work / "plain"
        self._push(image, f"dir:{plain}", "--disable-compression")
        return compressed_layer(plain, work / "layout", known)

    def publish(self, image: str, name: str) -> None:
        """Push a built image; layers that the registry has, also in another repository, are not sent."""
        self._push(image, f"docker://{self.registry}/{name}", "--tls-verify=false")

    def save(self, image: str, archive: Path) -> None:
        """Save a built image as an OCI archive."""
        self._run("push", "--quiet", "--format=oci", f"localhost/{image}", f"oci-archive:{archive}:{image}")

    def forget(self) -> None:
        """Give back the disk that images and cached layers take."""
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
        # What it knows of blobs in registries it keeps in a fixed place; here that place is the lab's folder.
        inside = f'mkdir -p {SHARED} && mount --bind "$0" {SHARED} && exec buildah "$@"'
        run([*ISOLATED, "sh", "-c", inside, self.home / "shared", *command], env=env)

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
