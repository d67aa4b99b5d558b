"""Every error that swefoundry raises on purpose.

::

    SwefoundryError
    ├── TransientError        something was busy; try again after `after` seconds
    │   ├── ApiUnavailable    the Kubernetes API did not answer, or answered 429 or 5xx
    │   ├── ApiConflict       the object changed meanwhile: read again, decide again
    │   └── RegistryUnavailable  the OCI registry did not answer, or answered 429 or 5xx
    └── PermanentError        trying again cannot help; `reason` is a condition reason
        ├── NotFound          the object or content does not exist
        ├── ApiRefused        the Kubernetes API refused the request (400, 403, 422)
        └── RegistryRefused   the registry refused us (401, 403, malformed request)

Vendor errors are mapped to these in the adapters (kube/api_client.py, oci/registry_client.py) and nowhere else.
"""


class SwefoundryError(Exception):
    """Base of all errors of swefoundry."""


class TransientError(SwefoundryError):
    """Try again later; nothing was decided."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after
        """Seconds to wait, when the server asked for a delay."""


class ApiUnavailable(TransientError):
    """The Kubernetes API did not answer, or answered 429 or 5xx."""


class ApiConflict(TransientError):
    """The object changed since it was read (409)."""


class RegistryUnavailable(TransientError):
    """The registry did not answer, or answered 429 or 5xx."""


class PermanentError(SwefoundryError):
    """Trying again cannot help."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NotFound(PermanentError):
    """The object or content does not exist (404)."""


class ApiRefused(PermanentError):
    """The Kubernetes API refused the request (400, 401, 403, 422)."""


class RegistryRefused(PermanentError):
    """The registry refused us (400, 401, 403)."""
