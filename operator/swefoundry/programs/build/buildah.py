"""Command lines and configuration files of buildah. Pure: nothing is run here.

`--isolation chroot` needs no privilege beyond the pod's user namespace; RUN steps share the pod's network. Everything
that buildah would take from the machine's configuration is set, so that a build depends on its spec alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swefoundry.contracts.build import BuildSpec
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.programs.build.step_environment import IMAGE_TIME


@dataclass(frozen=True)
class BuildDirs:
    """The folders and files of one build; all of them on the pod's storage volume."""

    root: Path

    @property
    def context(self) -> Path:
        """The clean tree, exactly as it was fetched."""
        return self.root / "context"

    @property
    def dockerfile(self) -> Path:
        """Outside the context, so that it is not part of the tree."""
        return self.root / "Dockerfile"

    @property
    def ignore_file(self) -> Path:
        """An empty file in place of the tree's own .dockerignore, which often leaves out tests and .git."""
        return self.root / "ignore-nothing"

    @property
    def registries(self) -> Path:
        return self.root / "registries.conf"

    @property
    def policy(self) -> Path:
        return self.root / "policy.json"

    @property
    def defaults(self) -> Path:
        """buildah's containers.conf."""
        return self.root / "containers.conf"

    @property
    def helpers(self) -> Path:
        """Where buildah looks for its network program."""
        return self.root / "helpers"

    @property
    def certificates(self) -> Path:
        """Certificates that buildah trusts when it pulls and pushes, when the spec has some."""
        return self.root / "certificates.pem"

    @property
    def image_id(self) -> Path:
        return self.root / "image-id"

    @property
    def digest(self) -> Path:
        return self.root / "digest"

    @property
    def temporary(self) -> Path:
        """For the blobs that buildah is about to push: /var/tmp is in the container's small writable layer."""
        return self.root / "tmp"


POLICY = json.dumps({"default": [{"type": "insecureAcceptAnything"}]})
"""Base images are chosen by name (the allowed bases), not by signature."""


def containers_conf(dirs: BuildDirs) -> str:
    """buildah requires a network program to exist even though steps use the pod's network; any program does."""
    return f"[engine]\nhelper_binaries_dir = {json.dumps([str(dirs.helpers)])}\n"


def registries_conf(place: RegistryLocation, mirrors: Mapping[str, str]) -> str:
    """Where images come from. A mirror replaces its host: buildah does not fall back to the host itself."""
    lines = ['unqualified-search-registries = ["docker.io"]', 'short-name-mode = "disabled"']
    lines += _registry(place.registry, place.registry, place)
    for host, mirror in sorted(mirrors.items()):
        if host != place.registry:
            lines += _registry(host, mirror, place)
    return "\n".join(lines) + "\n"


def build_command(
    spec: BuildSpec, dirs: BuildDirs, settings: Mapping[str, str], limits: Mapping[str, str]
) -> list[str]:
    """The build. ``limits`` are this process's resource limits: buildah's defaults are higher than a pod may set."""
    command = [*_buildah(dirs), "build", "--isolation", "chroot", "--network", "host", "--layers"]
    command += ["--timestamp", str(IMAGE_TIME), "--identity-label=false", "--http-proxy=false"]
    command += ["--signature-policy", str(dirs.policy), "--ignorefile", str(dirs.ignore_file)]
    command += [word for name, limit in limits.items() for word in ("--ulimit", f"{name}={limit}")]
    command += [word for name, value in settings.items() for word in ("--build-arg", f"{name}={value}")]
    if spec.cache is not None:
        cache = f"{spec.place.registry}/{spec.cache}"
        command += ["--cache-from", cache, "--cache-to", cache]
    command += _transfer(spec.place)
    return [
        *command,
        "--iidfile",
        str(dirs.image_id),
        "-f",
        str(dirs.dockerfile),
        str(dirs.context),
    ]


def push_command(spec: BuildSpec, dirs: BuildDirs, image_id: str) -> list[str]:
    """Push by tag; the digest goes into a file."""
    target = f"docker://{spec.place.registry}/{spec.place.repository}:{spec.tag}"
    command = [
        *_buildah(dirs),
        "push",
        "--signature-policy",
        str(dirs.policy),
        *_transfer(spec.place),
    ]
    return [*command, "--digestfile", str(dirs.digest), image_id, target]


def buildah_environment(
    inherited: Mapping[str, str], dirs: BuildDirs, proxy: Mapping[str, str]
) -> dict[str, str]:
    """The environment of buildah itself: little of the pod's, and nothing of its spec."""
    kept = {name: inherited[name] for name in ("PATH", "HOME", "LANG") if name in inherited}
    return {
        **kept,
        **proxy,
        "TMPDIR": str(dirs.temporary),
        "CONTAINERS_CONF": str(dirs.defaults),
        "CONTAINERS_REGISTRIES_CONF": str(dirs.registries),
    }


def _buildah(dirs: BuildDirs) -> list[str]:
    roots = ["--root", str(dirs.root / "storage"), "--runroot", str(dirs.root / "run")]
    return ["buildah", *roots, "--registries-conf", str(dirs.registries)]


def _transfer(place: RegistryLocation) -> list[str]:
    """Options of pulls and pushes: three retries, after 1, 2 and 4 seconds."""
    return ["--retry", "3", *(["--authfile", place.auth_file] if place.auth_file else [])]


def _registry(host: str, location: str, place: RegistryLocation) -> list[str]:
    insecure = place.insecure and location.partition("/")[0] == place.registry
    return [
        "[[registry]]",
        f"prefix = {json.dumps(host)}",
        f"location = {json.dumps(location)}",
        f"insecure = {json.dumps(insecure)}",
    ]
