"""What images does the lab have, and how do they get into its registry?

`ensure` is what `up` calls: it makes the base images that are not made yet, the product's own, and publishes all of
them. When nothing changed it only asks the registry whether it has each name.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from swefoundry_lab.errors import LabError
from swefoundry_lab.images.buildah import Build, Buildah
from swefoundry_lab.images.catalogue import Recipe, catalogue, keys
from swefoundry_lab.images.debian import make_debian
from swefoundry_lab.images.layout import Layout
from swefoundry_lab.images.machine import authorities, mirror
from swefoundry_lab.images.registry import Registry
from swefoundry_lab.layout import REGISTRY_PORT, SOURCES, Lab

Progress = Callable[[str], object]

RECIPES = SOURCES / "rootfs"
PROGRAMS = {"debootstrap": "debootstrap", "buildah": "buildah", "unshare": "util-linux"}
"""What must be on this machine, and the Debian package that brings it."""


def ensure(lab: Lab, progress: Progress = print, registry: str = f"127.0.0.1:{REGISTRY_PORT}") -> None:
    """Make and publish every image that the registry lacks."""
    ensure_bases(lab, progress, registry)


def ensure_bases(lab: Lab, progress: Progress, registry: str) -> None:
    """The images that stand for those of Docker Hub, bases first."""
    recipes = catalogue(RECIPES)
    trusted, packages = authorities(), mirror()
    known = keys(recipes, repr((packages, sorted(trusted.items()))).encode())
    for recipe in recipes:
        layout = Layout(lab.images / f"{recipe.slug}-{known[recipe.names[0]]}")
        if not layout.complete:
            _make(recipe, lab, registry, layout, progress)
        if Registry(registry).publish(layout, recipe.names):
            progress(f"published {recipe.names[0]} ({layout.size / 1e6:.0f} MB, {layout.digest[:19]})")


def _make(recipe: Recipe, lab: Lab, registry: str, layout: Layout, progress: Progress) -> None:
    """Make an image beside its place and move it there when it is whole, so that a killed run leaves no half image."""
    _require_programs()
    started = time.monotonic()
    work = lab.images / f"making-{recipe.slug}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if recipe.debootstrap:
        made = make_debian(recipe, mirror(), authorities(), work)
    else:
        build = Build(dockerfile=recipe.made_of[0], context=recipe.made_of[0].parent)
        made = Buildah(lab.images / "buildah", registry).build(build, work)
    keep(made, layout, recipe.slug)
    shutil.rmtree(work)
    progress(f"made {recipe.slug} in {time.monotonic() - started:.0f} s")


def keep(made: Layout, layout: Layout, slug: str) -> None:
    """Put a finished image in its place, and remove older ones of the same name."""
    for older in layout.path.parent.glob(f"{slug}-" + "[0-9a-f]" * 16):
        shutil.rmtree(older)
    Path(made.path).rename(layout.path)


def _require_programs() -> None:
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing:
        raise LabError(f"Making images needs programs of Debian: apt-get install {' '.join(missing)}")
