"""Verdicts from several samples of each stage."""

from collections.abc import Collection, Sequence

from swefoundry.contracts.stages import Stage
from swefoundry.grading.result_sets import compare_stages
from swefoundry.grading.sampled_verdict import SampledRun, sampled_verdict
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
