"""Fields that the results of all programs share: intake, build, checkout, agents, leaks."""

from typing import Literal

from swefoundry.contracts.measured import MeasuredResources
from swefoundry.contracts.wire import WireModel


class ProgramResult(WireModel):
    """Base class of the results."""

    v: Literal[1] = 1
    nonce: str
    code: int
    message: str = ""
    """One sentence for people."""
    host: str | None = None
    """host[:port] that did not answer, or answered 429 or 5xx, when the work ended for that reason."""
    retry_after_seconds: float | None = None
    """When that host wants to be asked again."""
    measured: MeasuredResources | None = None
    """What the container used; absent in a record of the release before."""
