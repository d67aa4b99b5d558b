"""Builds the product's images from the checkout and pushes them to the lab's registry.

It runs after every change of the code, so it is fast: if no input of an image has changed, it only sends a request to
the registry; otherwise buildah's layer cache has all but the last layers, and only those are pushed.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from swefoundry_lab.command import run
from swefoundry_lab.errors import LabError
from swefoundry_lab.images.bases import BaseImages
from swefoundry_lab.images.buildah import Build
from swefoundry_lab.images.catalogue import from_lines
from swefoundry_lab.images.registry import Registry
from swefoundry_lab.layout import SOURCES
from swefoundry_lab.steps import Progress

REPOSITORY = SOURCES.parent
RUNNER = REPOSITORY / "images" / "runner"


@dataclass(frozen=True)
class Product:
    """One image of the product, and its input files and folders in the checkout."""

    name: str
    files: tuple[str, ...]

    @property
    def repository(self) -> str:
        return f"swefoundry/{self.name}"

    @property
    def folder(self) -> Path:
        return REPOSITORY / "images" / self.name

    @property
    def build(self) -> Build:
        dockerfile = self.folder / "Dockerfile"
        return Build(dockerfile, REPOSITORY, dockerfile.with_name("Dockerfile.dockerignore"))

    @property
    def bases(self) -> tuple[str, ...]:
        """Its base images."""
        return from_lines(self.build.dockerfile)

    def key(self, bases: BaseImages) -> str:
        """Hash of all inputs."""
        digest = hashlib.sha256()
        for path in self._input_files():
            digest.update(f"{path.relative_to(REPOSITORY)}\0{path.stat().st_mode:o}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        for name in self.bases:
            digest.update(bases.keys[name].encode())
        return digest.hexdigest()[:16]

    def _input_files(self) -> Iterator[Path]:
        for name in (f"images/{self.name}", *self.files):
            top = REPOSITORY / name
            paths = sorted(top.rglob("*")) if top.is_dir() else [top]
            yield from (path for path in paths if path.is_file() and "__pycache__" not in path.parts)


PACKAGE = ("operator/swefoundry", "pyproject.toml", "README.md", "LICENSE")
"""Inputs of the Python package."""

PRODUCTS = (
    Product("operator", (*PACKAGE, "images/operator/requirements.txt", "images/runner/bin/runner")),
    Product("builder", (*PACKAGE, "images/operator/requirements.txt")),
    Product("scripted-model", ()),
)

RELEASED = ("operator", "builder")
"""The images of a release; the scripted model is for tests and demonstrations."""


def push(bases: BaseImages, progress: Progress) -> dict[str, str]:
    """Build and push the product's images as `:dev` and `:<key>`; return their digests."""
    build_runner()
    with ThreadPoolExecutor(len(PRODUCTS)) as pool:
        digests = pool.map(lambda product: _push_one(product, bases, progress), PRODUCTS)
        return {product.repository: digest for product, digest in zip(PRODUCTS, digests, strict=True)}


def save(bases: BaseImages, version: str, out: Path, progress: Progress) -> None:
    """Build the images of a release and save them as `out/swefoundry-<name>-<version>.tar`."""
    build_runner()
    for product in PRODUCTS:
        if product.name in RELEASED:
            name = f"{product.repository}:{version}"
            progress(f"building {name}")
            bases.buildah.build(product.build, name)
            bases.buildah.save(name, out / f"swefoundry-{product.name}-{version}.tar")


def build_runner() -> None:
    """Build the static program that the operator adds to stage images."""
    run(["make", "--silent", "-C", RUNNER, "build"])


def _push_one(product: Product, bases: BaseImages, progress: Progress) -> str:
    registry = Registry(bases.registry)
    name = f"{product.repository}:{product.key(bases)}"
    digest = registry.digest(name)
    if digest is None:
        progress(f"building {name}")
        bases.buildah.build(product.build, name)
        bases.buildah.publish(name, name)
        digest = registry.digest(name)
    if digest is None:
        raise LabError(f"{name} was pushed, but the registry does not have it.")
    if registry.digest(f"{product.repository}:dev") != digest:
        registry.tag(name, "dev")
        progress(f"{product.repository}:dev is {name} now")
    return digest
