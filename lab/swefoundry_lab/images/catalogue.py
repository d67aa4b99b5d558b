"""The base images of the lab, and the keys that decide whether one is built again.

An image's key is a hash of its inputs: its recipe, its base image, and the machine's mirror and CA certificates. It
does not cover the packages of the mirror, so an image is not built again for new packages.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recipe:
    """One image: its names, and the files from which it is built, with the Dockerfile or script first."""

    names: tuple[str, ...]
    files: tuple[Path, ...]
    debootstrap: str | None = None
    go: str | None = None
    """The Go release whose toolchain is the context of the build."""
    maven: str | None = None
    """The Maven release that is the context of the build."""
    npm: tuple[str, ...] = ()
    """The npm packages that are the context of the build."""
    on_demand: bool = False
    """Built only when it is asked for by name."""

    @property
    def slug(self) -> str:
        """The image's name in the form of a folder name."""
        return self.names[0].removeprefix("library/").replace(":", "-")

    @property
    def content(self) -> str:
        """What the image is made of besides its files and its base images."""
        return self.debootstrap or self.go or self.maven or " ".join(self.npm)

    @property
    def bases(self) -> tuple[str, ...]:
        """Its base images, by their names in the registry."""
        if self.debootstrap:
            return ()
        return from_lines(self.files[0])


def catalogue(folder: Path) -> tuple[Recipe, ...]:
    """The images of `images.toml`, base images first."""
    entries = tomllib.loads((folder / "images.toml").read_text())["image"]
    return tuple(
        Recipe(
            names=tuple(entry["names"]),
            files=tuple(folder / name for name in entry["files"]),
            debootstrap=entry.get("debootstrap"),
            go=entry.get("go"),
            maven=entry.get("maven"),
            npm=tuple(entry.get("npm", ())),
            on_demand=entry.get("on_demand", False),
        )
        for entry in entries
    )


def recipe_keys(recipes: tuple[Recipe, ...], machine: bytes) -> dict[str, str]:
    """Name -> key of its image. `machine` stands for everything that images take from the machine."""
    keys: dict[str, str] = {}
    for recipe in recipes:
        digest = hashlib.sha256(machine)
        digest.update(recipe.content.encode())
        for path in recipe.files:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        for base in recipe.bases:
            digest.update(keys[base].encode())
        keys |= dict.fromkeys(recipe.names, digest.hexdigest()[:16])
    return keys


def from_lines(dockerfile: Path) -> tuple[str, ...]:
    """The base images of a Dockerfile, by their names in the registry."""
    names = re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE)
    return tuple(dict.fromkeys(f"library/{name}" for name in names if name != "scratch"))
