"""Make the images that replace Docker Hub's. Bases first, each only when its key is new."""

import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from swefoundry_lab.images.buildah import Build, Buildah
from swefoundry_lab.images.catalogue import Recipe, catalogue, recipe_keys
from swefoundry_lab.images.debian import make_debian
from swefoundry_lab.images.layout import Layout
from swefoundry_lab.images.machine import debian_mirror, trusted_authorities
from swefoundry_lab.images.registry import Registry
from swefoundry_lab.layout import SOURCES
from swefoundry_lab.steps import Progress

RECIPES = SOURCES / "rootfs"


@dataclass(frozen=True)
class BaseImages:
    """The base images below a folder, and the registry that gets them."""

    folder: Path
    registry: str

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        return catalogue(RECIPES)

    @cached_property
    def keys(self) -> dict[str, str]:
        """Each image's key by each of its names."""
        return recipe_keys(
            self.recipes, repr((debian_mirror(), sorted(trusted_authorities().items()))).encode()
        )

    @property
    def buildah(self) -> Buildah:
        return Buildah(self.folder / "buildah", self.registry)

    def layout(self, name: str) -> Layout:
        """Where the image with this name is, or will be."""
        recipe = next(recipe for recipe in self.recipes if name in recipe.names)
        return Layout(self.folder / f"{recipe.slug}-{self.keys[name]}")

    def ensure(self, progress: Progress) -> None:
        """Make what is not made, publish what is not published."""
        missing = [recipe for recipe in self.recipes if not self.layout(recipe.names[0]).complete]
        for recipe in self.recipes:
            layout = self.layout(recipe.names[0])
            if recipe in missing:
                self._build_image(recipe, layout, progress)
            if Registry(self.registry).publish(layout, recipe.names):
                progress(f"published {recipe.names[0]} ({layout.size / 1e6:.0f} MB)")
        if missing:
            self.buildah.forget()  # gigabytes that only helped to make these

    def _build_image(self, recipe: Recipe, layout: Layout, progress: Progress) -> None:
        started = time.monotonic()
        progress(f"making {recipe.slug}")
        work = fresh_folder(self.folder / f"making-{recipe.slug}")
        if recipe.debootstrap:
            built = make_debian(recipe, debian_mirror(), trusted_authorities(), work)
        else:
            build = Build(dockerfile=recipe.made_of[0], context=recipe.made_of[0].parent)
            below = [self.layout(base) for base in recipe.bases]
            self.buildah.build(build, recipe.slug)
            built = self.buildah.export(recipe.slug, work, below)
        self._save(built, layout, recipe.slug)
        shutil.rmtree(work)
        progress(f"made {recipe.slug} in {time.monotonic() - started:.0f} s")

    def _save(self, built: Layout, layout: Layout, slug: str) -> None:
        """Move a whole image to its place and remove older ones. A killed run so leaves no half image."""
        for older in self.folder.glob(f"{slug}-" + "[0-9a-f]" * 16):
            shutil.rmtree(older)
        built.path.rename(layout.path)


def fresh_folder(path: Path) -> Path:
    """An empty folder, whatever an earlier run left there."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
