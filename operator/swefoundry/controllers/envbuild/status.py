"""The status after a step and its results. Pure: it reduces, and decides nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from swefoundry.api import reasons
from swefoundry.api.conditions import READY, SUCCEEDED, ConditionStatus
from swefoundry.api.envbuild import EnvBuildStatus, EnvPhase, ProbeResult, Round
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Usage
from swefoundry.contracts.round_outcome import CLUSTER_OUTCOMES
from swefoundry.controllers.condition_messages import (
    failure_reason,
    fault_message,
    intake_rejection,
    isolation_message,
    wait_message,
)
from swefoundry.controllers.envbuild import agent_usage
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.round_transitions import (
    after_build,
    after_checkout,
    after_fault,
    after_probe,
    with_outcome,
)
from swefoundry.controllers.envbuild.search_state import SearchState
from swefoundry.controllers.envbuild.steps import (
    AcceptRound,
    AgentBudgetSpent,
    AgentFinished,
    AgentsRequested,
    BuildFinished,
    CheckoutFinished,
    EndSearch,
    ProbeFinished,
    Result,
    RoundStarted,
    Step,
    probe_stages,
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
from swefoundry.workloads.attempt import INTAKE_WORK, WorkKind
from swefoundry.workloads.decide import FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted, Queued, finished_attempt
from swefoundry.workloads.pod_outcomes import FaultCategory

ROUND_FAULT_CATEGORIES = frozenset({FaultCategory.LIMIT, FaultCategory.TAMPERING, FaultCategory.ENVIRONMENT})
"""Faults that another draft may avoid. The others would meet every draft."""


def report(observed: Observation, step: Step, results: Sequence[Result]) -> EnvBuildStatus:
    """The status after the step."""
    if isinstance(step, NoOp):
        return observed.build.status
    status = mark_started(observed.build.status, observed.stamp)
    if isinstance(step, Restart):
        status = _restarted(status, step, observed)
    if isinstance(observed.search, SearchState) and observed.search.group is not None:
        status = with_fields(status, environment_group=observed.search.group)
    for result in results:
        status = _REDUCERS[type(result)](status, result, observed)
        if status.finished_at is not None:
            return status
    status = agent_usage.score_claims(status)
    match step:
        case AcceptRound():
            return _accepted(status, step, observed)
        case EndSearch():
            return _ended(status, step, observed)
        case _:
            return _under_way(status, results, observed)


def _restarted(status: EnvBuildStatus, step: Restart, observed: Observation) -> EnvBuildStatus:
    """The status after a retry: rounds, drafts and what models cost stay; time and pod-seconds count anew.

    Drafts that may have failed because of the cluster may be tried again.
    """
    status = restart(status, step.value, observed.pods, observed.now)
    rounds = [
        item.model_copy(update={"retried": True}) if item.outcome in CLUSTER_OUTCOMES else item
        for item in status.rounds
    ]
    return with_fields(status, rounds=rounds, pod_seconds=0.0, agents=agent_usage.without_end(status.agents))


def _accepted(status: EnvBuildStatus, step: AcceptRound, observed: Observation) -> EnvBuildStatus:
    current = step.round
    draft = f"{current.strategy}: {current.label}"
    message = f"round {current.number} ({draft}) was accepted on {step.basis}"
    states: Mapping[str, ConditionStatus] = {READY: "True", SUCCEEDED: "True"}
    status = mark_finished(status, "Ready", states, (reasons.ACCEPTED, message), observed.stamp)
    return _with_image(status, current, observed, accepted_on=step.basis)


def _ended(status: EnvBuildStatus, step: EndSearch, observed: Observation) -> EnvBuildStatus:
    status = mark_failed(status, (step.reason, step.message), observed)
    return status if step.judged_round is None else _with_image(status, step.judged_round, observed)


def mark_failed(status: EnvBuildStatus, why: ReasonMessage, observed: Observation) -> EnvBuildStatus:
    """With work that ended without an accepted image."""
    return mark_finished(status, "Failed", FAILED_STATES, why, observed.stamp)


def _with_image(
    status: EnvBuildStatus, current: Round, observed: Observation, accepted_on: str | None = None
) -> EnvBuildStatus:
    return with_fields(
        status,
        image=current.image,
        image_name=observed.image_name(current),
        draft=current.draft,
        strategy=current.strategy,
        accepted_on=accepted_on,
    )


# One reducer per result


def _attempt_tracked(
    status: EnvBuildStatus, result: PodStarted | Wait, observed: Observation
) -> EnvBuildStatus:
    return track_attempt(status, result)


def _attempt_retried(status: EnvBuildStatus, result: RetryAttempt, observed: Observation) -> EnvBuildStatus:
    return _with_pod_seconds(track_attempt(status, result), result.ended)


def _pod_queued(status: EnvBuildStatus, result: Queued, observed: Observation) -> EnvBuildStatus:
    return status


def _attempt_failed(status: EnvBuildStatus, move: FailAttempt, observed: Observation) -> EnvBuildStatus:
    status = _closed(status, move.ended)
    if move.work.kind is WorkKind.AGENT:
        status = agent_usage.add_usage(status, _used_by(move, observed))
        return mark_failed(status, failure_reason(move), observed)
    if move.work == INTAKE_WORK or move.fault.category not in ROUND_FAULT_CATEGORIES:
        return mark_failed(status, failure_reason(move), observed)
    current = status.rounds[-1]
    if current.image is None:
        return _with_round(status, after_fault(current, move.fault))
    probe = ProbeResult(stage=move.work.evaluated_stage, fault=move.fault.reason)
    return _with_probe(status, after_probe(current, probe, fault_message(move)), observed)


def _intake_finished(status: EnvBuildStatus, result: IntakeFinished, observed: Observation) -> EnvBuildStatus:
    record = result.record
    status = _closed(status, finished_attempt(result.move, record.message))
    if record.code != ExitCode.OK:
        return mark_failed(status, intake_rejection(record), observed)
    return with_fields(status, source=record.source, facts=record.facts, layers=record.layers)


def _round_started(status: EnvBuildStatus, result: RoundStarted, observed: Observation) -> EnvBuildStatus:
    return with_fields(status, rounds=[*status.rounds, result.round], round=len(status.rounds) + 1)


def _agents_requested(
    status: EnvBuildStatus, result: AgentsRequested, observed: Observation
) -> EnvBuildStatus:
    return agent_usage.record_request(status)


def _agent_budget_spent(
    status: EnvBuildStatus, result: AgentBudgetSpent, observed: Observation
) -> EnvBuildStatus:
    return agent_usage.record_end(status, reasons.BUDGET_SPENT, result.message)


def _agent_finished(status: EnvBuildStatus, result: AgentFinished, observed: Observation) -> EnvBuildStatus:
    status = _closed(status, finished_attempt(result.move, result.record.message))
    return agent_usage.record_draft(status, result.record, result.round)


def _checkout_finished(
    status: EnvBuildStatus, result: CheckoutFinished, observed: Observation
) -> EnvBuildStatus:
    status = _closed(status, finished_attempt(result.move, result.record.message))
    return _with_round(status, after_checkout(status.rounds[-1], result))


def _build_finished(status: EnvBuildStatus, result: BuildFinished, observed: Observation) -> EnvBuildStatus:
    status = _closed(status, finished_attempt(result.move, result.record.message))
    return _with_round(status, after_build(status.rounds[-1], result.record))


def _probe_finished(status: EnvBuildStatus, result: ProbeFinished, observed: Observation) -> EnvBuildStatus:
    status = _closed(status, finished_attempt(result.move, evidence=result.probe.evidence))
    if result.network_open:
        return mark_failed(status, (reasons.NETWORK_OPEN, isolation_message("probes")), observed)
    current = after_probe(status.rounds[-1], result.probe, result.excerpt)
    return _with_probe(status, current, observed)


_REDUCERS: Mapping[type, Callable[[EnvBuildStatus, Any, Observation], EnvBuildStatus]] = {
    PodStarted: _attempt_tracked,
    Wait: _attempt_tracked,
    RetryAttempt: _attempt_retried,
    FailAttempt: _attempt_failed,
    Queued: _pod_queued,
    IntakeFinished: _intake_finished,
    RoundStarted: _round_started,
    AgentsRequested: _agents_requested,
    AgentBudgetSpent: _agent_budget_spent,
    AgentFinished: _agent_finished,
    CheckoutFinished: _checkout_finished,
    BuildFinished: _build_finished,
    ProbeFinished: _probe_finished,
}


def _closed(status: EnvBuildStatus, attempt: Attempt) -> EnvBuildStatus:
    return _with_pod_seconds(close_attempt(status, attempt), attempt)


def _with_pod_seconds(status: EnvBuildStatus, attempt: Attempt) -> EnvBuildStatus:
    return with_fields(status, pod_seconds=status.pod_seconds + (attempt.seconds or 0))


def _used_by(move: FailAttempt, observed: Observation) -> Usage:
    """Model usage of an agent pod that failed."""
    pod = observed.work_state.pod(move.work, move.ended.number)
    return agent_usage.usage_in_message(pod.terminated.message) if pod and pod.terminated else Usage()


def _with_probe(status: EnvBuildStatus, current: Round, observed: Observation) -> EnvBuildStatus:
    spec = observed.build.spec
    stages = probe_stages(spec.acceptance is not None)
    return _with_round(status, with_outcome(current, stages, spec.environment.accept_error2_pass))


def _with_round(status: EnvBuildStatus, current: Round) -> EnvBuildStatus:
    return with_fields(status, rounds=[*status.rounds[:-1], current])


def _under_way(status: EnvBuildStatus, results: Sequence[Result], observed: Observation) -> EnvBuildStatus:
    phase, reason = _phase(status, observed, results)
    if waits_for_host(status, results):
        reason = reasons.HOST_UNAVAILABLE
    message = "; ".join(filter(None, [_progress(status), wait_message(results)]))
    return mark_working(status, phase, {SUCCEEDED: "Unknown"}, (reason, message), observed.stamp)


def _phase(status: EnvBuildStatus, observed: Observation, results: Sequence[Result]) -> tuple[EnvPhase, str]:
    if any(isinstance(item, Wait) and item.reason == reasons.WAITING_FOR_SIBLING for item in results):
        return "Pending", reasons.WAITING_FOR_SIBLING
    if is_queued(status, results):
        return "Queued", reasons.QUEUED
    if observed.prepared_source is None and status.source is None:
        return "Intake", reasons.INTAKE
    if _drafting(status):
        return "Drafting", reasons.DRAFTING
    if status.rounds and status.rounds[-1].image is not None and status.rounds[-1].outcome is None:
        return "Probing", reasons.PROBING
    return "Building", reasons.BUILDING


def _drafting(status: EnvBuildStatus) -> bool:
    return status.agents is not None and status.agents.drafting is not None


def _progress(status: EnvBuildStatus) -> str:
    parts = []
    if status.rounds:
        current = status.rounds[-1]
        state = f"{current.outcome or 'in progress'} ({current.strategy}: {current.label})"
        parts.append(f"round {current.number}: {state}")
    if _drafting(status):
        parts.append(f"agents write the draft of round {len(status.rounds) + 1}")
    return "; ".join(parts)
