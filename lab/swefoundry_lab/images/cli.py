"""The image commands: `python -m swefoundry_lab images push | save`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from swefoundry_lab.layout import REGISTRY_HOST, REGISTRY_PORT, Lab
from swefoundry_lab.prerequisites import require_root
from swefoundry_lab.steps import Steps

app = typer.Typer(help="The images in the lab's registry.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)


@app.callback()
def images() -> None:
    """The images in the lab's registry."""


@app.command()
def push() -> None:
    """Build the product's images from the checkout and push them; print their digests."""
    from swefoundry_lab.images import push as push_images

    require_root()
    with Steps(console).step("images") as progress:
        digests = push_images(Lab.from_environment(), progress)
    for repository, digest in digests.items():
        console.print(f"{REGISTRY_HOST}:{REGISTRY_PORT}/{repository}@{digest}")


@app.command()
def add(
    names: Annotated[
        list[str],
        typer.Argument(help="Such as golang:1.26, node:20-slim or maven:3.9-eclipse-temurin-17."),
    ],
) -> None:
    """Build base images that are not part of a new lab, and push them."""
    from swefoundry_lab.images import add as add_images

    require_root()
    with Steps(console).step("images") as progress:
        add_images(Lab.from_environment(), names, progress)


@app.command()
def save(
    version: Annotated[str, typer.Argument(help="Tag of the images in their archives.")],
    out: Annotated[Path, typer.Option(help="Folder of the archives.")],
) -> None:
    """Build the operator's and the builder's image from the checkout and save each as an OCI archive."""
    from swefoundry_lab.images import save as save_images

    require_root()
    with Steps(console).step("images") as progress:
        save_images(Lab.from_environment(), version, out.resolve(), progress)
