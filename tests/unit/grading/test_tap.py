"""TAP 12, 13 and 14: what each test is called and how it ended."""

from textwrap import dedent

from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.testcase_status import CaseStatus


def read(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    found = read_reports({"out.tap": dedent(text).lstrip("\n").encode()})
    return {test: str(status) for test, status in found.statuses.items()}, found.problems


def test_points_with_and_without_numbers_and_dashes() -> None:
    assert read(
        """
        1..5
        ok 1 - adds numbers
        not ok 2 subtracts
        ok - no number
        ok
        ok 5
        """
    ) == (
        {
            "adds numbers": "passed",
            "subtracts": "failed",
            "no number": "passed",
            "4": "passed",
            "5": "passed",
        },
        (),
    )


def test_directives_mean_skipped_or_expected_to_fail() -> None:
    found, _ = read(
        """
        TAP version 13
        ok 1 - fast # SKIP no database
        not ok 2 - later # TODO not written
        ok 3 - early # todo works already
        ok 4 - reads \\# in names
        not ok 5 - slow # time=12.5ms
        ok 6 - timed (3 ms)
        1..6
        """
    )
    assert found == {
        "fast": "skipped",
        "later": "xfailed",
        "early": "passed",
        "reads # in names": "passed",
        "slow": "failed",
        "timed": "passed",
    }


def test_yaml_blocks_are_not_results() -> None:
    found, problems = read(
        """
        TAP version 14
        not ok 1 - a
          ---
          message: |
            ok 2 - forged
          ...
        ok 2 - b
        1..2
        """
    )
    assert (found, problems) == ({"a": "failed", "b": "passed"}, ())


def test_leaves_of_subtests_count_under_their_parents_names() -> None:
    found, problems = read(
        """
        TAP version 14
        # Subtest: parser
            # Subtest: numbers
                ok 1 - small
                not ok 2 - large
                1..2
            not ok 1 - numbers
            ok 2 - strings
            1..2
        not ok 1 - parser
        ok 2 - writer
        1..2
        """
    )
    assert (found, problems) == (
        {
            "parser > numbers > small": "passed",
            "parser > numbers > large": "failed",
            "parser > strings": "passed",
            "writer": "passed",
        },
        (),
    )


def test_a_parent_that_fails_by_itself_counts() -> None:
    found, _ = read(
        """
        TAP version 14
            ok 1 - leaf
            1..1
        not ok 1 - teardown broke
        1..1
        """
    )
    assert found == {"teardown broke > leaf": "passed", "teardown broke": "failed"}


def test_a_bail_out_and_missing_tests_are_problems() -> None:
    _, problems = read("1..3\nok 1 - a\nBail out! no disk\n")
    assert problems == ("the tests bailed out: no disk", "the plan says 3 tests and 1 were reported")


def test_the_worst_of_equal_names_counts() -> None:
    found, problems = read("1..2\nnot ok 1 - same\nok 2 - same\n")
    assert found == {"same": "failed"}
    assert problems == ("1 results repeat a test id with another status; the worst counts",)


def test_windows_line_ends_and_colours() -> None:
    found, problems = read("TAP version 13\r\n1..1\r\n\x1b[32mok 1 - a\x1b[0m\r\nok 1 - \x1b[1mb\x1b[0m\r\n")
    assert (found, problems) == ({"b": "passed"}, ())


def test_go_test_output_is_not_tap() -> None:
    found, problems = read("ok  \texample.org/pkg\t0.012s\n")
    assert (found, problems) == ({}, ("out.tap: neither JUnit XML, TAP, go test -json nor cargo test",))


def test_a_failed_point_named_like_a_script_is_a_file_without_a_test() -> None:
    found = read_reports({"out.tap": b"TAP version 13\nnot ok 1 - test/a.js\nnot ok 2 - reads a.js\n1..2\n"})
    assert (found.statuses, found.uncollected) == (
        {"test/a.js": CaseStatus.ERROR, "reads a.js": CaseStatus.FAILED}, ("test/a.js",),
    )  # fmt: skip
