"""Rules for tasks that are being deleted or suspended."""

from builders import IMAGE, NOW, PREPARED, a_build, a_task, digest, task_body
from swefoundry.api import reasons
from swefoundry.api.resource import parse_task_instance
from swefoundry.controllers.steps import NoOp, RunWork
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.rules import decide
from swefoundry.settings import Settings
from swefoundry.workloads.decide import Wait

BUILT = a_build({"image": digest("b"), "draft": digest("d"), "finishedAt": "2026-01-01T11:00:00Z"})


def test_a_task_that_is_being_deleted_is_left_alone() -> None:
    body = task_body()
    body["metadata"]["deletionTimestamp"] = "2026-01-01T11:59:00Z"
    assert decide(Observation(parse_task_instance(body), (), None, Settings(), NOW)) == NoOp()


def test_a_suspended_task_creates_no_env_build_and_says_so() -> None:
    task = a_task({"prepared": PREPARED}, suspend=True)
    step = decide(Observation(task, (), None, Settings(), NOW))
    assert step == RunWork((Wait("environment", reasons.SUSPENDED),))


def test_a_suspended_task_starts_no_evaluation() -> None:
    task = a_task({"prepared": PREPARED, "image": IMAGE}, suspend=True)
    step = decide(Observation(task, (), BUILT, Settings(), NOW))
    assert isinstance(step, RunWork)
    assert [(move.subject, getattr(move, "reason", None)) for move in step.moves] == [
        ("base-0", reasons.SUSPENDED),
        ("before-0", reasons.SUSPENDED),
        ("after-0", reasons.SUSPENDED),
    ]
