"""Candidates that would repeat a failure come after those that may not."""

from datetime import date

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.recipes.python.interpreters import Candidate
from swefoundry.drafts.recipes.repeated_failures import (
    FailedCandidates,
    failure_signature,
    least_alike_first,
)
from unit.drafts.recipe_inputs import an_input, ended

OLD, NEW = date(2021, 7, 2), date(2022, 7, 2)


def on_39(until: date | None) -> Candidate:
    return Candidate("python:3.9-slim", (3, 9), until)


def on_311(until: date | None) -> Candidate:
    return Candidate("python:3.11-slim", (3, 11), until)


def failed(*rounds: tuple[Candidate, str]) -> FailedCandidates[Candidate]:
    found = FailedCandidates[Candidate]()
    for candidate, message in rounds:
        found = found.having(candidate, message)
    return found


def test_after_two_days_with_one_failure_another_interpreter_comes_before_a_third_day():
    both = failed((on_39(OLD), "E   StopIteration"), (on_39(NEW), "E   StopIteration"))
    assert least_alike_first([on_39(None), on_311(NEW)], both) == (on_311(NEW), on_39(None))


def test_after_two_interpreters_with_one_failure_another_day_comes_before_a_third_interpreter():
    third = Candidate("python:3.13-slim", (3, 13), OLD)
    both = failed((on_39(OLD), "E   StopIteration"), (on_311(OLD), "E   StopIteration"))
    assert least_alike_first([third, on_39(NEW)], both) == (on_39(NEW), third)


def test_different_failures_and_rounds_without_a_log_keep_the_order():
    order = (on_39(None), on_311(NEW))
    assert least_alike_first(order, failed((on_39(OLD), "one"), (on_39(NEW), "other"))) == order
    assert least_alike_first(order, failed((on_39(OLD), ""), (on_39(NEW), ""))) == order
    assert least_alike_first(order, failed((on_39(OLD), "one"))) == order


def test_a_failure_that_changed_in_between_is_recognized():
    between = failed((on_39(OLD), "one"), (on_311(OLD), "other"), (on_39(NEW), "one"))
    assert between.repeats_last(on_39(None))


def test_times_addresses_lines_and_interpreters_are_no_part_of_a_failure():
    first = (
        'File "/opt/venv/lib/python3.9/site-packages/thing/a.py", line 12, in f\n'
        "E   assert <Thing at 0x7f3d4bbab5b0>\n=== 2 failed, 146 warnings, 1 error in 0.38s ==="
    )
    second = (
        'File "/opt/venv/lib/python3.11/site-packages/thing/a.py", line 7, in f\n'
        "E   assert <Thing at 0x7feaa96c7220>\n=== 2 failed, 7 warnings, 1 error in 1.4 seconds ==="
    )
    assert failure_signature(first) == failure_signature(second)
    assert failure_signature("=== 2 failed in 1s ===") != failure_signature("=== 3 failed in 1s ===")


def test_a_search_turns_to_another_interpreter_when_a_later_day_changed_nothing():
    inputs = an_input(created="2023-06-01")
    for message in ("E   StopIteration", "E   RecursionError", "E   StopIteration", "E   StopIteration"):
        inputs = ended(inputs, RoundOutcome.AFTER_FAILED, message)
    assert [tried.label for tried in inputs.past_rounds] == [
        "python 3.9, as of 2023-07-16",
        "python 3.11, as of 2023-07-21",
        "python 3.9, as of 2024-07-15",
        "python 3.13, as of 2025-07-04",
    ]
