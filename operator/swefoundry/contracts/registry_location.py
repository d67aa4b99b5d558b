"""Location of content in the registry, as specs of pods contain it."""

from swefoundry.contracts.wire import WireModel


class RegistryLocation(WireModel):
    """One repository of one registry, where a pod reads and writes content."""

    registry: str
    """host[:port] as pods reach it."""
    insecure: bool = False
    """Plain HTTP."""
    repository: str
    """Path inside the registry, lower case: swefoundry/tasks/owner/name."""
    auth_file: str | None = None
    """Path of a dockerconfigjson in the pod."""
