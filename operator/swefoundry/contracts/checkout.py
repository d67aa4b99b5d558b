"""Spec and result of a checkout pod, which makes the layer with another commit's tree."""

from typing import Literal

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.wire import WireModel

CHECKOUT_SPEC_VARIABLE = "SWEFOUNDRY_CHECKOUT"
"""Environment variable with the spec."""


class CheckoutSpec(WireModel):
    """Spec of a checkout pod: make the layer that changes the tree under an image's /testbed into another one."""

    v: Literal[1] = 1
    nonce: str
    place: RegistryLocation
    parent: Digest
    """Artifact of the tree that the image was built from."""
    source: Digest
    """Artifact of the new tree."""
    watched: list[str] | None = None
    """Globs of the files that require the rebuild command; None: all files."""


class CheckoutResult(ProgramResult):
    """Result of a checkout pod; ``code`` is one of OK, SOURCE_MISMATCH, INFRASTRUCTURE, INVALID_SPEC."""

    layer: Layer | None = None
    """Changed and new files, and whiteouts for deleted ones; all under testbed/."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    """Numbers of files and links, without .git."""
    stale: bool = True
    """Whether a watched file was added, changed or deleted, so that what was generated from it is out of date."""
    bytes: int = 0
    """Unpacked size of all files in the layer, .git included."""
