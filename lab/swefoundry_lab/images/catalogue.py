"""The base images of the lab, and the keys that decide when one is made again.

An image's key is a hash of everything that goes into it: its recipe, the image below it, the mirror and the
authorities of the machine. The packages that the mirror has today are not in it: an image stays what it is.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recipe:
    """One image: its names, and the files that say what it is made of, the recipe itself first."""

    names: tuple[str, ...]
    made_of: tuple[Path, ...]
    debootstrap: str | None = None

    @property
    def slug(self) -> str:
        """The image's name as a folder's name."""
        return self.names[0].removeprefix("library/").replace(":", "-")

    @property
    def bases(self) -> tuple[str, ...]:
        """The images below it, as the registry calls them."""
        if self.debootstrap:
            return ()
        return from_lines(self.made_of[0])


def catalogue(folder: Path) -> tuple[Recipe, ...]:
    """The images that `images.toml` lists, bases first."""
    listed = tomllib.loads((folder / "images.toml").read_text())["image"]
    return tuple(
        Recipe(
            names=tuple(entry["names"]),
            made_of=tuple(folder / name for name in entry["made_of"]),
            debootstrap=entry.get("debootstrap"),
        )
        for entry in listed
    )


def recipe_keys(recipes: tuple[Recipe, ...], machine: bytes) -> dict[str, str]:
    """Each image's key by each of its names. `machine` represents what images take over from the machine."""
    known: dict[str, str] = {}
    for recipe in recipes:
        digest = hashlib.sha256(machine)
        digest.update((recipe.debootstrap or "").encode())
        for path in recipe.made_of:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        for base in recipe.bases:
            digest.update(known[base].encode())
        known |= dict.fromkeys(recipe.names, digest.hexdigest()[:16])
    return known


def from_lines(dockerfile: Path) -> tuple[str, ...]:
    """The images that a Dockerfile starts from, as the registry calls them."""
    found = re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE)
    return tuple(dict.fromkeys(f"library/{name}" for name in found if name != "scratch"))
