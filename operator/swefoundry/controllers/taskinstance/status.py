"""Status of a TaskInstance after a step: the old status and the results in, the new status out. Pure."""

from collections.abc import Mapping, Sequence

from swefoundry.api import conditions, reasons
from swefoundry.api.conditions import READY, SUCCEEDED, VALIDATED, ConditionStatus
from swefoundry.api.taskinstance import ControlEvaluation, Evaluation, Phase, Prepared, TaskInstanceStatus
from swefoundry.contracts.controls import ControlName, control_result
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.stages import MATRIX
from swefoundry.controllers.condition_messages import (
    failure_reason,
    intake_rejection,
    isolation_message,
    wait_message,
)
from swefoundry.controllers.status import (
    FAILED_STATES,
    ReasonMessage,
    close_attempt,
    is_queued,
    mark_finished,
    mark_started,
    mark_working,
    restart,
    track_attempt,
    waits_for_host,
    with_fields,
)
from swefoundry.controllers.steps import NoOp, Restart
from swefoundry.controllers.taskinstance.control_works import with_control_evaluation
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    ControlEvaluated,
    EnvBuildCreated,
    EnvBuildDeleted,
    Evaluated,
    Fail,
    Judged,
    LeaksSearched,
    Result,
    Step,
    WaitForEnvBuild,
)
from swefoundry.grading.verdict import VERDICT_MESSAGES, MatrixCell, Verdict, inconclusive_cause
from swefoundry.workloads.attempt import INTAKE_WORK, LEAKS_WORK
from swefoundry.workloads.decide import FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted, finished_attempt
from swefoundry.workloads.pod_outcomes import FaultCategory

VERDICT_REASONS = {
    Verdict.FAIL2PASS: reasons.FAIL2PASS,
    Verdict.FAIL2FAIL: reasons.FAIL2FAIL,
    Verdict.PASS2PASS: reasons.PASS2PASS,
    Verdict.PASS2FAIL: reasons.PASS2FAIL,
    Verdict.ERROR2PASS: reasons.ERROR2PASS,
    Verdict.FLAKY: reasons.FLAKY,
    Verdict.INCONCLUSIVE: reasons.INCONCLUSIVE,
}

ENV_BUILD_DELETED = (
    "EnvBuild {} was deleted before the verdict, and its test command with it; "
    "delete and re-create the TaskInstance"
)

SETS_UNKNOWN = "SetsUnknown"
"""status.note of a verdict without sets of tests."""
DATE_DEPENDENT = "DateDependent"
"""status.note of a verdict that holds with the clock that the test command sets."""
DATE_DEPENDENT_MESSAGE = "the tests depend on the date, and the test command sets the clock"

MAX_NOTES = 8
MAX_NOTE_CHARACTERS = 512
"""Limits of status.prepared.notes in the schema."""

GRADED_CATEGORIES = frozenset({FaultCategory.LIMIT, FaultCategory.TAMPERING})
"""Faults that the task itself caused: its matrix is inconclusive. All others are no statement about the task."""


def report(observed: Observation, step: Step, results: Sequence[Result]) -> TaskInstanceStatus:
    """The status after the step."""
    if isinstance(step, NoOp):
        return observed.task.status
    status = _with_env_build(mark_started(observed.task.status, observed.stamp), observed)
    if isinstance(step, Restart):
        status = _restarted(status, step, observed)
    for result in results:
        status = _apply_result(status, result, observed)
        if status.finished_at is not None:
            # Other results are not needed any more; pods that are not in status.running are released.
            return status
    if isinstance(step, Fail):
        return mark_failed(status, (step.reason, _with_notes(status, step.message)), observed)
    return _with_progress(status, step, results, observed)


def _apply_result(status: TaskInstanceStatus, result: Result, observed: Observation) -> TaskInstanceStatus:
    match result:
        case PodStarted() | Wait() | RetryAttempt():
            return track_attempt(status, result)
        case FailAttempt():
            return _with_failed_attempt(status, result, observed)
        case _:
            return _apply_success(status, result, observed)


def _apply_success(status: TaskInstanceStatus, result: Result, observed: Observation) -> TaskInstanceStatus:
    match result:
        case IntakeFinished():
            return _with_intake(status, result, observed)
        case Evaluated():
            return _with_evaluation(status, result, observed)
        case ControlEvaluated():
            return _with_control(status, result, observed)
        case LeaksSearched(move, control):
            return with_fields(close_attempt(status, finished_attempt(move)), controls=[control])
        case EnvBuildCreated(name):
            return with_fields(status, env_build=name)
        case EnvBuildDeleted(name):
            return mark_failed(status, (reasons.ENVIRONMENT_FAILED, ENV_BUILD_DELETED.format(name)), observed)
        case Judged():
            return _with_verdict(status, result, observed)
        case _:
            return status


def _with_env_build(status: TaskInstanceStatus, observed: Observation) -> TaskInstanceStatus:
    build = observed.build
    if build is None:
        return status
    result = build.status
    return with_fields(
        status,
        env_build=build.name,  # the operator may have died between creating it and writing the status
        strategy=result.strategy or status.strategy,
        round=len(result.rounds) or None,
        image=observed.image,
        # Written once, together with the end of the search: each pod of it would be a write of this object.
        environment_seconds=result.pod_seconds if result.finished_at is not None else None,
    )


def _with_intake(
    status: TaskInstanceStatus, result: IntakeFinished, observed: Observation
) -> TaskInstanceStatus:
    record = result.record
    status = close_attempt(status, finished_attempt(result.move, record.message))
    if record.code != ExitCode.OK or record.source is None or record.facts is None:
        return mark_failed(status, intake_rejection(record), observed)
    prepared = Prepared(
        source=record.source,
        layers=record.layers,
        facts=record.facts,
        fingerprint=record.fingerprint,
        language=record.language,
        test_files=record.test_files,
        patches=dict(record.patches),
        notes=[note[:MAX_NOTE_CHARACTERS] for note in record.notes[:MAX_NOTES]],
        gold_difference=record.gold_difference,
        mutants=record.mutants,
        clock_layer=record.clock_layer,
    )
    return with_fields(status, prepared=prepared)


def _with_evaluation(
    status: TaskInstanceStatus, result: Evaluated, observed: Observation
) -> TaskInstanceStatus:
    evaluation = result.evaluation
    status = close_attempt(status, finished_attempt(result.move, evidence=evaluation.evidence))
    status = with_fields(status, evaluations=_matrix_with(status, evaluation))
    if result.network_open:
        return mark_failed(status, (reasons.NETWORK_OPEN, isolation_message("evaluation pods")), observed)
    return status


def _with_control(
    status: TaskInstanceStatus, result: ControlEvaluated, observed: Observation
) -> TaskInstanceStatus:
    evaluation = result.evaluation
    status = close_attempt(status, finished_attempt(result.move, evidence=evaluation.evidence))
    status = with_fields(
        status, control_evaluations=with_control_evaluation(status.control_evaluations, evaluation)
    )
    if result.network_open:
        return mark_failed(status, (reasons.NETWORK_OPEN, isolation_message("evaluation pods")), observed)
    return status


def _with_failed_attempt(
    status: TaskInstanceStatus, move: FailAttempt, observed: Observation
) -> TaskInstanceStatus:
    status = close_attempt(status, move.ended)
    if move.work.control is not None:
        # A control changes no verdict: one without a result is unknown.
        failed = ControlEvaluation(
            control=move.work.control, number=move.work.number, fault=move.fault.reason
        )
        return with_fields(
            status, control_evaluations=with_control_evaluation(status.control_evaluations, failed)
        )
    if move.work == LEAKS_WORK:
        # Whatever the fault is, it says nothing about the image, and the verdict does not need this pod.
        reason, message = failure_reason(move)
        unknown = control_result(ControlName.LEAKS, "Unknown", f"{reason}: {message}")
        return with_fields(status, controls=[unknown])
    if move.work == INTAKE_WORK or move.fault.category not in GRADED_CATEGORIES:
        return mark_failed(status, failure_reason(move), observed)
    stage = move.work.evaluated_stage
    evaluation = Evaluation(stage=stage, repeat=move.work.number, fault=move.fault.reason)
    return with_fields(status, evaluations=_matrix_with(status, evaluation))


def _matrix_with(status: TaskInstanceStatus, evaluation: Evaluation) -> list[Evaluation]:
    others = [x for x in status.evaluations if (x.stage, x.repeat) != (evaluation.stage, evaluation.repeat)]
    return sorted([*others, evaluation], key=lambda item: (item.repeat, MATRIX.index(item.stage)))


def _with_verdict(status: TaskInstanceStatus, result: Judged, observed: Observation) -> TaskInstanceStatus:
    verdict = result.verdict
    valid = verdict is Verdict.FAIL2PASS
    reason, message = VERDICT_REASONS[verdict], _verdict_message(status, result)
    phase: Phase = "Validated" if valid else "Rejected"
    states: Mapping[str, ConditionStatus] = {
        READY: "True",
        SUCCEEDED: "True",
        VALIDATED: "True" if valid else "False",
    }
    status = with_fields(
        status,
        verdict=verdict.value,
        tests=result.tests,
        tests_unknown=result.tests_unknown or None,
        controls=list(result.controls),
        test_strength=result.test_strength,
        note=_note(result),
        evidence=result.bundle,
    )
    return mark_finished(status, phase, states, (reason, message), observed.stamp)


def _note(result: Judged) -> str | None:
    if result.tests_unknown:
        return SETS_UNKNOWN
    return DATE_DEPENDENT if result.date_dependent else None


def _verdict_message(status: TaskInstanceStatus, result: Judged) -> str:
    """The verdict's sentence, and what a person has to know besides."""
    if result.verdict is Verdict.FAIL2PASS:
        note = f"the sets of tests are not known: {result.tests_unknown}" if result.tests_unknown else ""
    else:
        note = result.note
    cells = (MatrixCell(item.stage, item.code) for item in status.evaluations)
    cause = inconclusive_cause(cells) if result.verdict is Verdict.INCONCLUSIVE else ""
    clock = DATE_DEPENDENT_MESSAGE if result.date_dependent else ""
    parts = (VERDICT_MESSAGES[result.verdict], cause, result.tests_did, clock, note)
    message = "; ".join(part for part in parts if part)
    return message if result.verdict is Verdict.FAIL2PASS else _with_notes(status, message)


def _with_notes(status: TaskInstanceStatus, message: str) -> str:
    """The message of an instance that is not valid, with what intake did not fetch: it may be the cause."""
    notes = status.prepared.notes if status.prepared else []
    return "; ".join([message, *notes])


def _restarted(status: TaskInstanceStatus, step: Restart, observed: Observation) -> TaskInstanceStatus:
    """The status after a retry: what is proven stays. Evaluations that could reach a network prove nothing."""
    reason, _ = conditions.reason_of(status.conditions, READY)
    kept = [] if reason == reasons.NETWORK_OPEN else [each for each in status.evaluations if not each.fault]
    status = restart(status, step.value, observed.pods, observed.now)
    return with_fields(status, evaluations=kept, note=None)


def mark_failed(status: TaskInstanceStatus, why: ReasonMessage, observed: Observation) -> TaskInstanceStatus:
    """Work ended without a verdict."""
    status = with_fields(status, note=why[0])
    return mark_finished(status, "Failed", {**FAILED_STATES, VALIDATED: "Unknown"}, why, observed.stamp)


def _with_progress(
    status: TaskInstanceStatus, step: Step, results: Sequence[Result], observed: Observation
) -> TaskInstanceStatus:
    phase, reason = _phase(status, results, observed)
    if waits_for_host(status, results):
        reason = reasons.HOST_UNAVAILABLE
    unknown: Mapping[str, ConditionStatus] = {SUCCEEDED: "Unknown", VALIDATED: "Unknown"}
    return mark_working(status, phase, unknown, (reason, _message(step, results, observed)), observed.stamp)


def _phase(status: TaskInstanceStatus, results: Sequence[Result], observed: Observation) -> tuple[Phase, str]:
    suspended = any(isinstance(item, Wait) and item.reason == reasons.SUSPENDED for item in results)
    if suspended and not status.running:
        return "Suspended", reasons.SUSPENDED
    if is_queued(status, results) or _env_build_queued(status, observed):
        return "Queued", reasons.QUEUED
    if status.prepared is None:
        return "Intake", reasons.INTAKE
    if status.image is None:
        return "Preparing", reasons.PREPARING
    return "Validating", reasons.VALIDATING


def _env_build_queued(status: TaskInstanceStatus, observed: Observation) -> bool:
    return status.image is None and observed.build is not None and observed.build.status.phase == "Queued"


def _message(step: Step, results: Sequence[Result], observed: Observation) -> str:
    if isinstance(step, WaitForEnvBuild) and observed.build is not None:
        _, message = conditions.reason_of(observed.build.status.conditions, READY)
        return f"EnvBuild {observed.build.name}: {message}"
    return wait_message(results)
