"""Builds the images of the lab and pushes them to its registry.

`up` calls `ensure`; `push` is called before the chart is installed and after each change of the code. Both do only
what is missing: without a change, they send one request per name to the registry.
"""

import fcntl
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from swefoundry_lab.errors import LabError
from swefoundry_lab.images import product
from swefoundry_lab.images.bases import BaseImages
from swefoundry_lab.layout import REGISTRY_PORT, Lab
from swefoundry_lab.steps import Progress

PROGRAMS = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "go": "golang",
    "make": "make",
    "unshare": "util-linux",
}
"""Required program -> its Debian package."""


def ensure(lab: Lab, progress: Progress) -> None:
    """Build and push the base images."""
    _require_programs()
    with _locked(lab):
        _bases(lab).ensure(progress)


def push(lab: Lab, progress: Progress) -> dict[str, str]:
    """Build and push the product's images from the checkout, and their base images; return the digests."""
    _require_programs()
    bases = _bases(lab)
    with _locked(lab):
        bases.ensure(progress)
        return product.push(bases, progress)


def add(lab: Lab, names: Collection[str], progress: Progress) -> None:
    """Build and push base images, also those that are built only on demand."""
    _require_programs()
    bases = _bases(lab)
    full = {name if "/" in name else f"library/{name}" for name in names}
    if unknown := full - {name for recipe in bases.recipes for name in recipe.names}:
        known = ", ".join(
            recipe.names[0].removeprefix("library/") for recipe in bases.recipes if recipe.on_demand
        )
        raise LabError(f"No base image is called {', '.join(sorted(unknown))}. Built on demand: {known}.")
    with _locked(lab):
        bases.ensure(progress, full)


def save(lab: Lab, version: str, out: Path, progress: Progress) -> None:
    """Build the images of a release as OCI archives. The base images must exist (`ensure`)."""
    _require_programs()
    with _locked(lab):
        product.save(_bases(lab), version, out, progress)


def _bases(lab: Lab) -> BaseImages:
    return BaseImages(lab.images, f"127.0.0.1:{REGISTRY_PORT}")


def _require_programs() -> None:
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing:
        raise LabError(f"Programs for building images are missing: apt-get install {' '.join(missing)}")


@contextmanager
def _locked(lab: Lab) -> Iterator[None]:
    """Lock the image folder, so that two commands do not build the same image."""
    lab.images.mkdir(parents=True, exist_ok=True)
    with (lab.images / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
