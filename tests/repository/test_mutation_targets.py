"""The mutation run names modules and tests that exist, and reads mutmut's names."""

from pathlib import Path

import pytest

from mutation import MODULES, TESTS, Survivor, function_of, without_sentences

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", [*(f"operator/swefoundry/{module}" for module in MODULES), *TESTS])
def test_what_the_run_names_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("swefoundry.grading.verdict.x_grade__mutmut_3", "grading.verdict.grade"),
        ("swefoundry.workloads.decide.x__first_move__mutmut_12", "workloads.decide._first_move"),
        ("swefoundry.workloads.decide.xǁWorkStateǁpod__mutmut_2", "workloads.decide.WorkState.pod"),
    ],
)
def test_functions_are_named_as_in_the_code(name: str, function: str) -> None:
    assert function_of(name) == function


def test_a_survivor_is_argued_by_its_function_and_its_changed_line() -> None:
    rows = ["| `grading.verdict.grade` | `return None` | because |"]
    assert Survivor("grading.verdict.grade", "return None", "").argued_in(rows)
    assert not Survivor("grading.verdict.grade", "return 1", "").argued_in(rows)
    assert not Survivor("grading.verdict.worst", "return None", "").argued_in(rows)


def test_changed_sentences_are_recognised() -> None:
    assert without_sentences('f("Reason", "no node", x)') == 'f("Reason", , x)'
