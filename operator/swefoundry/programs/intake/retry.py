"""How long is an unreachable host asked again? Some times with growing pauses; then it is the row's fault."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from swefoundry.programs.intake.intake_errors import Unreachable, unreachable
from swefoundry.programs.intake.limits import Patience

T = TypeVar("T")


async def patiently(patience: Patience, attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of the first attempt that reaches the host."""

    async def once() -> T:
        return await attempt()

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(Unreachable),
        wait=tenacity.wait_exponential(multiplier=patience.first_pause_seconds),
        stop=tenacity.stop_after_attempt(patience.attempts),
        reraise=True,
    )
    try:
        return await retrying(once)
    except Unreachable as error:
        advice = "check the URL, and that network policies let intake pods go there"
        raise unreachable(f"{error} (asked {patience.attempts} times): {advice}") from error
