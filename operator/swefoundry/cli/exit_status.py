"""The exit codes of the command line, and which of our errors each stands for."""

from enum import IntEnum

from swefoundry import errors


class ExitStatus(IntEnum):
    """Documented in docs/cli.md; scripts rely on them."""

    OK = 0
    SOME_BAD = 1
    """The command did its work; some rows, manifests or pairs were refused, or not all is validated."""
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


class NoCluster(errors.PermanentError):
    """No cluster is configured."""


class ServiceUnavailable(errors.TransientError):
    """The package index did not answer."""


EXIT_STATUS_BY_ERROR: tuple[tuple[type[errors.SwefoundryError], ExitStatus], ...] = (
    (NoCluster, ExitStatus.CLUSTER_UNREACHABLE),
    (errors.ApiUnavailable, ExitStatus.CLUSTER_UNREACHABLE),
    (errors.RegistryUnavailable, ExitStatus.SERVICE_UNREACHABLE),
    (ServiceUnavailable, ExitStatus.SERVICE_UNREACHABLE),
    (errors.NotFound, ExitStatus.NOT_FOUND),
    (errors.SwefoundryError, ExitStatus.REFUSED),
)
"""First match wins."""


def exit_status_for(error: errors.SwefoundryError) -> ExitStatus:
    return next(code for kind, code in EXIT_STATUS_BY_ERROR if isinstance(error, kind))
