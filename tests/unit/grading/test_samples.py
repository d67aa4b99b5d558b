"""What the tests of one evaluation did, in a form in which evaluations can be compared."""

from swefoundry.grading.samples import outcomes_hash, unstable_shapes
from swefoundry.grading.testcase_status import CaseStatus

P, F, X = CaseStatus.PASSED, CaseStatus.FAILED, CaseStatus.XFAILED
KEY = "t.py::test_key[{}]"
ONE, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def test_the_order_of_tests_does_not_count() -> None:
    assert outcomes_hash({"a": P, "b": F}) == outcomes_hash({"b": F, "a": P})


def test_a_test_that_does_something_else_counts() -> None:
    assert len({outcomes_hash(run) for run in ({"a": P}, {"a": F}, {"a": P, "b": P}, {"b": P})}) == 4


def test_an_expected_failure_is_a_pass() -> None:
    assert outcomes_hash({"a": X}) == outcomes_hash({"a": P})


def test_ids_that_change_from_run_to_run_make_no_difference() -> None:
    assert outcomes_hash({KEY.format(ONE): P}) == outcomes_hash({KEY.format(OTHER): P})
    assert outcomes_hash({KEY.format(ONE): P}) != outcomes_hash({KEY.format(OTHER): F})
    assert unstable_shapes([{KEY.format(ONE): F}, {KEY.format(OTHER): F}]) == set()


def test_without_tests_nothing_is_known() -> None:
    assert outcomes_hash({}) is None


def test_a_test_that_is_not_always_there_is_unstable() -> None:
    assert unstable_shapes([{"a": P, "b": P, "c": P}, {"a": P, "b": F}]) == {"b", "c"}
