"""The result of a program that was stopped by the registry or its own disk, and not by its input."""

from typing import TypeVar

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.errors import RegistryUnavailable, SwefoundryError

MAX_MESSAGE_CHARACTERS = 500
"""So that the record fits a termination message."""

StoppedT = TypeVar("StoppedT", bound=ProgramResult)


def infrastructure_result(kind: type[StoppedT], nonce: str, error: SwefoundryError | OSError) -> StoppedT:
    """A result with the code INFRASTRUCTURE; it names the registry when that is away."""
    away = error if isinstance(error, RegistryUnavailable) and error.host is not None else None
    message = f"the pod's disk: {error}" if isinstance(error, OSError) else str(error)
    return kind(
        nonce=nonce,
        code=ExitCode.INFRASTRUCTURE,
        message=" ".join(message.split())[:MAX_MESSAGE_CHARACTERS],
        host=away.host if away is not None else None,
        retry_after_seconds=away.after if away is not None else None,
    )
