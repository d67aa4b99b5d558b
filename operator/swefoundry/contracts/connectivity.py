"""Spec and result of a connectivity pod, which measures for `swefoundry doctor --pods` what only a pod can."""

from enum import StrEnum
from typing import Literal

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.models import Model
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.wire import WireModel

CONNECTIVITY_SPEC_VARIABLE = "SWEFOUNDRY_CONNECTIVITY"
"""Environment variable that carries the spec."""

MEASURED_IMAGE_COMMAND = "/swefoundry-doctor"
"""What the image that is written would run. It has no such file: that a container cannot start shows that the image was
pulled.
"""


class ConnectionKind(StrEnum):
    """What was measured."""

    REGISTRY = "registry"
    """A small image is written and read."""
    BASE_IMAGES = "baseImages"
    """The base images exist where builds pull them from."""
    MODEL = "model"
    """The endpoint answers, accepts the key and has the model."""
    ISOLATION = "isolation"
    """Neither the API server nor the registry is reached."""


class ConnectivitySpec(WireModel):
    """Spec of a connectivity pod: of each kind, what there is to measure."""

    v: Literal[1] = 1
    nonce: str = ""
    place: RegistryLocation
    measured: list[ConnectionKind]
    base_images: list[str] = []
    mirrors: dict[str, str] = {}
    """Registry host -> host[:port][/path] to pull base images through."""
    models: list[Model] = []
    key_file: str | None = None
    """Path of the models' key in the pod."""
    ca_file: str | None = None
    """Path of further certificates in the pod."""


class Connection(WireModel):
    """One connection, as it was found."""

    kind: ConnectionKind
    target: str
    """Host, URL or names of images."""
    error: str = ""
    """What is wrong; empty: nothing."""
    image: Digest | None = None
    """The image that was written to the registry."""


class ConnectivityResult(ProgramResult):
    """Result of a connectivity pod; ``code`` is OK whatever was found, or INVALID_SPEC."""

    connections: list[Connection] = []
