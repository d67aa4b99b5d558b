"""How a step and its results change the status. Pure: the old status in, the new one out."""

from collections.abc import Mapping, Sequence

from swefoundry.api import conditions, reasons
from swefoundry.api.conditions import READY, SUCCEEDED, VALIDATED, State
from swefoundry.api.taskinstance import Evaluation, Phase, Prepared, TaskInstanceStatus
from swefoundry.contracts.exit_codes import Code
from swefoundry.contracts.stages import MATRIX
from swefoundry.controllers.condition_messages import (
    isolation_sentence,
    refused_intake,
    surrendered,
    waiting_sentence,
)
from swefoundry.controllers.status import FAILED, Why, begun, closed, finished, followed, under_way, updated
from swefoundry.controllers.steps import Rest
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    AwaitEnvironment,
    EnvironmentGone,
    EnvironmentOrdered,
    Evaluated,
    Fail,
    Judged,
    Result,
    Step,
    evaluation_of,
)
from swefoundry.grading.verdict import SENTENCES, Verdict
from swefoundry.workloads.decide import Await, Replace, Surrender
from swefoundry.workloads.intake.launch import INTAKE, TakenIn
from swefoundry.workloads.lifecycle import Launched, Queued, ended
from swefoundry.workloads.pod_outcomes import Blame

Status = TaskInstanceStatus

VERDICT_REASONS = {
    Verdict.FAIL2PASS: reasons.FAIL2PASS,
    Verdict.FAIL2FAIL: reasons.FAIL2FAIL,
    Verdict.PASS2PASS: reasons.PASS2PASS,
    Verdict.PASS2FAIL: reasons.PASS2FAIL,
    Verdict.ERROR2PASS: reasons.ERROR2PASS,
    Verdict.FLAKY: reasons.FLAKY,
    Verdict.INCONCLUSIVE: reasons.INCONCLUSIVE,
}

GONE = (
    "EnvBuild {} was deleted before the verdict, and with it how the tests are run; "
    "delete and re-create the TaskInstance"
)

GRADED_BLAMES = frozenset({Blame.LIMIT, Blame.TAMPERING})
"""Faults that the task itself caused: its matrix is inconclusive. All others say nothing about the task."""


def report(observed: Observation, step: Step, results: Sequence[Result]) -> Status:
    """The status after the step."""
    if isinstance(step, Rest):
        return observed.task.status
    status = _environment(begun(observed.task.status, observed.stamp), observed)
    for result in results:
        status = _apply(status, result, observed)
        if status.finished_at is not None:
            # What else was started or collected is of no use any more; pods that nothing speaks of are let go.
            return status
    if isinstance(step, Fail):
        return failed(status, (step.reason, step.message), observed)
    return _under_way(status, step, results, observed)


def _apply(status: Status, result: Result, observed: Observation) -> Status:
    match result:
        case Launched() | Await() | Replace():
            return followed(status, result)
        case Surrender():
            return _surrendered(status, result, observed)
        case _:
            return _achieved(status, result, observed)


def _achieved(status: Status, result: Result, observed: Observation) -> Status:
    match result:
        case TakenIn():
            return _taken_in(status, result, observed)
        case Evaluated():
            return _evaluated(status, result, observed)
        case EnvironmentOrdered(name):
            return updated(status, env_build=name)
        case EnvironmentGone(name):
            return failed(status, (reasons.ENVIRONMENT_FAILED, GONE.format(name)), observed)
        case Judged():
            return _judged(status, result, observed)
        case _:
            return status


def _environment(status: Status, observed: Observation) -> Status:
    build = observed.build
    if build is None:
        return status
    made = build.status
    return updated(
        status,
        env_build=build.name,  # a crash may have come between its creation and our word of it
        strategy=made.strategy or status.strategy,
        round=len(made.rounds) or None,
        image=observed.image,
    )


def _taken_in(status: Status, result: TakenIn, observed: Observation) -> Status:
    record = result.record
    status = closed(status, ended(result.move, record.message))
    if record.code != Code.OK or record.source is None or record.facts is None:
        return failed(status, refused_intake(record), observed)
    prepared = Prepared(
        source=record.source,
        layers=record.layers,
        facts=record.facts,
        fingerprint=record.fingerprint,
        language=record.language,
        test_files=record.test_files,
    )
    return updated(status, prepared=prepared)


def _evaluated(status: Status, result: Evaluated, observed: Observation) -> Status:
    evaluation = result.evaluation
    status = closed(status, ended(result.move, evidence=evaluation.evidence))
    status = updated(status, evaluations=_matrix_with(status, evaluation))
    if result.network_open:
        return failed(status, (reasons.NETWORK_OPEN, isolation_sentence("evaluation pods")), observed)
    return status


def _surrendered(status: Status, move: Surrender, observed: Observation) -> Status:
    status = closed(status, move.ended)
    if move.work == INTAKE or move.fault.blame not in GRADED_BLAMES:
        return failed(status, surrendered(move), observed)
    stage, repeat = evaluation_of(move.work)
    evaluation = Evaluation(stage=stage, repeat=repeat, fault=move.fault.reason)
    return updated(status, evaluations=_matrix_with(status, evaluation))


def _matrix_with(status: Status, evaluation: Evaluation) -> list[Evaluation]:
    others = [x for x in status.evaluations if (x.stage, x.repeat) != (evaluation.stage, evaluation.repeat)]
    return sorted([*others, evaluation], key=lambda item: (item.repeat, MATRIX.index(item.stage)))


def _judged(status: Status, result: Judged, observed: Observation) -> Status:
    verdict = result.verdict
    valid = verdict is Verdict.FAIL2PASS
    reason, message = VERDICT_REASONS[verdict], SENTENCES[verdict]
    if result.remark and not valid:
        message = f"{message}; {result.remark}"
    phase: Phase = "Validated" if valid else "Rejected"
    states: Mapping[str, State] = {READY: "True", SUCCEEDED: "True", VALIDATED: "True" if valid else "False"}
    status = updated(status, verdict=verdict.value, tests=result.tests, evidence=result.bundle)
    return finished(status, phase, states, (reason, message), observed.stamp)


def failed(status: Status, why: Why, observed: Observation) -> Status:
    """Work ended without a verdict."""
    return finished(status, "Failed", {**FAILED, VALIDATED: "Unknown"}, why, observed.stamp)


def _under_way(status: Status, step: Step, results: Sequence[Result], observed: Observation) -> Status:
    phase, reason = _phase(status, results)
    unknown: Mapping[str, State] = {SUCCEEDED: "Unknown", VALIDATED: "Unknown"}
    return under_way(status, phase, unknown, (reason, _message(step, results, observed)), observed.stamp)


def _phase(status: Status, results: Sequence[Result]) -> tuple[Phase, str]:
    suspended = any(isinstance(item, Await) and item.reason == reasons.SUSPENDED for item in results)
    if suspended and not status.running:
        return "Suspended", reasons.SUSPENDED
    if status.prepared is None:
        waiting = any(isinstance(item, Queued) for item in results) and not status.running
        return ("Pending", reasons.QUEUED) if waiting else ("Intake", reasons.INTAKE)
    if status.image is None:
        return "Preparing", reasons.PREPARING
    return "Validating", reasons.VALIDATING


def _message(step: Step, results: Sequence[Result], observed: Observation) -> str:
    if isinstance(step, AwaitEnvironment) and observed.build is not None:
        _, message = conditions.reason_of(observed.build.status.conditions, READY)
        return f"EnvBuild {observed.build.name}: {message}"
    return waiting_sentence(results)
