"""The order that a checkout pod gets and the record that it leaves: one tree laid over another's image."""

from typing import Literal

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.wire import WireModel

CHECKOUT_SPEC_VARIABLE = "SWEFOUNDRY_CHECKOUT"
"""Name of the environment variable that carries the order."""


class CheckoutSpec(WireModel):
    """Make the layer that turns the tree under an image's /testbed into another one."""

    v: Literal[1] = 1
    nonce: str
    place: RegistryLocation
    parent: Digest
    """Artifact of the tree that the image was built from."""
    source: Digest
    """Artifact of the tree that is wanted."""
    watched: list[str] | None = None
    """Globs of the files that a rebuild command is for; None: of all files."""


class CheckoutResult(WireModel):
    """What a checkout pod leaves behind; ``code`` is one of OK, SOURCE_MISMATCH, INFRASTRUCTURE, BAD_ORDER."""

    v: Literal[1] = 1
    nonce: str
    code: int
    message: str = ""
    layer: Layer | None = None
    """Changed and new files, and whiteouts for those that are gone; all of it under testbed/."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    """Files and links of the tree, .git left out."""
    stale: bool = True
    """Whether one of the watched files is new, other or gone: what was made of it is out of date."""
    bytes: int = 0
    """Of all files in the layer, unpacked, .git included."""
