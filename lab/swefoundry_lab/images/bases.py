"""Builds the base images that replace those of Docker Hub, each only if its key has changed."""

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from swefoundry_lab.images.buildah import Build, Buildah
from swefoundry_lab.images.catalogue import Recipe, catalogue, recipe_keys
from swefoundry_lab.images.debian import make_debian
from swefoundry_lab.images.go_toolchain import go_toolchain
from swefoundry_lab.images.layout import Layout
from swefoundry_lab.images.machine import debian_mirror, trusted_authorities
from swefoundry_lab.images.maven_distribution import maven_distribution
from swefoundry_lab.images.npm_packages import npm_packages
from swefoundry_lab.images.registry import Registry
from swefoundry_lab.layout import SOURCES
from swefoundry_lab.steps import Progress

RECIPES = SOURCES / "rootfs"


@dataclass(frozen=True)
class BaseImages:
    """The base images in a folder, and the registry to which they are pushed."""

    folder: Path
    registry: str

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        return catalogue(RECIPES)

    @cached_property
    def keys(self) -> dict[str, str]:
        """Name -> key of its image."""
        return recipe_keys(
            self.recipes, repr((debian_mirror(), sorted(trusted_authorities().items()))).encode()
        )

    @property
    def buildah(self) -> Buildah:
        return Buildah(self.folder / "buildah", self.registry)

    def layout(self, name: str) -> Layout:
        """The layout of the image with this name; the image may not exist yet."""
        recipe = next(recipe for recipe in self.recipes if name in recipe.names)
        return Layout(self.folder / f"{recipe.slug}-{self.keys[name]}")

    def ensure(self, progress: Progress, requested: Collection[str] = ()) -> None:
        """Build the missing images and push those that the registry does not have; some of them only if requested."""
        selected = [
            recipe for recipe in self.recipes if not recipe.on_demand or set(recipe.names) & set(requested)
        ]
        missing = [recipe for recipe in selected if not self.layout(recipe.names[0]).complete]
        for recipe in selected:
            layout = self.layout(recipe.names[0])
            if recipe in missing:
                self._build_image(recipe, layout, progress)
            if Registry(self.registry).publish(layout, recipe.names):
                progress(f"published {recipe.names[0]} ({layout.size / 1e6:.0f} MB)")
        if missing:
            self.buildah.delete_all()  # gigabytes that are no longer needed

    def _build_image(self, recipe: Recipe, layout: Layout, progress: Progress) -> None:
        started = time.monotonic()
        progress(f"building {recipe.slug}")
        work = fresh_folder(self.folder / f"building-{recipe.slug}")
        if recipe.debootstrap:
            built = make_debian(recipe, debian_mirror(), trusted_authorities(), work)
        else:
            build = _build_of(recipe, work)
            bases = [self.layout(base) for base in recipe.bases]
            self.buildah.build(build, recipe.slug)
            built = self.buildah.export(recipe.slug, work, bases)
        self._save(built, layout, recipe.slug)
        shutil.rmtree(work)
        progress(f"built {recipe.slug} in {time.monotonic() - started:.0f} s")

    def _save(self, built: Layout, layout: Layout, slug: str) -> None:
        """Move a complete image to its folder and delete older ones; a killed run leaves no incomplete image."""
        for older in self.folder.glob(f"{slug}-" + "[0-9a-f]" * 16):
            shutil.rmtree(older)
        built.path.rename(layout.path)


def _build_of(recipe: Recipe, work: Path) -> Build:
    dockerfile = recipe.files[0]
    if recipe.npm:
        return Build(dockerfile, npm_packages(recipe.npm, work / "npm"))
    if recipe.maven is not None:
        return Build(dockerfile, maven_distribution(recipe.maven, work / "maven"))
    if recipe.go is None:
        return Build(dockerfile, dockerfile.parent)
    return Build(dockerfile, go_toolchain(recipe.go), dockerfile.with_suffix(".dockerignore"))


def fresh_folder(path: Path) -> Path:
    """Create an empty folder; delete the one of an earlier run."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
