"""The events of `go test -json`; tests/fixtures/reports has streams of several releases of Go."""

import json

from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.result_sets import CaseSets, compare_stages
from swefoundry.grading.testcase_status import CaseStatuses, ParsedReports


def a_stream(*events: tuple[str, str, str]) -> ParsedReports:
    """Return what is read from events of action, package and test."""
    lines = (
        json.dumps({"Action": action, "Package": package} | ({"Test": test} if test else {}))
        for action, package, test in events
    )
    return read_reports({"r.json": "\n".join(lines).encode()})


def statuses(*events: tuple[str, str, str]) -> CaseStatuses:
    return a_stream(*events).statuses


def test_a_subtest_has_an_id_of_its_own_below_its_package() -> None:
    found = statuses(
        ("run", "m/a", "TestA"), ("run", "m/a", "TestA/one"), ("fail", "m/a", "TestA/one"), ("fail", "m/a", "TestA"),
        ("fail", "m/a", ""),
    )  # fmt: skip
    assert found == {"m/a::TestA": "failed", "m/a::TestA/one": "failed"}


def test_a_test_without_an_end_failed() -> None:
    assert statuses(("run", "m", "TestExits"), ("pass", "m", "")) == {"m::TestExits": "failed"}


def test_a_package_without_an_end_makes_the_report_unreadable_and_its_tests_count() -> None:
    found = a_stream(("run", "m", "TestA"), ("pass", "m", "TestA"))
    assert (found.statuses, found.unreadable, found.problems) == (
        {"m::TestA": "passed"},
        1,
        ("r.json: a package has no end: the stream may have been cut off",),
    )


def test_a_package_that_does_not_compile_hides_its_own_tests_alone() -> None:
    before = statuses(
        ("fail", "m", ""), ("run", "m/doc", "TestDoc"), ("pass", "m/doc", "TestDoc"), ("pass", "m/doc", "")
    )
    after = statuses(
        ("pass", "m", "TestRoot"), ("pass", "m", ""),
        ("pass", "m/doc", "TestDoc"), ("pass", "m/doc", "TestNew"), ("pass", "m/doc", ""),
    )  # fmt: skip
    assert compare_stages([before], [after]) == CaseSets(
        error_to_pass=("m::TestRoot",), none_to_pass=("m/doc::TestNew",), pass_to_pass=("m/doc::TestDoc",)
    )


def test_json_without_events_is_no_report() -> None:
    found = read_reports({"r.json": b'{"tests": 3}'})
    assert (found.statuses, found.problems) == (
        {},
        ("r.json: neither JUnit XML, TAP, go test -json nor cargo test",),
    )
