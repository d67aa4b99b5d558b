"""What the analyst is shown of the tests of a round, and of the lines that their stacks name."""

from pathlib import Path

import pytest

from swefoundry.programs.agent.stack_lines import StackLines, lines_of_stacks
from swefoundry.programs.agent.stage_results import CaseSet, StageResults, read_stage_report
from unit.programs.agent.agent_inputs import a_tree


def junit(**failures: str) -> dict[str, bytes]:
    """A report of tests by name, each with the text of its failure; empty: passed."""
    cases = (
        f'<testcase classname="calc" name="{name}">{text and f"<failure>{text}</failure>"}</testcase>'
        for name, text in failures.items()
    )
    return {"report.xml": f"<testsuite name='any'>{''.join(cases)}</testsuite>".encode()}


def results(before: dict[str, bytes], after: dict[str, bytes]) -> StageResults:
    return StageResults({"before": read_stage_report(before), "after": read_stage_report(after)})


def test_the_sets_have_the_tests_that_turn_and_those_that_fail_on_both_trees() -> None:
    found = results(junit(one="E  no", two="E  no", three=""), junit(one="", two="E  no", three="E  no"))
    assert found.sets == (
        CaseSet("fail before the fix, pass after it", 1, ("calc::one",)),
        CaseSet("pass before the fix, fail after it", 1, ("calc::three",)),
        CaseSet("fail before and after the fix", 1, ("calc::two",)),
    )
    assert (found.counts["before"].failed, found.counts["after"].passed) == (2, 1)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (
            "def test():\n&gt;   assert add(1) == 3\nE   assert 2 == 3\nE    +  where 2 = add(1)",
            "assert 2 == 3",
        ),
        (
            "Error\n  expected: '07:00'\n  actual: '12:00'\n  at x.js:3:1",
            "expected: '07:00'\nactual: '12:00'",
        ),
        ("TypeError: f is not a function\n  at x.js:3:1", "TypeError: f is not a function"),
    ],
)
def test_the_head_of_a_failure_has_what_was_expected_and_what_came(text: str, head: str) -> None:
    (failure,) = results(junit(one=text), junit(one=text)).failures
    assert failure.test == "calc::one" and failure.head.startswith(head)


def test_reports_that_cannot_be_read_show_nothing() -> None:
    found = results(
        {"report.xml": b"<testsuite><testcase"}, {"report.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}
    )
    assert (found.counts, found.sets, found.failures, found.stack_texts) == ({}, (), (), ())


def test_stacks_are_those_of_the_tree_without_the_fix_where_the_same_test_fails_there() -> None:
    assert results(junit(one="at a.js:1:1"), junit(one="at a.js:9:1")).stack_texts == ("at a.js:1:1",)
    assert results(junit(one=""), junit(one="at a.js:9:1")).stack_texts == ("at a.js:9:1",)


STACKS = [
    'File "/testbed/calc/core.py", line 5, in add',
    "calc/core.py:5: in add",
    "    at Object.add (/testbed/calc/core.py:5:17)",
    "thread 'add' panicked at calc/core.py:5:9:",
]


@pytest.mark.parametrize("stack", STACKS)
def test_the_lines_around_a_frame_are_shown(tmp_path: Path, stack: str) -> None:
    tree = a_tree(tmp_path, {"calc/core.py": "".join(f"line {number}\n" for number in range(1, 10))})
    text = "\n".join(f"{number}\tline {number}" for number in range(2, 9))
    assert lines_of_stacks(tree, [stack], ()) == (StackLines("calc/core.py", 5, text),)


def test_only_lines_of_the_repository_are_shown_and_each_place_once(tmp_path: Path) -> None:
    tree = a_tree(tmp_path, {"a.py": "one\ntwo\n", "tests/test_a.py": "x\n", "image.png": b"\0"})
    stack = "a.py:1: in f\na.py:2: in g\n/usr/lib/python3/a.py:1:\n../../etc/passwd:1:\ntests/test_a.py:1:\n"
    shown = lines_of_stacks(tree, [stack + "image.png:1:\na.py:99999999999999999999:"], ["tests/test_a.py"])
    assert [(each.path, each.line) for each in shown] == [("a.py", 1)]
