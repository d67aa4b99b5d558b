"""Limits of the tests that a draft tolerates."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from swefoundry.contracts.draft import TEST_ID_LIMIT, TOLERATED_BYTES, Draft

RUNNER_IDS = Path(__file__).parents[3] / "images" / "runner" / "ids.go"


def a_draft(*tolerated: str) -> Draft:
    return Draft(dockerfile="FROM x", test_command="true", tolerated_failures=list(tolerated))


def test_every_id_that_a_report_can_hold_can_be_tolerated() -> None:
    longest = "t" * TEST_ID_LIMIT
    assert a_draft(longest).tolerated_failures == [longest]


def test_the_runner_cuts_ids_at_the_same_length() -> None:
    assert re.findall(r"^const maxID = (\d+)$", RUNNER_IDS.read_text(), re.MULTILINE) == [str(TEST_ID_LIMIT)]


def test_ids_that_do_not_fit_into_a_variable_are_refused() -> None:
    many = [f"{number}{'é' * (TEST_ID_LIMIT // 2)}" for number in range(5)]
    with pytest.raises(ValidationError, match=f"more than {TOLERATED_BYTES} bytes together: tolerate fewer"):
        a_draft(*many)
