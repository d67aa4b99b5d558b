"""Retry an unavailable host a few times with growing pauses; the operator waits for a longer time, without a pod."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from swefoundry.programs.intake.intake_errors import HostUnavailable
from swefoundry.programs.intake.limits import RetryPolicy

T = TypeVar("T")


async def with_retries(policy: RetryPolicy, attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of the first attempt that reaches the host, or the last ``HostUnavailable``."""

    async def once() -> T:
        return await attempt()

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(_may_retry_in_pod),
        wait=tenacity.wait_exponential(multiplier=policy.first_pause_seconds),
        stop=tenacity.stop_after_attempt(policy.attempts),
        reraise=True,
    )
    return await retrying(once)


def _may_retry_in_pod(error: BaseException) -> bool:
    """A host that names its own pause is not asked before that is over."""
    return isinstance(error, HostUnavailable) and error.after is None
