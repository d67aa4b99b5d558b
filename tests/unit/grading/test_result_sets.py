"""The sets of SWE-bench."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.grading.result_sets import CaseSets, compare_stages
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses

P, F, E, S, X = CaseStatus.PASSED, CaseStatus.FAILED, CaseStatus.ERROR, CaseStatus.SKIPPED, CaseStatus.XFAILED

runs = st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from(CaseStatus))


def test_every_set_by_example() -> None:
    before: CaseStatuses = {
        "f2p": F,
        "e2p": E,
        "p2p": P,
        "x2p": X,
        "p2f": P,
        "p2none": P,
        "f2f": F,
        "s2p": S,
        "p2s": P,
    }
    after: CaseStatuses = {
        "f2p": P, "e2p": P, "p2p": P, "x2p": P, "p2f": F, "f2f": E, "s2p": P, "n2p": P, "n2f": F, "p2s": S,
    }  # fmt: skip
    assert compare_stages([before], [after]) == CaseSets(
        fail_to_pass=("e2p", "f2p"),
        none_to_pass=("n2p",),
        skip_to_pass=("s2p",),
        pass_to_pass=("p2p", "x2p"),
        pass_to_fail=("p2f", "p2none"),
        fail_to_fail=("f2f",),
    )


def test_swe_bench_counts_everything_that_passes_only_with_the_fix() -> None:
    sets = compare_stages([{"a": F, "c": S}], [{"a": P, "b": P, "c": P}])
    assert sets.swe_bench_fail_to_pass == ("a", "b", "c")
    assert sets.by_name() == {
        "FAIL_TO_PASS": ("a",),
        "NONE_TO_PASS": ("b",),
        "SKIP_TO_PASS": ("c",),
        "PASS_TO_PASS": (),
    }


def test_tests_that_disagree_between_repeats_are_in_no_set() -> None:
    sets = compare_stages([{"a": F, "b": F}, {"a": F, "b": F}], [{"a": P, "b": P}, {"a": P, "b": F}])
    assert sets == CaseSets(fail_to_pass=("a",), unstable=("b",))


def test_failed_and_error_are_the_same_coarse_status() -> None:
    assert compare_stages([{"a": F}, {"a": E}], [{"a": P}, {"a": X}]) == CaseSets(fail_to_pass=("a",))


def test_no_report_at_all_gives_empty_sets() -> None:
    assert compare_stages([], []) == CaseSets()


@given(before=st.lists(runs, max_size=3), after=st.lists(runs, max_size=3))
def test_no_test_is_in_two_sets(before: list[CaseStatuses], after: list[CaseStatuses]) -> None:
    sets = compare_stages(before, after)
    members = [test for ids in (*sets.by_name().values(),) for test in ids]
    assert len(members) == len(set(members))


@given(before=runs, after=runs)
def test_what_passes_after_is_in_exactly_one_set_of_passing(
    before: CaseStatuses, after: CaseStatuses
) -> None:
    sets = compare_stages([before], [after])
    passing = {test for test, status in after.items() if status in (P, X)}
    known = set(sets.swe_bench_fail_to_pass) | set(sets.pass_to_pass)
    assert passing == known | set(sets.error_to_pass)


@given(run=runs)
def test_a_fix_that_changes_nothing_has_no_fail_to_pass(run: CaseStatuses) -> None:
    assert compare_stages([run], [run]).swe_bench_fail_to_pass == ()


@given(before=runs, after=runs, repeats=st.integers(1, 4))
def test_repeats_that_agree_change_nothing(before: CaseStatuses, after: CaseStatuses, repeats: int) -> None:
    assert compare_stages([before] * repeats, [after] * repeats) == compare_stages([before], [after])


class TestFilesThatCannotBeCollectedWithoutTheFix:
    """Their tests are not in ``before``: they are apart from tests that were seen to fail."""

    AFTER: CaseStatuses = {
        "tests/test_a.py::test_new": P,
        "tests/test_a.py::test_old": P,
        "tests/test_b.py::test_it": P,
    }

    def test_are_error_to_pass(self) -> None:
        before: CaseStatuses = {"tests/test_a.py": E, "tests/test_b.py::test_it": F}
        assert compare_stages([before], [self.AFTER]) == CaseSets(
            fail_to_pass=("tests/test_b.py::test_it",),
            error_to_pass=("tests/test_a.py::test_new", "tests/test_a.py::test_old"),
        )

    def test_are_pass_to_pass_where_they_passed_in_base(self) -> None:
        before: CaseStatuses = {"tests/test_a.py": E, "tests/test_b.py::test_it": F}
        base: CaseStatuses = {"tests/test_a.py::test_old": P, "tests/test_a.py::test_new": F}
        assert compare_stages([before], [self.AFTER], [base]) == CaseSets(
            fail_to_pass=("tests/test_b.py::test_it",),
            error_to_pass=("tests/test_a.py::test_new",),
            pass_to_pass=("tests/test_a.py::test_old",),
        )

    def test_do_not_hide_new_tests_of_other_files(self) -> None:
        before: CaseStatuses = {"tests/test_a.py": E}
        assert compare_stages([before], [self.AFTER]).none_to_pass == ("tests/test_b.py::test_it",)

    @pytest.mark.parametrize("hidden", ["tests/__init__.py", "tests/conftest.py", "tests.py"])
    def test_may_be_hidden_by_their_package(self, hidden: str) -> None:
        assert len(compare_stages([{hidden: E}], [self.AFTER]).error_to_pass) == 3

    def test_are_all_files_when_nothing_was_reported(self) -> None:
        base: CaseStatuses = {"tests/test_b.py::test_it": P}
        sets = compare_stages([{}], [self.AFTER], [base])
        assert (len(sets.error_to_pass), sets.pass_to_pass) == (2, ("tests/test_b.py::test_it",))

    def test_are_not_counted_by_swe_bench(self) -> None:
        sets = compare_stages([{"tests/test_a.py": E}], [{"tests/test_a.py::test_new": P}])
        assert sets.swe_bench_fail_to_pass == ()
        assert sets.by_name() == {
            "FAIL_TO_PASS": (), "ERROR_TO_PASS": ("tests/test_a.py::test_new",), "PASS_TO_PASS": (),
        }  # fmt: skip


def test_tests_of_a_class_that_cannot_be_collected_are_errors() -> None:
    before = {"t.py::TestA": E, "t.py::test_b": P}
    after = {"t.py::TestA::test_a[x::y]": P, "t.py::test_b": P, "t.py::TestB::test_c": P}
    assert compare_stages([before], [after]) == CaseSets(
        error_to_pass=("t.py::TestA::test_a[x::y]",),
        none_to_pass=("t.py::TestB::test_c",),
        pass_to_pass=("t.py::test_b",),
    )


def test_tests_of_a_file_that_skips_itself_are_skipped() -> None:
    sets = compare_stages([{"t.py": S, "u.py::test_b": F}], [{"t.py::test_a": P, "u.py::test_b": P}])
    assert sets == CaseSets(fail_to_pass=("u.py::test_b",), skip_to_pass=("t.py::test_a",))


def test_a_test_that_the_run_did_not_reach_passed_before_if_it_passed_in_base() -> None:
    sets = compare_stages(
        [{"t.py::test_a": F}], [{"t.py::test_a": P, "t.py::test_b": P}], [{"t.py::test_b": P}]
    )
    assert sets == CaseSets(fail_to_pass=("t.py::test_a",), pass_to_pass=("t.py::test_b",))
