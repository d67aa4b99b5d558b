"""Images of the lab, and how they get into its registry.

`ensure` is what `up` calls; `push` is called before the chart is installed and after each change of the code. Both
do only what is missing: when nothing changed, they ask the registry for each name and are done.
"""

import fcntl
import shutil
from collections.abc import Iterator
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
"""What must be on this machine, and the Debian package that brings it."""


def ensure(lab: Lab, progress: Progress) -> None:
    """Make and publish the base images."""
    _require_programs()
    with _one_at_a_time(lab):
        _bases(lab).ensure(progress)


def push(lab: Lab, progress: Progress) -> dict[str, str]:
    """Make and publish the product's images from the checkout, and what they start from; returns their digests."""
    _require_programs()
    bases = _bases(lab)
    with _one_at_a_time(lab):
        bases.ensure(progress)
        return product.push(bases, progress)


def save(lab: Lab, version: str, out: Path, progress: Progress) -> None:
    """Make the images of a release as OCI archives. The base images must be there: `ensure`."""
    _require_programs()
    with _one_at_a_time(lab):
        product.save(_bases(lab), version, out, progress)


def _bases(lab: Lab) -> BaseImages:
    return BaseImages(lab.images, f"127.0.0.1:{REGISTRY_PORT}")


def _require_programs() -> None:
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing:
        raise LabError(f"Making images needs programs that are missing: apt-get install {' '.join(missing)}")


@contextmanager
def _one_at_a_time(lab: Lab) -> Iterator[None]:
    """`up` and a developer may both want the same image; the second finds it made."""
    lab.images.mkdir(parents=True, exist_ok=True)
    with (lab.images / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
