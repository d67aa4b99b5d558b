"""How a step and its results change the status. Pure: the old status in, the new one out."""

from collections.abc import Sequence
from typing import Any

from swefoundry.api import conditions, reasons
from swefoundry.api.conditions import READY, RECONCILING, STALLED, SUCCEEDED, VALIDATED, condition
from swefoundry.api.parts import Attempt, Condition
from swefoundry.api.taskinstance import Evaluation, Phase, Prepared, TaskInstanceStatus
from swefoundry.attempts.act import Launched, Queued, ended
from swefoundry.attempts.decide import Await, Replace, Surrender
from swefoundry.attempts.report import (
    BLAMED,
    duration,
    fault_sentence,
    history_with,
    is_infrastructure,
    isolation_sentence,
    running_with,
    waiting_sentence,
    without,
)
from swefoundry.domain.codes import Code
from swefoundry.domain.grading import SENTENCES, Verdict
from swefoundry.domain.outcomes import Blame
from swefoundry.domain.stages import MATRIX
from swefoundry.taskinstance.observe import Observation
from swefoundry.taskinstance.steps import (
    INTAKE,
    AwaitEnvironment,
    EnvironmentGone,
    EnvironmentOrdered,
    Evaluated,
    Fail,
    Judged,
    Rest,
    Result,
    Step,
    TakenIn,
    evaluation_of,
)

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


def report(seen: Observation, step: Step, results: Sequence[Result]) -> Status:
    """The status after the step."""
    if isinstance(step, Rest):
        return seen.task.status
    status = _with(seen.task.status, observed_generation=seen.task.generation)
    if status.started_at is None:
        status = _with(status, started_at=seen.now)
    status = _environment(status, seen)
    for result in results:
        status = _apply(status, result, seen)
        if status.finished_at is not None:
            # What else was started or collected is of no use any more; pods that nothing speaks of are let go.
            return status
    if isinstance(step, Fail):
        return failed(status, step.reason, step.message, seen)
    return _under_way(status, step, results, seen)


def _apply(status: Status, result: Result, seen: Observation) -> Status:
    match result:
        case Launched(attempt) | Await(adopted=Attempt() as attempt):
            return _with(status, running=running_with(status.running, attempt))
        case Replace(ended=over, planned=planned):
            return _with(
                status,
                running=running_with(status.running, planned),
                attempts=history_with(status.attempts, over),
                infra_retries=status.infra_retries + is_infrastructure(over),
            )
        case Surrender():
            return _surrendered(status, result, seen)
        case _:
            return _achieved(status, result, seen)


def _achieved(status: Status, result: Result, seen: Observation) -> Status:
    match result:
        case TakenIn():
            return _taken_in(status, result, seen)
        case Evaluated():
            return _evaluated(status, result, seen)
        case EnvironmentOrdered(name):
            return _with(status, env_build=name)
        case EnvironmentGone(name):
            return failed(status, reasons.ENVIRONMENT_FAILED, GONE.format(name), seen)
        case Judged():
            return _judged(status, result, seen)
        case _:
            return status


def _environment(status: Status, seen: Observation) -> Status:
    build = seen.build
    if build is None:
        return status
    made = build.status
    return _with(
        status,
        env_build=build.name,  # a crash may have come between its creation and our word of it
        strategy=made.strategy or status.strategy,
        round=len(made.rounds) or None,
        image=seen.image,
    )


def _taken_in(status: Status, result: TakenIn, seen: Observation) -> Status:
    record = result.record
    status = _with(
        status,
        running=without(status.running, INTAKE),
        attempts=history_with(
            status.attempts, ended(result.move).model_copy(update={"message": record.message[:2048] or None})
        ),
    )
    if record.code != Code.OK or record.source is None or record.facts is None:
        reason = reasons.INTAKE_REASONS.get(record.code, reasons.DEFECT)
        return failed(status, reason, record.message or f"intake ended with code {record.code}", seen)
    prepared = Prepared(
        source=record.source,
        layers=record.layers,
        facts=record.facts,
        fingerprint=record.fingerprint,
        language=record.language,
        test_files=record.test_files,
    )
    return _with(status, prepared=prepared)


def _evaluated(status: Status, result: Evaluated, seen: Observation) -> Status:
    move, evaluation = result.move, result.evaluation
    status = _with(
        status,
        running=without(status.running, move.work),
        attempts=history_with(status.attempts, ended(move, evaluation.evidence)),
        evaluations=_matrix_with(status, evaluation),
    )
    if result.network_open:
        return failed(status, reasons.NETWORK_OPEN, isolation_sentence("evaluation pods"), seen)
    return status


def _surrendered(status: Status, move: Surrender, seen: Observation) -> Status:
    status = _with(
        status, running=without(status.running, move.work), attempts=history_with(status.attempts, move.ended)
    )
    if move.work == INTAKE or move.fault.blame not in GRADED_BLAMES:
        return failed(status, BLAMED[move.fault.blame], fault_sentence(move), seen)
    stage, repeat = evaluation_of(move.work)
    return _with(
        status,
        evaluations=_matrix_with(status, Evaluation(stage=stage, repeat=repeat, fault=move.fault.reason)),
    )


def _matrix_with(status: Status, evaluation: Evaluation) -> list[Evaluation]:
    others = [x for x in status.evaluations if (x.stage, x.repeat) != (evaluation.stage, evaluation.repeat)]
    return sorted([*others, evaluation], key=lambda item: (item.repeat, MATRIX.index(item.stage)))


def _judged(status: Status, result: Judged, seen: Observation) -> Status:
    verdict = result.verdict
    valid = verdict is Verdict.FAIL2PASS
    reason, message = VERDICT_REASONS[verdict], SENTENCES[verdict]
    if result.remark and not valid:
        message = f"{message}; {result.remark}"
    stamp = (seen.task.generation, seen.now)
    new = [
        condition(READY, "True", reason, message, stamp),
        condition(SUCCEEDED, "True", reason, message, stamp),
        condition(VALIDATED, "True" if valid else "False", reason, message, stamp),
    ]
    return _finished(
        status,
        seen,
        "Validated" if valid else "Rejected",
        new,
        verdict=verdict.value,
        tests=result.tests,
        evidence=result.bundle,
    )


def failed(status: Status, reason: str, message: str, seen: Observation) -> Status:
    """Work ended without a verdict."""
    stamp = (seen.task.generation, seen.now)
    new = [
        condition(READY, "False", reason, message, stamp),
        condition(SUCCEEDED, "False", reason, message, stamp),
        condition(STALLED, "True", reason, message, stamp),
        condition(VALIDATED, "Unknown", reason, message, stamp),
    ]
    return _finished(status, seen, "Failed", new)


def _finished(status: Status, seen: Observation, phase: Phase, new: list[Condition], **fields: Any) -> Status:
    return _with(
        status,
        phase=phase,
        conditions=conditions.merged(status.conditions, new, absent=[RECONCILING, STALLED]),
        running=[],
        finished_at=seen.now,
        duration=duration(status.started_at, seen.now),
        **fields,
    )


def _under_way(status: Status, step: Step, results: Sequence[Result], seen: Observation) -> Status:
    phase, reason = _phase(status, results)
    message = _message(step, results, seen)
    stamp = (seen.task.generation, seen.now)
    new = [
        condition(READY, "False", reason, message, stamp),
        condition(RECONCILING, "True", reason, message, stamp),
        condition(SUCCEEDED, "Unknown", reason, "", stamp),
        condition(VALIDATED, "Unknown", reason, "", stamp),
    ]
    return _with(status, phase=phase, conditions=conditions.merged(status.conditions, new, absent=[STALLED]))


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


def _message(step: Step, results: Sequence[Result], seen: Observation) -> str:
    if isinstance(step, AwaitEnvironment) and seen.build is not None:
        _, message = conditions.reason_of(seen.build.status.conditions, READY)
        return f"EnvBuild {seen.build.name}: {message}"
    queued = [Await(item.work, reasons.QUEUED) for item in results if isinstance(item, Queued)]
    waits = [item for item in results if isinstance(item, Await)]
    return waiting_sentence([*queued, *waits])


def _with(status: Status, **fields: Any) -> Status:
    return status.model_copy(update=fields)
