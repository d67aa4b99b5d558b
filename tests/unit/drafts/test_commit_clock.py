"""When a recipe runs tests with the clock of the change's day, and what it does when that does not help."""

import pytest

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.proposal import StrategyInput
from unit.drafts.recipe_inputs import all_rounds, an_input, ended, proposed
from unit.drafts.test_node_recipe import an_input as a_node_input

DATE_TEST = "tests/test_thing.py::test_year"
SUMMARY = "==== {failed} failed, {passed} passed in 1.0s ===="
ONE_FAILS = f"E       assert '2026' == '2023'\nFAILED {DATE_TEST}\n" + SUMMARY.format(failed=1, passed=12)
OTHER_FAILS = "FAILED tests/test_thing.py::test_dns - OSError\n" + SUMMARY.format(failed=1, passed=12)
TWO_FAIL = f"{ONE_FAILS}\nFAILED tests/test_thing.py::test_dns\n" + SUMMARY.format(failed=2, passed=30)


def clocks(inputs: StrategyInput) -> list[bool]:
    return [tried.draft.date_dependent for tried in inputs.past_rounds]


def test_the_same_draft_is_tried_with_the_clock_of_the_day_before_a_failure_is_tolerated():
    first, second = proposed(an_input()), proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, ONE_FAILS))
    assert second.label == first.label + ", with the clock of the change's day"
    assert second.draft.test_command == (
        "export LD_PRELOAD=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketimeMT.so.1"
        " FAKETIME=-$(($(date +%s) - 1685620800)) FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1; "
        + first.draft.test_command
    )
    assert "libfaketime" in second.draft.dockerfile
    assert not first.draft.date_dependent


def test_a_node_draft_gets_the_clock_of_the_day_too():
    inputs = ended(a_node_input(), RoundOutcome.AFTER_FAILED, "Error: certificate has expired")
    draft = proposed(inputs).draft
    assert draft.date_dependent and "libfaketime" in draft.dockerfile


@pytest.mark.parametrize(
    "line",
    [
        "ssl.SSLCertVerificationError: certificate verify failed: certificate has expired (_ssl.c:1006)",
        "Error: CERT_HAS_EXPIRED",
        "jwt.exceptions.ExpiredSignatureError: Signature has expired",
        "JsonWebTokenError: jwt expired",
        "E   AssertionError: assert '12 years ago' == '9 years ago'",
        "E   + 2026-11-29\nE   - 2023-06-01",
        "AssertionError: expected 'Copyright 2026' to equal 'Copyright 2023'",
        "    Expected: 2023\n    Received: 2026",
    ],
)
def test_words_about_the_date_are_enough(line):
    log = f"{line}\n" + SUMMARY.format(failed=40, passed=3)
    inputs = ended(an_input(), RoundOutcome.AFTER_FAILED, log)
    assert proposed(inputs).draft.date_dependent


@pytest.mark.parametrize(
    "line",
    [
        "E   assert 2024 == 2023",  # the tests of a change of June 2023 may name the next year
        "E   assert 20260 == 1",
        "DeprecationWarning: setuptools.installer is removed in 2027",
        "E   assert timer.expires == 3",
    ],
)
def test_other_words_about_dates_are_not(line):
    inputs = ended(an_input(), RoundOutcome.AFTER_FAILED, line)
    assert not proposed(inputs).draft.date_dependent


def test_a_change_without_a_day_keeps_the_real_clock():
    inputs = ended(an_input(created=None), RoundOutcome.AFTER_FAILED, ONE_FAILS)
    assert not proposed(inputs).draft.date_dependent


def test_what_the_log_names_is_mended_first():
    log = "E   ModuleNotFoundError: No module named 'yaml'\n" + ONE_FAILS
    inputs = ended(an_input(), RoundOutcome.AFTER_FAILED, log)
    assert not proposed(inputs).draft.date_dependent
    assert proposed(ended(inputs, RoundOutcome.AFTER_FAILED, ONE_FAILS)).draft.date_dependent


def test_a_clock_that_does_not_help_is_forgotten():
    real = ended(an_input(), RoundOutcome.AFTER_FAILED, ONE_FAILS)
    for log in (ONE_FAILS, "==== 9 failed, 4 passed in 1.0s ====", ""):
        rounds = all_rounds(
            ended(real, RoundOutcome.AFTER_FAILED, log), RoundOutcome.AFTER_FAILED, [ONE_FAILS]
        )
        assert clocks(rounds)[:2] == [False, True]
        assert not any(clocks(rounds)[2:])
        assert rounds.past_rounds[-1].draft.tolerated_failures == [DATE_TEST]


def test_a_library_that_cannot_be_installed_is_forgotten():
    inputs = ended(an_input(), RoundOutcome.AFTER_FAILED, ONE_FAILS)
    following = ended(inputs, RoundOutcome.STEP_FAILED, "E: Unable to locate package libfaketime")
    assert not proposed(following).draft.date_dependent


def test_the_clock_stays_where_fewer_tests_fail_and_the_others_are_tolerated():
    inputs = ended(an_input(), RoundOutcome.AFTER_FAILED, TWO_FAIL)
    rounds = all_rounds(inputs, RoundOutcome.AFTER_FAILED, [OTHER_FAILS])
    assert clocks(rounds) == [False] + [True] * (len(rounds.past_rounds) - 1)
    assert rounds.past_rounds[-1].draft.tolerated_failures == ["tests/test_thing.py::test_dns"]


@pytest.mark.parametrize(
    ("command", "sets_clock"),
    [
        ("pytest {files}", False),
        ("faketime '2019-05-02 12:00:00' pytest {files}", True),
        ("FAKETIME=-5d LD_PRELOAD=/opt/x.so pytest {files}", True),
        ("python faketimes.py", False),
    ],
)
def test_a_command_that_sets_the_clock_depends_on_the_date(command, sets_clock):
    assert Draft(dockerfile="FROM python:3.11-slim\n", test_command=command).date_dependent is sets_clock
