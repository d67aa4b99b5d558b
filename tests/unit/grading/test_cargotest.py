"""The output of `cargo test`; tests/fixtures/reports has output of cargo 1.95, whole and target by target."""

import pytest

from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.result_sets import CaseSets, compare_stages
from swefoundry.grading.testcase_status import ParsedReports

API = "     Running tests/api.rs (target/debug/deps/api-0123456789abcdef)\n"
RESULT = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n"


def read(*parts: str) -> ParsedReports:
    return read_reports({"cargo.txt": "".join(parts).encode()})


def a_target(path: str, *tests: str) -> str:
    """Return the output of a target, all of whose tests pass."""
    lines = [
        f"     Running {path}",
        f"running {len(tests)} tests",
        *(f"test {test} ... ok" for test in tests),
    ]
    return "\n".join([*lines, f"test result: ok. {len(tests)} passed; 0 failed; 0 ignored;", ""])


@pytest.mark.parametrize(
    ("line", "target"),
    [
        (API, "tests/api.rs"),
        ("     Running unittests src/lib.rs (target/debug/deps/cr-0123456789abcdef)\n", "src/lib.rs"),
        ("     Running unittests (target/debug/deps/cr-0123456789abcdef)\n", "cr"),
        ("     Running target/debug/deps/api-0123456789abcdef\n", "api"),
        ("   Doc-tests cr\n", "cr"),
    ],
)
def test_every_release_of_cargo_names_targets_in_its_way(line: str, target: str) -> None:
    found = read(API, "running 0 tests\n", RESULT.replace("1 passed", "0 passed"), line, "running 1 test\n",
                 "test a::b ... ok\n", RESULT)  # fmt: skip
    assert found == ParsedReports(statuses={f"{target}::a::b": "passed"})


@pytest.mark.parametrize(
    ("line", "test", "status"),
    [
        ("test a ... ok", "a", "passed"),
        ("test a - should panic ... ok", "a", "passed"),
        ("test a ... ok <0.002s>", "a", "passed"),
        ("test a ... FAILED", "a", "failed"),
        ("test a ... ignored, needs a server", "a", "skipped"),
        ("test a ... written by the test\nok", "a", "passed"),
    ],
)
def test_a_line_has_a_test_and_its_status(line: str, test: str, status: str) -> None:
    counts = {"passed": "1 passed; 0 failed; 0 ignored", "failed": "0 passed; 1 failed; 0 ignored"}
    end = f"test result: ok. {counts.get(status, '0 passed; 0 failed; 1 ignored')}; 0 measured\n"
    found = read(API, "running 1 test\n", f"{line}\n", end)
    assert found == ParsedReports(statuses={f"tests/api.rs::{test}": status})


def test_what_a_command_names_beforehand_is_what_cargo_names_next() -> None:
    found = read(
        "     Running crates/calc/tests/api.rs\n", API, "running 1 test\n", "test a ... ok\n", RESULT
    )
    assert found.statuses == {"crates/calc/tests/api.rs::a": "passed"}


def test_a_target_that_does_not_compile_hides_its_own_tests_alone() -> None:
    broken = "     Running tests/new.rs\nerror[E0425]: cannot find function `nothing` in this scope\n"
    before = read(broken, a_target("tests/old.rs", "kept"))
    after = read(a_target("tests/new.rs", "added"), a_target("tests/old.rs", "kept"))
    assert before.uncollected == ("tests/new.rs",)
    assert compare_stages([before.statuses], [after.statuses]) == CaseSets(
        error_to_pass=("tests/new.rs::added",), pass_to_pass=("tests/old.rs::kept",)
    )


def test_a_target_that_ends_before_its_last_line_is_an_error() -> None:
    found = read(API, "running 2 tests\n", "test a ... ok\n", "test b ... ")
    assert (found.statuses, found.uncollected) == (
        {"tests/api.rs::a": "passed", "tests/api.rs::b": "failed", "tests/api.rs": "error"},
        (),
    )


def test_results_that_output_hides_make_the_report_unreadable() -> None:
    found = read(API, "running 1 test\n", "written by the testtest a ... ok\n", RESULT)
    assert (found.statuses, found.unreadable, found.problems) == (
        {},
        1,
        ("cargo.txt: tests/api.rs: other results than the last line counts; output got between them",
         "cargo.txt: no test in it"),
    )  # fmt: skip


def test_prose_that_begins_alike_is_no_report() -> None:
    found = read("running the tests takes a minute\n")
    assert found.problems == ("cargo.txt: neither JUnit XML, TAP, go test -json nor cargo test",)
