"""Pinned versions of the lab's programs, and the check that the go.mod files agree with them."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import SOURCES


@dataclass(frozen=True)
class GoComponent:
    """Programs that are built from one small Go module in `lab/go`."""

    name: str
    module: str
    version: str
    packages: tuple[str, ...]
    program: str = ""
    """Name of the only program, where it is not the last part of its package's path."""
    variables: tuple[str, ...] = ()
    tags: str = ""
    cgo: bool = False
    staging: str = ""
    build_time: str = "a minute"

    @property
    def folder(self) -> Path:
        return SOURCES / "go" / self.name

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the built programs."""
        if self.program:
            return (self.program,)
        return tuple(package.rsplit("/", 1)[-1] for package in self.packages)

    def flags(self) -> list[str]:
        """Flags of `go build`."""
        variables = [f"-X {v.format(version=self.version, bare=self.version[1:])}" for v in self.variables]
        flags = ["-mod=readonly", "-trimpath", "-ldflags", " ".join(["-s", "-w", *variables])]
        return [*flags, "-tags", self.tags] if self.tags else flags


@dataclass(frozen=True)
class Versions:
    """Content of `lab/versions.toml`."""

    go: Mapping[str, GoComponent]
    """Components that `up` builds."""
    on_demand: Mapping[str, GoComponent]
    """Components that single tests build."""
    debian: Mapping[str, str]
    """A file that must exist -> the Debian package that contains it."""


def read_versions(path: Path = SOURCES / "versions.toml") -> Versions:
    """Read the pinned versions."""
    content: dict[str, Any] = tomllib.loads(path.read_text())
    return Versions(
        go=_components(content["go"]), on_demand=_components(content["on_demand"]), debian=content["debian"]
    )


def _components(tables: dict[str, Any]) -> dict[str, GoComponent]:
    return {name: _component(name, fields) for name, fields in tables.items()}


def _component(name: str, fields: dict[str, Any]) -> GoComponent:
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return GoComponent(name=name, **{**fields, **lists})


def disagreement(component: GoComponent, go_mod: str) -> str | None:
    """The first difference between a go.mod and the pinned versions, or None."""
    required = re.search(rf"^(?:require)?\s*{re.escape(component.module)} (\S+)", go_mod, re.MULTILINE)
    if required is None or required[1] != component.version:
        version = required[1] if required else "nothing"
        return f"go.mod requires {version} of {component.module}, the pin is {component.version}"
    staged = set(re.findall(r"^\s*k8s\.io/\S+ => k8s\.io/\S+ (\S+)", go_mod, re.MULTILINE))
    if component.staging and staged != {component.staging}:
        return f"go.mod replaces staging modules with {sorted(staged)}, the pin is {component.staging}"
    missing = [package for package in component.packages if not re.search(rf"\s{package}$", go_mod, re.M)]
    return f"go.mod lacks the tools {missing}" if missing else None


def require_agreement(component: GoComponent) -> None:
    """Raise an error if a go.mod differs from the pinned versions."""
    difference = disagreement(component, (component.folder / "go.mod").read_text())
    if difference:
        raise LabError(f"lab/go/{component.name} and lab/versions.toml disagree: {difference}.")
