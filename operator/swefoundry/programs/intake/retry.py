"""Retry an unreachable host with growing pauses; after the last attempt the source is rejected."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from swefoundry.programs.intake.intake_errors import SourceUnreachable, unreachable_source
from swefoundry.programs.intake.limits import RetryPolicy

T = TypeVar("T")


async def with_retries(policy: RetryPolicy, attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of the first attempt that reaches the host."""

    async def once() -> T:
        return await attempt()

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(SourceUnreachable),
        wait=tenacity.wait_exponential(multiplier=policy.first_pause_seconds),
        stop=tenacity.stop_after_attempt(policy.attempts),
        reraise=True,
    )
    try:
        return await retrying(once)
    except SourceUnreachable as error:
        remediation = "check the URL, and that network policies let intake pods go there"
        raise unreachable_source(f"{error} ({policy.attempts} requests): {remediation}") from error
