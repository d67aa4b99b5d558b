"""Rules of a TaskInstance, one by one."""

from datetime import timedelta

import pytest

from builders import IMAGE, NOW, PREPARED, a_build, a_pod, a_task, digest
from swefoundry.controllers.steps import NoOp, RunWork
from swefoundry.controllers.taskinstance import rules
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.rules import decide
from swefoundry.controllers.taskinstance.steps import (
    CreateEnvBuild,
    DeleteTask,
    Fail,
    Judge,
    WaitForEnvBuild,
)
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import StartPod, Wait

ENDED = {"finishedAt": "2026-01-01T11:00:00Z"}


def starting(*works):
    return RunWork(tuple(StartPod(Work.parse(work)) for work in works))


def observed(task, build=None, pods=()):
    return Observation(task, tuple(pods), build, Settings(), NOW)


def evaluations(**codes):
    return [{"stage": stage, "repeat": 0, "code": code} for stage, code in codes.items()]


def ready(status=None):
    return a_build({"image": digest("b"), "draft": digest("d")} | ENDED | (status or {}))


def test_a_new_task_starts_with_intake():
    assert decide(observed(a_task())) == RunWork((StartPod(Work.parse("intake")),))


def test_a_suspended_task_starts_nothing():
    step = decide(observed(a_task(suspend=True)))
    assert (
        isinstance(step, RunWork) and isinstance(step.moves[0], Wait) and step.moves[0].reason == "Suspended"
    )


def test_a_suspended_task_keeps_the_results_of_running_pods():
    step = decide(observed(a_task(suspend=True), pods=[a_pod("intake")]))
    assert isinstance(step, RunWork) and isinstance(step.moves[0], Wait) and step.moves[0].reason == "Pending"


def test_a_prepared_source_gets_an_envbuild():
    assert decide(observed(a_task({"prepared": PREPARED}))) == CreateEnvBuild()


def test_an_unfinished_envbuild_is_waited_for():
    assert decide(observed(a_task({"prepared": PREPARED}), a_build())) == WaitForEnvBuild()


def test_an_environment_without_an_image_fails_the_task_with_its_reason():
    condition = {
        "type": "Succeeded",
        "status": "False",
        "reason": "DraftsExhausted",
        "message": "3 drafts tried",
        "lastTransitionTime": "2026-01-01T11:00:00Z",
    }
    build = a_build(ENDED | {"conditions": [condition]})
    step = decide(observed(a_task({"prepared": PREPARED}), build))
    assert step == Fail("EnvironmentNotBuilt", "EnvBuild task-one: DraftsExhausted: 3 drafts tried")


def test_an_image_is_evaluated_on_the_whole_matrix_at_once():
    step = decide(observed(a_task({"prepared": PREPARED, "image": IMAGE}), ready()))
    assert step == RunWork(
        (StartPod(Work.parse("base-0")), StartPod(Work.parse("before-0")), StartPod(Work.parse("after-0")))
    )


def test_only_what_is_missing_is_evaluated():
    status = {"prepared": PREPARED, "image": IMAGE, "evaluations": evaluations(base=0, after=0)}
    assert decide(observed(a_task(status), ready())) == RunWork((StartPod(Work.parse("before-0")),))


VALID = {"prepared": PREPARED, "image": IMAGE, "evaluations": evaluations(base=0, before=1, after=0)}
SEARCHED = {"controls": [{"name": "Leaks", "result": "Unknown"}]}


def test_the_image_of_a_valid_matrix_is_searched_for_leaks():
    assert decide(observed(a_task(VALID), ready())) == starting("leaks-0")


def test_a_matrix_that_only_single_tests_can_make_valid_is_searched_for_leaks():
    hangs = evaluations(base=0, before=22, after=0)
    assert decide(observed(a_task(VALID | {"evaluations": hangs}), ready())) == starting("leaks-0")
    first, second = (
        [item | {"repeat": repeat, "outcomes": letter * 64} for item in evaluations(before=1, after=1)]
        for repeat, letter in enumerate("ab")
    )
    unstable = {"evaluations": [*evaluations(base=0), *first, *second]}
    task = a_task(VALID | unstable, validation={"repeats": 2})
    assert decide(observed(task, ready())) == starting("leaks-0")


@pytest.mark.parametrize(
    ("status", "spec"),
    [
        (VALID | SEARCHED, {}),
        (VALID, {"validation": {"controls": ["NullPatch"]}}),
        (VALID | {"evaluations": evaluations(base=0, before=1, after=1)}, {}),
    ],
    ids=["searched already", "not asked for", "not valid"],
)
def test_a_full_matrix_is_judged(status, spec):
    assert decide(observed(a_task(status, **spec), ready())) == Judge()


def test_a_finished_task_needs_nothing():
    assert decide(observed(a_task(ENDED))) == NoOp()


@pytest.mark.parametrize(("ttl", "step"), [(3600, DeleteTask()), (3601, NoOp())])
def test_a_finished_task_is_deleted_after_its_ttl(ttl, step):
    finished = {"finishedAt": (NOW - timedelta(hours=1)).isoformat()}
    assert decide(observed(a_task(finished, ttlSecondsAfterFinished=ttl))) == step


def test_the_order_of_the_rules_is_the_lifecycle():
    assert [rule.__name__ for rule in rules.RULES] == [
        "deleted_tasks_are_ignored",
        "expired_tasks_are_deleted",
        "failed_tasks_are_restarted",
        "finished_tasks_rest",
        "sources_are_taken_in",
        "env_builds_are_created",
        "restarted_env_builds_are_awaited",
        "env_builds_are_awaited",
        "tasks_without_environment_fail",
        "stages_are_evaluated",
        "controls_are_evaluated",
        "images_are_searched_for_leaks",
        "matrices_are_judged",
    ]
