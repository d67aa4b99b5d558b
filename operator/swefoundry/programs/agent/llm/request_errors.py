"""Errors of one request to an endpoint that are not the end of an agent run: each has its own answer in the caller."""

from swefoundry.programs.agent.agent_exit import ModelRefused
from swefoundry.programs.agent.llm.api_errors import ApiError, ErrorAction, action_for, error_hint


class RealModelBlocked(Exception):
    """A test called an endpoint that may be real. A bug of the test, so it is not an AgentExit."""


class ContextExceeded(Exception):
    """The endpoint says that the request does not fit the model's context window: shorten it."""


class RequestRejected(Exception):
    """The endpoint rejects the request as it is (400, 422): leave out what it does not support."""


class RetryableError(Exception):
    """A transient failure: retry after a delay."""

    def __init__(self, message: str, retry_after: float | None = None, broken: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the endpoint asked for."""
        self.broken = broken
        """A response began and was unusable, so it may be on the bill."""


def exception_for(error: ApiError, base_url: str, model_name: str) -> Exception:
    """The exception that stands for an error response of the endpoint."""
    message = error.describe(base_url, model_name)
    match action_for(error):
        case ErrorAction.RETRY:
            return RetryableError(message, error.retry_after)
        case ErrorAction.SHRINK:
            return ContextExceeded(message)
        case ErrorAction.ADAPT:
            return RequestRejected(message)
        case ErrorAction.FAIL:
            return ModelRefused(f"{message}; {error_hint(error)}")
