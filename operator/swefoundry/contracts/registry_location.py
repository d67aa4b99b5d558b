"""Location of content in the registry, as pods are given it."""

from swefoundry.contracts.wire import WireModel


class RegistryLocation(WireModel):
    """Where a pod finds and leaves content: one repository of one registry."""

    registry: str
    """host[:port] as pods reach it."""
    insecure: bool = False
    """Plain HTTP."""
    repository: str
    """Path inside the registry, lower case: swefoundry/tasks/owner/name."""
    auth_file: str | None = None
    """Path of a dockerconfigjson in the pod."""
