"""Terminal errors of an agent run. Each maps to the exit code of the pod.

::

    AgentExit
    ├── GaveUp             the analyst sees no way, and says why
    ├── RowAtFault         the analyst holds the source or its tests responsible, and says why
    ├── BudgetSpent        the next turn might cost more than is left; nothing was sent
    ├── ModelUnavailable   no answer, 429 or 5xx after retries: worth a new pod later
    ├── ModelRefused       API key, model name or request refused: only a person can help
    ├── RepeatedDrafts     every configured model repeats a draft that was tried
    ├── MalformedAnswers   every configured model gives answers that cannot be parsed
    ├── TimeLimitReached   the pod's time limit
    └── Interrupted        SIGTERM; what was paid for is stored, and another pod resumes
"""

from typing import ClassVar

from swefoundry.contracts.exit_codes import ExitCode


class AgentExit(Exception):
    """Base class. The message is a sentence for people."""

    code: ClassVar[ExitCode]


class GaveUp(AgentExit):
    """The analyst sees no environment in which the tests could pass."""

    code = ExitCode.GAVE_UP


class RowAtFault(AgentExit):
    """The tests ran, and the source or the tests themselves are the cause: the row gets no verdict."""

    code = ExitCode.ROW_AT_FAULT


class BudgetSpent(AgentExit):
    """The next turn might cost more than is left of the budget; it was not sent."""

    code = ExitCode.BUDGET_SPENT


class ModelUnavailable(AgentExit):
    """The endpoint did not answer after retries."""

    code = ExitCode.MODEL_UNAVAILABLE

    def __init__(self, message: str, host: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.host = host
        """The endpoint, host[:port], when it is away; None when it gives answers that are of no use."""
        self.retry_after = retry_after
        """Seconds that the endpoint asked for."""


class ModelRefused(AgentExit):
    """The endpoint refuses the API key, the model name or the request."""

    code = ExitCode.MODEL_REFUSED


class RepeatedDrafts(AgentExit):
    """Every model proposes what was tried already."""

    code = ExitCode.REPEATED


class MalformedAnswers(AgentExit):
    """Every model gives answers that cannot be parsed."""

    code = ExitCode.MALFORMED


class TimeLimitReached(AgentExit):
    """The pod's own time limit."""

    code = ExitCode.TIME_LIMIT


class Interrupted(AgentExit):
    """The pod got SIGTERM. Every response that was paid for is stored; a new pod resumes from there."""

    code = ExitCode.INFRASTRUCTURE
