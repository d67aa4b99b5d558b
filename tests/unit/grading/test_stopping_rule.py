"""When another pair of evaluations is run."""

import pytest

from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.grading.samples import Sample
from swefoundry.grading.stopping_rule import needs_more_samples

CODES = {"fail": 1, "pass": 0, "error": 21, "fault": None, "hidden": 0}


def samples(before: str, after: str) -> list[Sample]:
    """One sample per word: a code, and after a dot what tells its outcomes from those of others."""
    return [
        a_sample(stage, word)
        for stage, words in zip(PROBE, (before, after), strict=True)
        for word in words.split()
    ]


def a_sample(stage: Stage, word: str) -> Sample:
    name, _, variant = word.partition(".")
    return Sample(stage, CODES[name], None if name in ("error", "fault", "hidden") else name + variant)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("fail", "pass"),
        ("fail fail", "pass pass"),
        ("error error", "pass pass"),
        ("fail fail", "hidden pass"),
    ],
)
def test_samples_that_agree_are_enough(before: str, after: str) -> None:
    assert not needs_more_samples(samples(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("fail fail", "pass fail.a"),
        ("fail fail.a", "pass pass"),
        ("fail fail fail", "pass fail.a pass"),
        ("fail fail fail fail", "pass fail.a pass fail.a"),
        ("fail fail fail fail fail", "pass fail.a pass pass fail.b"),
        ("fail fail fail fail fail.a", "pass pass pass pass pass"),
    ],
)
def test_samples_that_disagree_are_not(before: str, after: str) -> None:
    assert needs_more_samples(samples(before, after))


def test_five_are_enough_when_the_last_two_gave_nothing_new() -> None:
    assert not needs_more_samples(samples("fail fail fail fail fail", "pass fail.a pass fail.a pass"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("fail fault", "pass fail.a"),
        ("fail error", "pass pass"),
        ("fail fail", "hidden fail.a"),
        ("", "pass fail.a"),
    ],
)
def test_no_number_of_samples_mends_a_fault_or_codes_without_tests(before: str, after: str) -> None:
    assert not needs_more_samples(samples(before, after))
