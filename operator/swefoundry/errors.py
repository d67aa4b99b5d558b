"""Every error that swefoundry raises on purpose.

::

    SwefoundryError
    ├── TransientError            try again after `after` seconds
    │   ├── ApiUnavailable        the Kubernetes API did not answer, or answered 429 or 5xx
    │   │   └── ApiExpired        it no longer has the version of a list or a watch (410)
    │   ├── ApiConflict           another client wrote first: read again, decide again
    │   ├── RegistryUnavailable   the OCI registry did not answer, or answered 429 or 5xx
    │   └── PackageIndexUnavailable  the package index did not answer
    └── PermanentError            trying again does not help; `reason` is a condition reason
        ├── NotFound              the object or content does not exist
        ├── NoCluster             no cluster is configured
        ├── ApiRefused            the Kubernetes API refused the request (400, 401, 403, 422)
        │   └── ApiForbidden      it denies the request to this user (401, 403)
        └── RegistryRefused       the registry refused the request (400, 401, 403)

Errors of client libraries are mapped to these in the adapters (kube/api_client.py, oci/registry_client.py) and nowhere
else.
"""


class SwefoundryError(Exception):
    """Base class of all errors that swefoundry raises."""


class TransientError(SwefoundryError):
    """The operation may succeed later; nothing was decided."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after
        """Seconds to wait, when the server gave them (Retry-After)."""


class ApiUnavailable(TransientError):
    """The Kubernetes API did not answer, or answered 429 or 5xx."""


class ApiExpired(ApiUnavailable):
    """The Kubernetes API no longer has the version of a list or a watch (410); a new list has."""


class ApiConflict(TransientError):
    """The object changed since it was read (409)."""


class RegistryUnavailable(TransientError):
    """The registry did not answer, or answered 429 or 5xx."""

    def __init__(self, message: str, after: float | None = None, host: str | None = None) -> None:
        super().__init__(message, after)
        self.host = host
        """The registry, host[:port], when it is away; None when only this content is at fault."""


class PackageIndexUnavailable(TransientError):
    """The package index did not answer."""


class PermanentError(SwefoundryError):
    """Trying again does not help."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NotFound(PermanentError):
    """The object or content does not exist (404)."""


class NoCluster(PermanentError):
    """No cluster is configured."""


class ApiRefused(PermanentError):
    """The Kubernetes API refused the request (400, 401, 403, 422)."""


class ApiForbidden(ApiRefused):
    """The Kubernetes API denies the request to this user (401, 403), which says nothing about the object.

    An API server that has just started does so, too, until it has loaded the roles.
    """

    def __init__(self, message: str, reason: str = ApiRefused.__name__) -> None:
        super().__init__(message, reason)


class RegistryRefused(PermanentError):
    """The registry refused the request (400, 401, 403)."""
