"""Exit codes of the command line, and the errors that each stands for."""

from enum import IntEnum

from swefoundry import errors


class ExitStatus(IntEnum):
    """Part of the public interface (docs/cli.md): scripts rely on them."""

    OK = 0
    SOME_REJECTED = 1
    """The command did its work; some rows, manifests or pairs were refused, or not everything is validated."""
    USAGE = 2
    """The command line itself is wrong."""
    CLUSTER_UNREACHABLE = 3
    """No cluster is configured, or it does not answer."""
    SERVICE_UNREACHABLE = 4
    """The registry or the package index does not answer."""
    REFUSED = 5
    """The cluster or the registry refused: rights, missing CRDs, an invalid object."""
    NOT_FOUND = 6
    """The named object does not exist."""
    INTERRUPTED = 130


EXIT_STATUS_BY_ERROR: tuple[tuple[type[errors.SwefoundryError], ExitStatus], ...] = (
    (errors.NoCluster, ExitStatus.CLUSTER_UNREACHABLE),
    (errors.ApiUnavailable, ExitStatus.CLUSTER_UNREACHABLE),
    (errors.RegistryUnavailable, ExitStatus.SERVICE_UNREACHABLE),
    (errors.PackageIndexUnavailable, ExitStatus.SERVICE_UNREACHABLE),
    (errors.NotFound, ExitStatus.NOT_FOUND),
    (errors.SwefoundryError, ExitStatus.REFUSED),
)
"""First match wins."""


def exit_status_for(error: errors.SwefoundryError) -> ExitStatus:
    return next(code for kind, code in EXIT_STATUS_BY_ERROR if isinstance(error, kind))
