"""Why an agent pod ends without a draft: one class per reason, each with the exit code that says so.

::

    Stop
    ├── GaveUp             the analyst sees no way, and says why
    ├── BudgetSpent        the next turn might cost more than is left; nothing was sent
    ├── ModelUnavailable   no answer, 429 or 5xx after retries: worth a new pod later
    ├── ModelRefused       key, model name or request refused: only a person can help
    ├── Repeated           every model of the ladder repeats itself
    ├── Malformed          every model of the ladder answers garbage
    ├── OutOfTime          the pod's time limit
    └── Interrupted        the pod is asked to end; what was paid for is stored, another pod goes on
"""

from typing import ClassVar

from swefoundry.contracts.exit_codes import ExitCode


class AgentExit(Exception):
    """Base: the message is a sentence for people."""

    code: ClassVar[ExitCode]


class GaveUp(AgentExit):
    """The analyst sees no environment in which the tests could pass."""

    code = ExitCode.GAVE_UP


class BudgetSpent(AgentExit):
    """The next turn might cost more than the budget has left; it was not asked."""

    code = ExitCode.BUDGET_SPENT


class ModelUnavailable(AgentExit):
    """The endpoint did not answer after retries."""

    code = ExitCode.MODEL_UNAVAILABLE


class ModelRefused(AgentExit):
    """The endpoint refuses the key, the model name or the request."""

    code = ExitCode.MODEL_REFUSED


class RepeatedDrafts(AgentExit):
    """Every model proposes what was tried already."""

    code = ExitCode.REPEATED


class MalformedAnswers(AgentExit):
    """Every model gives answers that cannot be read."""

    code = ExitCode.MALFORMED


class TimeLimitReached(AgentExit):
    """The pod's own time limit."""

    code = ExitCode.TIME_LIMIT


class Interrupted(AgentExit):
    """The pod is asked to end (SIGTERM). Every answer that was paid for is stored; a new pod carries on from there."""

    code = ExitCode.INFRASTRUCTURE
