"""Verdicts from several samples of each stage."""

from collections.abc import Collection, Sequence

import pytest

from swefoundry.contracts.stages import Stage
from swefoundry.grading.result_sets import CaseSets, compare_stages
from swefoundry.grading.sampled_verdict import (
    NO_PASSING_TEST,
    NO_RUN_TEST,
    NO_TURNING_TEST,
    SampledRun,
    explanation,
    sampled_verdict,
)
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses
from swefoundry.grading.verdict import Verdict

P, F = CaseStatus.PASSED, CaseStatus.FAILED
TURNED = [{"fix": F, "old": P}], [{"fix": P, "old": P}]
UUIDS = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def verdict(
    before: Sequence[CaseStatuses], after: Sequence[CaseStatuses], tolerated: Collection[str] = ()
) -> Verdict:
    """The verdict of runs that end with 1 when a test fails that is not tolerated."""
    runs = [
        SampledRun(stage, int(any(run[test] is F for test in run.keys() - set(tolerated))), run)
        for stage, all_runs in ((Stage.BEFORE, before), (Stage.AFTER, after))
        for run in all_runs
    ]
    return sampled_verdict(runs, compare_stages(before, after), tolerated)


def test_samples_that_agree_are_judged_by_their_codes() -> None:
    before, after = TURNED
    assert verdict(before * 2, after * 2) is Verdict.FAIL2PASS
    assert verdict(before * 2, before * 2) is Verdict.FAIL2FAIL


def test_an_unstable_test_is_dropped_and_the_row_stays() -> None:
    before, after = [{"fix": F, "luck": P}] * 2, [{"fix": P, "luck": P}, {"fix": P, "luck": F}]
    assert verdict(before, after) is Verdict.FAIL2PASS
    assert compare_stages(before, after).unstable == ("luck",)


def test_that_holds_where_another_unstable_test_fails_in_each_run() -> None:
    after = [{"fix": P, "luck": F, "chance": P}, {"fix": P, "luck": P, "chance": F}]
    assert verdict([{"fix": F, "luck": P, "chance": P}] * 2, after) is Verdict.FAIL2PASS


def test_a_row_of_which_only_unstable_tests_turn_is_flaky() -> None:
    assert verdict([{"luck": F}, {"luck": P}], [{"luck": P}] * 2) is Verdict.FLAKY
    assert verdict([{"luck": F}] * 2, [{"luck": P}, {"luck": F}]) is Verdict.FLAKY
    never_the_same = [{"luck": F, "chance": P}, {"luck": P, "chance": F}]
    assert verdict(never_the_same, [{"luck": P, "chance": P}] * 2) is Verdict.FLAKY


def test_a_stable_failure_after_the_fix_outlives_unstable_ones() -> None:
    after = [{"fix": F, "luck": P}, {"fix": F, "luck": F}]
    assert verdict([{"fix": F, "luck": P}] * 2, after) is Verdict.FAIL2FAIL


def test_a_tolerated_failure_does_not_hide_that_a_run_failed_by_chance_only() -> None:
    before = [{"fix": F, "dns": F, "luck": P}] * 2
    after = [{"fix": P, "dns": F, "luck": P}, {"fix": P, "dns": F, "luck": F}]
    assert verdict(before, after, tolerated=["dns"]) is Verdict.FAIL2PASS


def test_a_failure_under_an_id_that_changes_is_a_failure() -> None:
    one, other = ({f"test_key[{uuid}]": F, "fix": P} for uuid in UUIDS)
    assert verdict([{"fix": F}] * 2, [one, other]) is Verdict.FAIL2FAIL


def test_a_row_of_which_only_ids_turn_that_change_is_flaky() -> None:
    one, other = (f"test_key[{uuid}]" for uuid in UUIDS)
    assert verdict([{one: F}], [{other: P}]) is Verdict.FLAKY


def test_without_sets_of_tests_the_codes_decide() -> None:
    unknown = [SampledRun(Stage.BEFORE, 1, None), SampledRun(Stage.AFTER, 0, None)]
    assert sampled_verdict(unknown, None) is Verdict.FAIL2PASS
    assert sampled_verdict([*unknown, SampledRun(Stage.AFTER, 1, None)], None) is Verdict.FLAKY


def test_a_sample_of_unknown_tests_counts_with_its_code() -> None:
    before, after = TURNED
    runs = [SampledRun(Stage.BEFORE, 1, before[0]), SampledRun(Stage.AFTER, 0, after[0])]
    failed = SampledRun(Stage.AFTER, 1, None)
    assert sampled_verdict([*runs, failed], compare_stages(before, after)) is Verdict.FLAKY
    assert sampled_verdict([*runs, SampledRun(Stage.AFTER, None, None)], None) is Verdict.INCONCLUSIVE


HUNG, ENDED = {"t.py::hangs": F, "old": P}, {"t.py::hangs": P, "old": P}


def judged(
    before: SampledRun, after: SampledRun, tolerated: Collection[str] = ()
) -> tuple[Verdict, str, CaseSets]:
    """Verdict, explanation and sets of one run of each stage."""
    runs = [before, after]
    sets = compare_stages([before.statuses or {}], [after.statuses or {}])
    found = sampled_verdict(runs, sets, tolerated)
    return found, explanation(runs, sets, tolerated, found), sets


def hanging(running: str | None = "t.py::hangs", seconds: float = 60) -> SampledRun:
    return SampledRun(Stage.BEFORE, 22, HUNG, running, seconds)


def test_a_test_that_hangs_without_the_fix_failed() -> None:
    found, why, sets = judged(hanging(), SampledRun(Stage.AFTER, 0, ENDED, seconds=15))
    assert (found, why, sets.fail_to_pass) == (
        Verdict.FAIL2PASS,
        "before: t.py::hangs hangs and counts as failed",
        ("t.py::hangs",),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(hanging(), SampledRun(Stage.AFTER, 0, ENDED, seconds=16), id="the machine may be slow"),
        pytest.param(
            hanging(None), SampledRun(Stage.AFTER, 0, ENDED, seconds=1), id="no test was seen to run"
        ),
        pytest.param(
            hanging(),
            SampledRun(Stage.AFTER, 0, ENDED | {"t.py::hangs": CaseStatus.SKIPPED}, seconds=1),
            id="the test does not pass with the fix",
        ),
    ],
)
def test_another_time_limit_is_inconclusive(before: SampledRun, after: SampledRun) -> None:
    assert judged(before, after)[:2] == (Verdict.INCONCLUSIVE, "")


def test_a_hang_on_both_sides_fails_on_both() -> None:
    after = SampledRun(Stage.AFTER, 22, HUNG, "t.py::hangs", 60)
    assert judged(hanging(), after)[0] is Verdict.FAIL2FAIL


def test_a_failure_that_is_only_skipped_with_the_fix_turns_nothing() -> None:
    before = SampledRun(Stage.BEFORE, 1, {"a": F, "old": P})
    after = SampledRun(Stage.AFTER, 0, {"a": CaseStatus.SKIPPED, "old": P})
    assert judged(before, after)[:2] == (Verdict.INCONCLUSIVE, NO_TURNING_TEST)


def test_beside_a_file_that_could_not_be_collected_that_is_error2pass() -> None:
    before = SampledRun(Stage.BEFORE, 1, {"a.py::a": F, "new.py": CaseStatus.ERROR})
    after = SampledRun(Stage.AFTER, 0, {"a.py::a": CaseStatus.SKIPPED, "new.py::b": P})
    found, why, sets = judged(before, after)
    assert (found, why, sets.error_to_pass) == (Verdict.ERROR2PASS, "", ("new.py::b",))


@pytest.mark.parametrize(
    ("before", "expected"), [(1, Verdict.FAIL2FAIL), (0, Verdict.PASS2FAIL)], ids=["failed", "passed"]
)
def test_a_tolerated_test_that_fails_only_with_the_fix_is_no_pass(before: int, expected: Verdict) -> None:
    statuses = {"fix": F if before else P, "broken": P}
    found, why, _ = judged(
        SampledRun(Stage.BEFORE, before, statuses),
        SampledRun(Stage.AFTER, 0, {"fix": P, "broken": F}),
        ["broken"],
    )
    assert (found, why) == (
        expected,
        "the draft tolerates the failure of broken, which does not fail before the fix",
    )


def test_tests_that_are_all_skipped_say_nothing() -> None:
    skipped: CaseStatuses = {"file.js": CaseStatus.SKIPPED}
    found = judged(SampledRun(Stage.BEFORE, 0, skipped), SampledRun(Stage.AFTER, 0, skipped))
    assert found[:2] == (Verdict.INCONCLUSIVE, NO_RUN_TEST)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"new.py::b": P}, (Verdict.ERROR2PASS, "")),
        ({"new.py::b": CaseStatus.SKIPPED}, (Verdict.INCONCLUSIVE, NO_PASSING_TEST)),
        ({}, (Verdict.INCONCLUSIVE, NO_PASSING_TEST)),
    ],
)
def test_a_file_that_cannot_be_collected_and_then_passes_no_test_says_nothing(
    after: CaseStatuses, expected: tuple[Verdict, str]
) -> None:
    before = SampledRun(Stage.BEFORE, 21, {"new.py": CaseStatus.ERROR})
    assert judged(before, SampledRun(Stage.AFTER, 0, after))[:2] == expected
