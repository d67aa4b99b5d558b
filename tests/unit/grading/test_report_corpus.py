"""Report files that the runner (images/runner, in Go) and the operator read: both must agree byte for byte.

``images/runner/corpus_test.go`` reads the same expectations.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.report_text import PIECE_BYTES

CORPUS = Path(__file__).parents[2] / "fixtures" / "reports"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text())


def results_in(name: str) -> dict[str, Any]:
    reports = read_reports({name: (CORPUS / name).read_bytes()})
    return {
        "tests": dict(reports.statuses),
        "uncollected": list(reports.uncollected),
        "unreadable": reports.unreadable,
    }


def test_every_report_has_an_expectation() -> None:
    assert {path.name for path in CORPUS.iterdir()} == {*EXPECTED, "expected.json"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_report_is_read_as_the_runner_reads_it(name: str) -> None:
    assert results_in(name) == EXPECTED[name]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("before", range(0, 60, 4))
def test_where_a_large_file_is_divided_makes_no_difference(before: int, encoding: str) -> None:
    """Nothing that is replaced as a whole is lost at the end of a piece."""
    start, names = "<testsuite>", "<testcase name='&#x1B;[31mé&#7;\x1b[0m😀&lt;'/></testsuite>"
    padding = " " * (PIECE_BYTES // len(" ".encode(encoding)) - len(start) - before)
    reports = read_reports({"r.xml": f"{start}{padding}{names}".encode(encoding)})
    assert (dict(reports.statuses), reports.problems) == ({"é\\x07😀<": "passed"}, ())
