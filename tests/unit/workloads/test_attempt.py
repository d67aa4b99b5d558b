"""Names of work: one text per work, which pods, statuses and tags have carried since the first release."""

import pytest

from swefoundry.contracts.controls import ControlName
from swefoundry.contracts.stages import Stage
from swefoundry.workloads.attempt import (
    INTAKE_WORK,
    LEAKS_WORK,
    Role,
    Work,
    WorkKind,
    control_work,
    evaluation_work,
)

WORKS = {
    "intake": (INTAKE_WORK, Role.INTAKE),
    "checkout-1": (Work(WorkKind.CHECKOUT, 1), Role.INTAKE),
    "leaks-0": (LEAKS_WORK, Role.INTAKE),
    "build-2": (Work(WorkKind.BUILD, 2), Role.BUILD),
    "agent-3": (Work(WorkKind.AGENT, 3), Role.AGENT),
    "before-0": (evaluation_work(Stage.BEFORE, 0), Role.EVALUATION),
    "after-12": (evaluation_work(Stage.AFTER, 12), Role.EVALUATION),
    "base-0": (evaluation_work(Stage.BASE, 0), Role.EVALUATION),
    "shuffled-0": (control_work(ControlName.SHUFFLED), Role.EVALUATION),
    "clock-0": (control_work(ControlName.CLOCK), Role.EVALUATION),
    "mutant-7": (control_work(ControlName.MUTATED_GOLD, 7), Role.EVALUATION),
    "cpu-4": (control_work(ControlName.CPU, 4), Role.EVALUATION),
}


@pytest.mark.parametrize(("text", "expected"), WORKS.items(), ids=list(WORKS))
def test_a_work_and_its_text_give_each_other(text, expected):
    work, role = expected
    assert (str(work), Work.parse(text), work.role) == (text, work, role)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "intake-0",
        "build",
        "build-",
        "build-x",
        "build--1",
        "build-²",
        "evaluation-0",
        "probe-1",
        "-0",
        "control-0",
        "nullpatch-0",
        "mutatedgold-0",
    ],
)
def test_a_text_that_names_no_work_is_an_error(text):
    with pytest.raises(ValueError):
        Work.parse(text)


def test_only_an_evaluation_has_a_stage_and_that_of_a_control_is_after():
    assert evaluation_work(Stage.BEFORE, 0).evaluated_stage is Stage.BEFORE
    assert control_work(ControlName.CPU, 2).evaluated_stage is Stage.AFTER
    with pytest.raises(ValueError, match="build-0 is no evaluation"):
        _ = Work(WorkKind.BUILD).evaluated_stage
