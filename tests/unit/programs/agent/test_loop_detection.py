"""Repetition is detected, however numbers, paths and hashes differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.programs.agent.loop_detection import (
    LoopReaction,
    call_key,
    draft_key,
    failure_signature,
    loop_reaction,
    without_run_details,
)
from unit.programs.agent.agent_inputs import DOCKERFILE, a_draft

SAME = [
    ("numbers", "ERROR: 3 failed, 17 passed in 4.31s", "ERROR: 4 failed, 2 passed in 120.00s"),
    (
        "paths",
        "error: /tmp/pip-install-x1/foo/setup.py failed",
        "error: /tmp/pip-install-zz/foo/setup.py failed",
    ),
    ("addresses", "ERROR at <Thing object at 0x7f12ab>", "ERROR at <Thing object at 0x55aa00>"),
    ("times", "2024-01-02T03:04:05Z ERROR no", "2025-11-12 13:14:15.123 ERROR no"),
    ("hashes", "ERROR sha256:" + "ab12" * 16, "ERROR sha256:" + "cd34" * 16),
    ("rulers", "==== ERRORS ====\nERROR x", "======== ERRORS ========\nERROR x"),
]
DIFFERENT = [
    ("modules", "ModuleNotFoundError: No module named 'yaml'", "ModuleNotFoundError: No module named 'six'"),
    ("tests", "FAILED tests/a.py::test_add", "FAILED tests/a.py::test_sub"),
]


@pytest.mark.parametrize(("one", "other"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_equal_failures_have_equal_signatures(one: str, other: str) -> None:
    assert failure_signature("StepFailed", one) == failure_signature("StepFailed", other)


@pytest.mark.parametrize(
    ("one", "other"), [case[1:] for case in DIFFERENT], ids=[case[0] for case in DIFFERENT]
)
def test_different_failures_have_different_signatures(one: str, other: str) -> None:
    assert failure_signature("AfterFailed", one) != failure_signature("AfterFailed", other)


def test_the_outcome_is_part_of_the_signature() -> None:
    assert failure_signature("StepFailed", "ERROR x") != failure_signature("AfterFailed", "ERROR x")


@given(st.text())
def test_removing_run_details_twice_keeps_the_number_of_lines(text: str) -> None:
    assert len(without_run_details(text).splitlines()) <= len(text.splitlines())


@pytest.mark.parametrize(
    ("signatures", "step"),
    [
        ([], LoopReaction.CONTINUE),
        (["a"], LoopReaction.CONTINUE),
        (["a", "b"], LoopReaction.CONTINUE),
        (["a", "a"], LoopReaction.NEXT_MODEL),
        (["a", "b", "a"], LoopReaction.NEXT_MODEL),
        (["a", "b", "a", "b", "a"], LoopReaction.NEXT_MODEL_OR_STOP),
        (["a", "a", "a", "b"], LoopReaction.CONTINUE),
    ],
)
def test_the_second_occurrence_of_a_failure_uses_the_next_model_and_the_third_may_stop(
    signatures: list[str], step: LoopReaction
) -> None:
    assert loop_reaction(signatures) is step


def test_drafts_that_build_and_run_alike_have_the_same_key() -> None:
    commented = "# a comment\n\n" + DOCKERFILE.replace("\n", "  \n")
    assert draft_key(a_draft(commented, "python -m  pytest -q --junitxml=report.xml {files}")) == draft_key(
        a_draft()
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"dockerfile": DOCKERFILE + "RUN true\n"},
        {"command": "pytest {files}"},
        {"rebuild_command": "make"},
        {"reports": []},
        {"error_exit_codes": [5]},
    ],
)
def test_any_relevant_change_gives_another_key(changed: dict[str, object]) -> None:
    assert draft_key(a_draft(**changed)) != draft_key(a_draft())


def test_tool_calls_are_compared_by_their_arguments() -> None:
    assert call_key("read", '{"path": "a", "lines": 3}') == call_key("read", '{"lines":3,"path":"a"}')
    assert call_key("read", "{broken") != call_key("read", "{}")
    assert call_key("list", "") == call_key("list", "{}")
