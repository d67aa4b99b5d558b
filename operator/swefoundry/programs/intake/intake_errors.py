"""How does intake say no? A refusal is the row's fault and carries the exit code that names it."""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.errors import PermanentError, TransientError


class Refused(PermanentError):
    """The source or a patch is not usable; the message is for the author of the row."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message, reason=code.name)
        self.code = code


class Unreachable(TransientError):
    """The host did not answer; after some tries this becomes a refusal."""


def missing(named: str) -> Refused:
    """A file that the cluster should have mounted; its volume is optional, so that we can say which."""
    return Refused(
        ExitCode.REFERENCE_MISSING,
        f"{named} is not there; create it, and re-create this object if it has ended by then",
    )


def mismatch(message: str) -> Refused:
    return Refused(ExitCode.SOURCE_MISMATCH, message)


def unreachable(message: str) -> Refused:
    return Refused(ExitCode.SOURCE_UNREACHABLE, message)
