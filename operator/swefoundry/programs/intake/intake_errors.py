"""Errors of an intake. A rejection is the instance's fault and carries the exit code of the pod."""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.errors import PermanentError, TransientError


class IntakeRejected(PermanentError):
    """The source or a patch is not usable; the message is for the author of the instance."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message, reason=code.name)
        self.code = code


class SourceUnreachable(TransientError):
    """The host did not answer; after the last attempt this becomes ``IntakeRejected``."""


class NoSuchRepository(IntakeRejected):
    """The host has no git repository at the URL."""


def missing_source(named: str) -> IntakeRejected:
    """A file that the cluster should have mounted. Its volume is optional, so that the message can name it."""
    return IntakeRejected(
        ExitCode.REFERENCE_MISSING,
        f"{named} does not exist; create it, and the work goes on by itself",
    )


def source_mismatch(message: str) -> IntakeRejected:
    """The source is not what the manifest says."""
    return IntakeRejected(ExitCode.SOURCE_MISMATCH, message)


def unreachable_source(message: str) -> IntakeRejected:
    """The host did not answer or denied access, finally."""
    return IntakeRejected(ExitCode.SOURCE_UNREACHABLE, message)
