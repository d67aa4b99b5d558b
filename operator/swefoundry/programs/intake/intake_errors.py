"""Errors of an intake. A rejection is the instance's fault and carries the exit code of the pod."""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.errors import PermanentError, TransientError
from swefoundry.text.urls import host_and_port


class IntakeRejected(PermanentError):
    """The source or a patch is not usable; the message is for the author of the instance."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message, reason=code.name)
        self.code = code


class HostUnavailable(TransientError):
    """A host did not answer, or answered that it cannot now: this says nothing about the row."""

    def __init__(self, url: str, words: str, after: float | None = None) -> None:
        super().__init__(f"{url} {words}", after)
        self.host = host_and_port(url)


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
    """The host denied access, or has not what it is asked for."""
    return IntakeRejected(ExitCode.SOURCE_UNREACHABLE, message)
