"""How a step and its results change the status. Pure: the old status in, the new one out."""

from collections.abc import Sequence

from swefoundry.api import reasons
from swefoundry.api.conditions import READY, SUCCEEDED
from swefoundry.api.envbuild import EnvBuildStatus, EnvPhase, ProbeResult, Round
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Usage
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import AGENTS
from swefoundry.controllers.condition_messages import (
    failure_reason,
    fault_message,
    intake_rejection,
    isolation_message,
    wait_message,
)
from swefoundry.controllers.envbuild import agent_usage
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.round_transitions import (
    after_build,
    after_checkout,
    after_fault,
    after_probe,
    outcome_summary,
    with_outcome,
)
from swefoundry.controllers.envbuild.steps import (
    AgentBudgetSpent,
    AgentFinished,
    AgentsRequested,
    BuildFinished,
    CheckoutFinished,
    Drafting,
    EndSearch,
    NoDraftLeft,
    ParentUnusable,
    ProbeFinished,
    Result,
    RoundStarted,
    Step,
    probe_stages,
    stage_of,
)
from swefoundry.controllers.status import (
    FAILED_STATES,
    ReasonMessage,
    close_attempt,
    mark_finished,
    mark_started,
    mark_working,
    track_attempt,
    with_fields,
)
from swefoundry.controllers.steps import NoOp
from swefoundry.text.plurals import ordinal, pluralize
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.decide import FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.intake.launch import INTAKE_WORK, IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted, finished_attempt, role_of_work
from swefoundry.workloads.pod_outcomes import FaultCategory

Status = EnvBuildStatus

ROUND_FAULT_CATEGORIES = frozenset({FaultCategory.LIMIT, FaultCategory.TAMPERING, FaultCategory.ENVIRONMENT})
"""Faults that another draft may avoid. The others would meet every draft."""

ACCEPTANCE_BASIS = {
    RoundOutcome.ACCEPTED: "fail2pass",
    RoundOutcome.ACCEPTED_ERROR2PASS: "error2pass",
}


def report(observed: Observation, step: Step, results: Sequence[Result]) -> Status:
    """The status after the step."""
    if isinstance(step, NoOp):
        return observed.build.status
    status = mark_started(observed.build.status, observed.stamp)
    for result in results:
        status = _apply(status, result, observed)
        if status.finished_at is not None:
            return status
    status = agent_usage.score_claims(status)
    if isinstance(step, EndSearch):
        return end_search(status, (step.reason, step.message), observed)
    return _search_outcome(status, observed) or _under_way(status, results, observed)


def _apply(status: Status, result: Result, observed: Observation) -> Status:
    match result:
        case PodStarted() | Wait():
            return track_attempt(status, result)
        case RetryAttempt(ended=over):
            return _charged(track_attempt(status, result), over)
        case FailAttempt():
            return _surrendered(status, result, observed)
        case _:
            return _achieved(status, result, observed)


def _achieved(status: Status, result: Result, observed: Observation) -> Status:
    match result:
        case IntakeFinished():
            return _taken_in(status, result, observed)
        case RoundStarted() | NoDraftLeft() | AgentsRequested() | ParentUnusable():
            return _proposed(status, result, observed)
        case CheckoutFinished(move, record):
            status = _closed(status, finished_attempt(move, record.message))
            return _with_round(status, after_checkout(status.rounds[-1], result))
        case AgentFinished() | AgentBudgetSpent():
            return _drafted(status, result)
        case BuildFinished(move, record):
            status = _closed(status, finished_attempt(move, record.message))
            return _with_round(status, after_build(status.rounds[-1], record))
        case ProbeFinished():
            return _probed(status, result, observed)
        case _:
            return status


def _proposed(
    status: Status,
    result: RoundStarted | NoDraftLeft | AgentsRequested | ParentUnusable,
    observed: Observation,
) -> Status:
    match result:
        case ParentUnusable(message):
            return mark_failed(status, (reasons.PARENT_UNUSABLE, message), observed)
        case RoundStarted(started):
            return with_fields(status, rounds=[*status.rounds, started], round=len(status.rounds) + 1)
        case AgentsRequested():
            return agent_usage.record_request(status)
        case NoDraftLeft():
            reason, message = _exhausted_reason(status)
            # A wrong key is nothing against the row: no verdict on what was built before it was refused.
            conclude = mark_failed if reason in (reasons.MODEL_REFUSED, reasons.DEFECT) else end_search
            return conclude(status, (reason, message), observed)


def _drafted(status: Status, result: Drafting) -> Status:
    match result:
        case AgentBudgetSpent(message):
            return agent_usage.record_end(status, reasons.BUDGET_SPENT, message)
        case AgentFinished(move, record, started):
            return agent_usage.record_draft(
                _closed(status, finished_attempt(move, record.message)), record, started
            )


def _closed(status: Status, attempt: Attempt) -> Status:
    return _charged(close_attempt(status, attempt), attempt)


def _charged(status: Status, attempt: Attempt) -> Status:
    return with_fields(status, pod_seconds=status.pod_seconds + (attempt.seconds or 0))


def _taken_in(status: Status, result: IntakeFinished, observed: Observation) -> Status:
    record = result.record
    status = _closed(status, finished_attempt(result.move, record.message))
    if record.code != ExitCode.OK:
        return mark_failed(status, intake_rejection(record), observed)
    return with_fields(status, source=record.source, facts=record.facts, layers=record.layers)


def _probed(status: Status, result: ProbeFinished, observed: Observation) -> Status:
    status = _closed(status, finished_attempt(result.move, evidence=result.probe.evidence))
    if result.network_open:
        return mark_failed(status, (reasons.NETWORK_OPEN, isolation_message("probes")), observed)
    current = after_probe(status.rounds[-1], result.probe, result.excerpt)
    return _settled(_with_round(status, current), observed)


def _surrendered(status: Status, move: FailAttempt, observed: Observation) -> Status:
    status = _closed(status, move.ended)
    if role_of_work(move.work) is Role.AGENT:
        status = agent_usage.add_usage(status, _left_by(move.ended, observed))
        return mark_failed(status, failure_reason(move), observed)
    if move.work == INTAKE_WORK or move.fault.category not in ROUND_FAULT_CATEGORIES:
        return mark_failed(status, failure_reason(move), observed)
    current = status.rounds[-1]
    if current.image is None:
        return _with_round(status, after_fault(current, move.fault))
    probe = ProbeResult(stage=stage_of(move.work), fault=move.fault.reason)
    return _settled(_with_round(status, after_probe(current, probe, fault_message(move))), observed)


def _left_by(attempt: Attempt, observed: Observation) -> Usage:
    """What an agent pod had used that came to nothing."""
    pod = observed.work_state.pod(attempt.work, attempt.number)
    return agent_usage.usage_in_message(pod.terminated.message) if pod and pod.terminated else Usage()


def _settled(status: Status, observed: Observation) -> Status:
    wanted = probe_stages(observed.build.spec.acceptance is not None)
    return _with_round(
        status, with_outcome(status.rounds[-1], wanted, observed.build.spec.environment.accept_error2_pass)
    )


def _with_round(status: Status, current: Round) -> Status:
    return with_fields(status, rounds=[*status.rounds[:-1], current])


def _search_outcome(status: Status, observed: Observation) -> Status | None:
    """The end of the search, when the last round is one."""
    if not status.rounds or status.rounds[-1].outcome is None:
        return None
    current = status.rounds[-1]
    outcome = RoundOutcome(current.outcome or "")
    if outcome in ACCEPTANCE_BASIS:
        basis = ACCEPTANCE_BASIS[outcome] if observed.build.spec.acceptance is not None else "tests-ran"
        sentence = (
            f"round {ordinal(current.number)} ({current.strategy}: {current.label}) was accepted on {basis}"
        )
        return _with_image(_ready(status, sentence, observed), current, observed, accepted_on=basis)
    # Agents may have written a command that tests nothing, and a reused image may hold a later commit's installation.
    tells = current.strategy != AGENTS and current.parent is None
    if outcome is RoundOutcome.BOTH_PASSED and tells:
        sentence = "the tests pass with and without the fix: another environment would not change that"
        return _with_image(end_search(status, (reasons.ROW_DISPROVEN, sentence), observed), current, observed)
    return None


def end_search(status: Status, why: ReasonMessage, observed: Observation) -> Status:
    """No image was accepted; the best that could be judged is given all the same, so that the row gets its verdict."""
    best = next((item for item in reversed(status.rounds) if has_conclusive_probes(item)), None)
    status = mark_failed(status, why, observed)
    return status if best is None else _with_image(status, best, observed)


def has_conclusive_probes(item: Round) -> bool:
    """Whether every probe of the round gave a result: then the row, not the environment, may be to blame.

    Not that of a reused image: it was made for another commit.
    """
    codes = [probe.code for probe in item.probes]
    conclusive = {ExitCode.OK, ExitCode.TESTS_FAILED}
    made_for_it = item.image is not None and item.parent is None
    return made_for_it and len(codes) > 1 and all(code in conclusive for code in codes)


def _with_image(
    status: Status, current: Round, observed: Observation, accepted_on: str | None = None
) -> Status:
    return with_fields(
        status,
        image=current.image,
        image_name=observed.image_name(current.number),
        draft=current.draft,
        strategy=current.strategy,
        accepted_on=accepted_on,
    )


def _ready(status: Status, message: str, observed: Observation) -> Status:
    return mark_finished(
        status, "Ready", {READY: "True", SUCCEEDED: "True"}, (reasons.ACCEPTED, message), observed.stamp
    )


def mark_failed(status: Status, why: ReasonMessage, observed: Observation) -> Status:
    """Work ended without an accepted image."""
    return mark_finished(status, "Failed", FAILED_STATES, why, observed.stamp)


def _under_way(status: Status, results: Sequence[Result], observed: Observation) -> Status:
    phase, reason = _phase(status, observed, results)
    message = "; ".join(filter(None, [_progress(status), wait_message(results)]))
    return mark_working(status, phase, {SUCCEEDED: "Unknown"}, (reason, message), observed.stamp)


def _phase(status: Status, observed: Observation, results: Sequence[Result]) -> tuple[EnvPhase, str]:
    if any(isinstance(item, Wait) and item.reason == reasons.WAITING_FOR_SIBLING for item in results):
        return "Pending", reasons.WAITING_FOR_SIBLING
    if observed.prepared_source is None and status.source is None:
        return "Intake", reasons.INTAKE
    if _drafting(status):
        return "Drafting", reasons.DRAFTING
    if status.rounds and status.rounds[-1].image is not None and status.rounds[-1].outcome is None:
        return "Probing", reasons.PROBING
    return "Building", reasons.BUILDING


def _drafting(status: Status) -> bool:
    return status.agents is not None and status.agents.drafting is not None


def _progress(status: Status) -> str:
    parts = []
    if status.rounds:
        current = status.rounds[-1]
        said = f"{current.outcome or 'under way'} ({current.strategy}: {current.label})"
        parts.append(f"round {ordinal(current.number)}: {said}")
    if _drafting(status):
        parts.append(f"agents write the draft of round {len(status.rounds) + 1}")
    return "; ".join(parts)


def _exhausted_reason(status: Status) -> tuple[str, str]:
    """Reason and message when nobody has another draft."""
    reason, said = reasons.DRAFTS_EXHAUSTED, ""
    if status.agents is not None and status.agents.ended is not None:
        reason, said = status.agents.ended, status.agents.message or ""
    if not status.rounds:
        return reason, said or "no strategy knows this kind of project; give spec.environment.draft"
    tried = f"{pluralize(len(status.rounds), 'draft')} tried; the last: {outcome_summary(status.rounds[-1])}"
    return reason, "; ".join(filter(None, [said, tried]))
