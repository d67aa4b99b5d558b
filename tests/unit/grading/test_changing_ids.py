"""Ids that change from run to run are found with one run of each stage."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.grading.changing_ids import changing_ids
from swefoundry.grading.result_sets import compare_stages
from swefoundry.grading.testcase_status import CaseStatus

PAIRS = {
    "a uuid": ("t[7b1c6d1e-7a55-4d30-9c43-0d7a2f3b4c5d]", "t[0f0e0d0c-1111-4222-8333-444455556666]"),
    "a temporary folder": ("t[/tmp/tmpab12_x9q]", "t[/tmp/tmpzz98ab_c]"),
    "pytest's temporary folder": ("t[/tmp/pytest-of-root/pytest-0/a]", "t[/tmp/pytest-of-root/pytest-1/a]"),
    "an address": ("t[<A 0x7f3a5c0d1b20>]", "t[<A 0x7f3a5c0d1b30>]"),
    "a date and time": ("t[2026-11-28 09:30:01.123456]", "t[2026-11-28 09:31:44.654321]"),
    "a random number": ("t[0.8444218515250481]", "t[0.7579544029403025]"),
    "a random token": ("t[9f86d081884c7d65]", "t[2c26b46b68ffc68f]"),
    "seconds since 1970": ("t[1790000000]", "t[1790000099]"),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_an_id_that_another_of_its_shape_replaces_is_changing(pair: tuple[str, str]) -> None:
    before, after = pair
    assert changing_ids([{before, "stays"}, {after, "stays"}]) == {before, after}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_constant_of_the_same_shape_stays(pair: tuple[str, str]) -> None:
    constant = pair[0]
    assert changing_ids([{constant}, {constant}]) == set()


def test_a_test_that_only_one_run_reports_is_not_called_changing() -> None:
    ids = [f"t[{uuid.UUID(int=number)}]" for number in range(2)]
    assert changing_ids([{"a"}, {"a", *ids}]) == set()
    assert changing_ids([{"a", ids[0]}, {"a", *ids}]) == set()


def test_small_numbers_are_parameters() -> None:
    assert changing_ids([{"t[1]", "t[2026-x]"}, {"t[2]", "t[2027-x]"}]) == set()


@given(st.lists(st.frozensets(st.text("t[]0123456789abcdef-", max_size=30), max_size=4), max_size=4))
def test_what_every_run_reports_is_never_changing(runs: list[frozenset[str]]) -> None:
    assert not changing_ids(runs) & (frozenset.intersection(*runs) if runs else frozenset())


def test_changing_ids_are_in_the_set_of_unstable_tests_and_in_no_other() -> None:
    before = {"t[/tmp/tmpab12_x9q]": CaseStatus.PASSED, "fixed": CaseStatus.FAILED}
    after = {"t[/tmp/tmpzz98ab_c]": CaseStatus.PASSED, "fixed": CaseStatus.PASSED}
    assert compare_stages([before], [after]).by_name() == {
        "FAIL_TO_PASS": ("fixed",),
        "PASS_TO_PASS": (),
        "UNSTABLE": ("t[/tmp/tmpab12_x9q]", "t[/tmp/tmpzz98ab_c]"),
    }
