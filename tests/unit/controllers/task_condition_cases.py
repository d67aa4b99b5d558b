"""Statuses of TaskInstances, one for each kind of condition message, made by the real rules and reducers."""

from datetime import timedelta
from typing import Any

from builders import (
    IMAGE,
    NONCE,
    NOW,
    PREPARED,
    Json,
    a_build,
    a_pod,
    a_queued,
    a_task,
    digest,
    terminated,
    waiting,
)
from swefoundry.api.reasons import HOST_UNAVAILABLE, INTAKE_REASONS
from swefoundry.api.taskinstance import Evaluation, ResultSets, TaskInstanceStatus
from swefoundry.contracts.intake import IntakeResult
from swefoundry.controllers.steps import RunWork
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.rules import decide
from swefoundry.controllers.taskinstance.status import report
from swefoundry.controllers.taskinstance.steps import EnvBuildCreated, EnvBuildDeleted, Evaluated, Judged
from swefoundry.drafts.evaluation_command import NO_FILES_NOTE
from swefoundry.grading.verdict import Verdict
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import CollectResult, FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.pod_outcomes import PodResult

LATER = NOW + timedelta(hours=1)
LAST_ATTEMPT = Settings().max_infra_retries
READY = {"prepared": PREPARED, "image": IMAGE, "startedAt": NOW.isoformat()}
MATRIX_ENDED = [{"stage": stage, "repeat": 0, "code": 0} for stage in ("base", "before", "after")]

FAULTY_PODS: dict[str, Json] = {
    "a pod that was evicted": {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on memory.",
    },
    "a pod over its disk limit": {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "Pod ephemeral local storage usage exceeds the total limit of containers 4Gi.",
    },
    "a pod over its deadline": {"phase": "Failed", "reason": "DeadlineExceeded", "message": "too long"},
    "a pod of a lost node": {"phase": "Failed", "reason": "NodeLost", "message": "node-1 is gone"},
    "a pod that the kubelet rejected": {"phase": "Failed", "reason": "OutOfcpu", "message": "not enough cpu"},
    "a pod without a record": terminated(137),
    "a pod whose memory ran out": terminated(137, reason="OOMKilled"),
    "a process whose memory ran out": terminated(0, f'{{"nonce": "{NONCE}", "code": 0, "oomKills": 1}}'),
    "a record of another pod": terminated(0, '{"nonce": "another", "code": 0}'),
    "an entrypoint that is missing": terminated(127, "exec: swefoundry-intake: not found", "StartError"),
    "a registry that failed": terminated(30, f'{{"nonce": "{NONCE}", "code": 30, "message": "it is busy"}}'),
    "a Secret that is missing": terminated(
        14, f'{{"nonce": "{NONCE}", "code": 14, "message": "spec.source.git.tokenSecretRef: it is missing"}}'
    ),
    "an image that is missing": waiting("ErrImagePull", "manifest unknown"),
    "an image that may not be pulled": waiting("ImagePullBackOff", "401 Unauthorized"),
    "an image that cannot be pulled now": waiting("ImagePullBackOff", "i/o timeout"),
    "an image with an invalid name": waiting("InvalidImageName", "invalid reference format"),
    "a volume that is missing": waiting("ContainerCreating"),
    "a container that cannot be created": waiting("CreateContainerError", "context deadline exceeded"),
    "a node that is missing": {
        "phase": "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes fit"}
        ],
    },
}


def observed(
    status: Json | None = None, build: Any = None, pods: Any = (), now: Any = NOW, **spec: Any
) -> Observation:
    """A TaskInstance as a reconcile observes it."""
    return Observation(a_task(status, **spec), tuple(pods), build, Settings(), now)


def decided(view: Observation) -> TaskInstanceStatus:
    """The status after the decided step, whose moves change nothing but the status."""
    step = decide(view)
    moves = step.moves if isinstance(step, RunWork) else ()
    return report(view, step, [move for move in moves if isinstance(move, FailAttempt | RetryAttempt | Wait)])


def after(view: Observation, result: Any) -> TaskInstanceStatus:
    """The status after a result of the decided step."""
    return report(view, decide(view), [result])


def collect(work: str, code: int = 0) -> CollectResult:
    """A pod that ended with a record."""
    return CollectResult(Work.parse(work), a_pod(work), PodResult(code, {}, 12.0))


def statuses() -> dict[str, TaskInstanceStatus]:
    """The status of each case, by its name."""
    return {**work_statuses(), **intake_statuses(), **fault_statuses(), **verdict_statuses()}


def work_statuses() -> dict[str, TaskInstanceStatus]:
    """Work that continues."""
    preparing: Json = {"prepared": PREPARED}
    return {
        "an intake that waits for a place": after(observed(), a_queued("intake")),
        "a task whose EnvBuild waits for a place": decided(
            observed(preparing, build=a_build({"phase": "Queued"}))
        ),
        "evaluations that run": decided(observed(READY, pods=[a_pod()])),
        "a suspended task": decided(observed(suspend=True)),
        "a suspended task with a source": decided(observed(preparing, suspend=True)),
        "an intake whose image is pulled": decided(
            observed(pods=[a_pod("intake", 0, waiting("ErrImagePull", "i/o timeout"))])
        ),
        "an intake whose host is away": after(
            observed(), Wait("intake", HOST_UNAVAILABLE, "it is busy (503)")
        ),
        "a new EnvBuild": after(observed(preparing), EnvBuildCreated("task-one")),
        "an EnvBuild that works": decided(
            observed(preparing, an_env_build("Building", "round 1: in progress"))
        ),
        "evaluations that wait for a place": after(observed(READY), a_queued("before-0")),
    }


def an_env_build(reason: str, message: str, **status: Any) -> Any:
    """An EnvBuild with these conditions."""
    condition = {
        "reason": reason,
        "message": message,
        "lastTransitionTime": NOW.isoformat(),
        "status": "False",
    }
    conditions = [{"type": kind} | condition for kind in ("Ready", "Succeeded")]
    return a_build({"conditions": conditions} | status)


def intake_statuses() -> dict[str, TaskInstanceStatus]:
    """Rows that an intake rejected."""
    return {
        f"an intake that ended with code {code}": after(
            observed(),
            IntakeFinished(collect("intake", code), IntakeResult(nonce="n", code=code, message=message)),
        )
        for code, message in {
            0: "",
            **dict.fromkeys([*INTAKE_REASONS, 90], "<message of the intake>"),
        }.items()
    }


def fault_statuses() -> dict[str, TaskInstanceStatus]:
    """Work that failed for good."""
    running = [{"work": "intake", "number": LAST_ATTEMPT, "pod": "p", "uid": "of-another", "memoryFactor": 2}]
    broken = {
        what: decided(observed({"running": running}, pods=[a_pod("intake", LAST_ATTEMPT, status)], now=LATER))
        for what, status in FAULTY_PODS.items()
    }
    ended = an_env_build("DraftsExhausted", "2 drafts tried", finishedAt=NOW.isoformat())
    evaluation = Evaluation(stage="before", repeat=0, code=1)
    return broken | {
        "a pod that disappeared": decided(observed({"running": running})),
        "an EnvBuild without an image": decided(observed({"prepared": PREPARED}, ended)),
        "an EnvBuild that was deleted": after(observed(READY), EnvBuildDeleted("task-one")),
        "an evaluation with a network": after(
            observed(READY), Evaluated(collect("before-0", 1), evaluation, network_open=True)
        ),
    }


def verdict_statuses() -> dict[str, TaskInstanceStatus]:
    """Rows that got a verdict."""
    view = observed(READY | {"evaluations": MATRIX_ENDED})
    sets = ResultSets(fail_to_pass=1, pass_to_pass=2)
    verdicts = {
        f"the verdict {verdict.value}": after(view, Judged(verdict, sets, digest("c"))) for verdict in Verdict
    }
    judged = Judged(Verdict.PASS2PASS, sets, digest("c"), note=NO_FILES_NOTE)
    return verdicts | {"a verdict without a test file": after(view, judged)}
