"""How does intake say no? A refusal is the row's fault and carries the exit code that names it."""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.errors import PermanentError, TransientError


class IntakeRejected(PermanentError):
    """The source or a patch is not usable; the message is for the author of the row."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message, reason=code.name)
        self.code = code


class SourceUnreachable(TransientError):
    """The host did not answer; after some tries this becomes a refusal."""


def missing_source(named: str) -> IntakeRejected:
    """A file that the cluster should have mounted; its volume is optional, so that we can say which."""
    return IntakeRejected(
        ExitCode.REFERENCE_MISSING,
        f"{named} is not there; create it, and re-create this object if it has ended by then",
    )


def source_mismatch(message: str) -> IntakeRejected:
    return IntakeRejected(ExitCode.SOURCE_MISMATCH, message)


def unreachable_source(message: str) -> IntakeRejected:
    return IntakeRejected(ExitCode.SOURCE_UNREACHABLE, message)
