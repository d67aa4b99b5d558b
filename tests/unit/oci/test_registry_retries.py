"""Retries while the registry is busy."""

import pytest

from swefoundry.errors import NotFound, RegistryUnavailable
from swefoundry.oci.registry_retries import retry_while_busy


class Attempts:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def test_a_busy_registry_is_asked_until_it_answers() -> None:
    attempt = Attempts(RegistryUnavailable("busy"), RegistryUnavailable("busy"))
    assert await retry_while_busy(attempt, seconds=60) == "answer"
    assert attempt.count == 3


async def test_an_attempt_that_fails_after_the_time_is_the_last() -> None:
    attempt = Attempts(RegistryUnavailable("busy"), RegistryUnavailable("busy again"))
    with pytest.raises(RegistryUnavailable, match=r"^busy$"):
        await retry_while_busy(attempt, seconds=0)
    assert attempt.count == 1


async def test_another_error_is_not_retried() -> None:
    attempt = Attempts(NotFound("no such content"))
    with pytest.raises(NotFound):
        await retry_while_busy(attempt, seconds=60)
    assert attempt.count == 1
