"""How a step and its results change the status. Pure: the old status in, the new one out."""

from collections.abc import Sequence

from swefoundry.api import reasons
from swefoundry.api.conditions import READY, SUCCEEDED
from swefoundry.api.envbuild import EnvBuildStatus, EnvPhase, ProbeResult, Round
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import Code
from swefoundry.contracts.models import Usage
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.controllers.condition_messages import (
    fault_sentence,
    isolation_sentence,
    refused_intake,
    surrendered,
    waiting_sentence,
)
from swefoundry.controllers.envbuild import agent_usage
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.round_transitions import (
    built,
    checked_out,
    faulted,
    message_of,
    probed,
    settled,
)
from swefoundry.controllers.envbuild.steps import (
    AgentsCalled,
    AgentsUnpaid,
    Built,
    CheckedOut,
    Drafted,
    Drafting,
    Exhaust,
    NothingProposed,
    Probed,
    Proposed,
    Result,
    Step,
    Unusable,
    probes,
    stage_of,
)
from swefoundry.controllers.envbuild.strategy_order import AGENTS
from swefoundry.controllers.status import FAILED, Why, begun, closed, finished, followed, under_way, updated
from swefoundry.controllers.steps import Rest
from swefoundry.text.plurals import counted, ordinal
from swefoundry.workloads.decide import Await, Replace, Surrender
from swefoundry.workloads.intake.launch import INTAKE, TakenIn
from swefoundry.workloads.lifecycle import Launched, ended, role_of
from swefoundry.workloads.pod_outcomes import Blame
from swefoundry.workloads.pod_spec import Role

Status = EnvBuildStatus

ROUND_BLAMES = frozenset({Blame.LIMIT, Blame.TAMPERING, Blame.ENVIRONMENT})
"""Faults that another draft may avoid. The others would meet every draft."""

WINNING = {
    RoundOutcome.ACCEPTED: "fail2pass",
    RoundOutcome.ACCEPTED_ERROR2PASS: "error2pass",
}


def report(observed: Observation, step: Step, results: Sequence[Result]) -> Status:
    """The status after the step."""
    if isinstance(step, Rest):
        return observed.build.status
    status = begun(observed.build.status, observed.stamp)
    for result in results:
        status = _apply(status, result, observed)
        if status.finished_at is not None:
            return status
    status = agent_usage.compared(status)
    if isinstance(step, Exhaust):
        return exhausted(status, (step.reason, step.message), observed)
    return _concluded(status, observed) or _under_way(status, results, observed)


def _apply(status: Status, result: Result, observed: Observation) -> Status:
    match result:
        case Launched() | Await():
            return followed(status, result)
        case Replace(ended=over):
            return _charged(followed(status, result), over)
        case Surrender():
            return _surrendered(status, result, observed)
        case _:
            return _achieved(status, result, observed)


def _achieved(status: Status, result: Result, observed: Observation) -> Status:
    match result:
        case TakenIn():
            return _taken_in(status, result, observed)
        case Proposed() | NothingProposed() | AgentsCalled() | Unusable():
            return _proposed(status, result, observed)
        case CheckedOut(move, record):
            status = _closed(status, ended(move, record.message))
            return _with_round(status, checked_out(status.rounds[-1], result))
        case Drafted() | AgentsUnpaid():
            return _drafted(status, result)
        case Built(move, record):
            status = _closed(status, ended(move, record.message))
            return _with_round(status, built(status.rounds[-1], record))
        case Probed():
            return _probed(status, result, observed)
        case _:
            return status


def _proposed(
    status: Status, result: Proposed | NothingProposed | AgentsCalled | Unusable, observed: Observation
) -> Status:
    match result:
        case Unusable(message):
            return failed(status, (reasons.PARENT_UNUSABLE, message), observed)
        case Proposed(started):
            return updated(status, rounds=[*status.rounds, started], round=len(status.rounds) + 1)
        case AgentsCalled():
            return agent_usage.called(status)
        case NothingProposed():
            reason, message = _last_words(status)
            # A wrong key is nothing against the row: no verdict on what was built before it was refused.
            conclude = failed if reason in (reasons.MODEL_REFUSED, reasons.DEFECT) else exhausted
            return conclude(status, (reason, message), observed)


def _drafted(status: Status, result: Drafting) -> Status:
    match result:
        case AgentsUnpaid(message):
            return agent_usage.ended(status, reasons.BUDGET_SPENT, message)
        case Drafted(move, record, started):
            return agent_usage.drafted(_closed(status, ended(move, record.message)), record, started)


def _closed(status: Status, attempt: Attempt) -> Status:
    return _charged(closed(status, attempt), attempt)


def _charged(status: Status, attempt: Attempt) -> Status:
    return updated(status, pod_seconds=status.pod_seconds + (attempt.seconds or 0))


def _taken_in(status: Status, result: TakenIn, observed: Observation) -> Status:
    record = result.record
    status = _closed(status, ended(result.move, record.message))
    if record.code != Code.OK:
        return failed(status, refused_intake(record), observed)
    return updated(status, source=record.source, facts=record.facts, layers=record.layers)


def _probed(status: Status, result: Probed, observed: Observation) -> Status:
    status = _closed(status, ended(result.move, evidence=result.probe.evidence))
    if result.network_open:
        return failed(status, (reasons.NETWORK_OPEN, isolation_sentence("probes")), observed)
    current = probed(status.rounds[-1], result.probe, result.telling)
    return _settled(_with_round(status, current), observed)


def _surrendered(status: Status, move: Surrender, observed: Observation) -> Status:
    status = _closed(status, move.ended)
    if role_of(move.work) is Role.AGENT:
        status = agent_usage.charged(status, _left_by(move.ended, observed))
        return failed(status, surrendered(move), observed)
    if move.work == INTAKE or move.fault.blame not in ROUND_BLAMES:
        return failed(status, surrendered(move), observed)
    current = status.rounds[-1]
    if current.image is None:
        return _with_round(status, faulted(current, move.fault))
    probe = ProbeResult(stage=stage_of(move.work), fault=move.fault.reason)
    return _settled(_with_round(status, probed(current, probe, fault_sentence(move))), observed)


def _left_by(attempt: Attempt, observed: Observation) -> Usage:
    """What an agent pod had used that came to nothing."""
    pod = observed.bench.pod(attempt.work, attempt.number)
    return agent_usage.used_by(pod.terminated.message) if pod and pod.terminated else Usage()


def _settled(status: Status, observed: Observation) -> Status:
    wanted = probes(observed.build.spec.acceptance is not None)
    return _with_round(
        status, settled(status.rounds[-1], wanted, observed.build.spec.environment.accept_error2_pass)
    )


def _with_round(status: Status, current: Round) -> Status:
    return updated(status, rounds=[*status.rounds[:-1], current])


def _concluded(status: Status, observed: Observation) -> Status | None:
    """The end of the search, when the last round is one."""
    if not status.rounds or status.rounds[-1].outcome is None:
        return None
    current = status.rounds[-1]
    outcome = RoundOutcome(current.outcome or "")
    if outcome in WINNING:
        basis = WINNING[outcome] if observed.build.spec.acceptance is not None else "tests-ran"
        sentence = (
            f"round {ordinal(current.number)} ({current.strategy}: {current.label}) was accepted on {basis}"
        )
        return _with_image(_ready(status, sentence, observed), current, observed, accepted_on=basis)
    # Agents may have written a command that tests nothing, and a reused image may hold a later commit's installation.
    tells = current.strategy != AGENTS and current.parent is None
    if outcome is RoundOutcome.BOTH_PASSED and tells:
        sentence = "the tests pass with and without the fix: another environment would not change that"
        return _with_image(exhausted(status, (reasons.ROW_DISPROVEN, sentence), observed), current, observed)
    return None


def exhausted(status: Status, why: Why, observed: Observation) -> Status:
    """No image was accepted; the best that could be judged is given all the same, so that the row gets its verdict."""
    best = next((item for item in reversed(status.rounds) if judgeable(item)), None)
    status = failed(status, why, observed)
    return status if best is None else _with_image(status, best, observed)


def judgeable(item: Round) -> bool:
    """Whether every probe of the round gave a result: then the row, not the environment, may be to blame.

    Not that of a reused image: it was made for another commit.
    """
    codes = [probe.code for probe in item.probes]
    conclusive = {Code.OK, Code.TESTS_FAILED}
    made_for_it = item.image is not None and item.parent is None
    return made_for_it and len(codes) > 1 and all(code in conclusive for code in codes)


def _with_image(
    status: Status, current: Round, observed: Observation, accepted_on: str | None = None
) -> Status:
    return updated(
        status,
        image=current.image,
        image_name=observed.image_name(current.number),
        draft=current.draft,
        strategy=current.strategy,
        accepted_on=accepted_on,
    )


def _ready(status: Status, message: str, observed: Observation) -> Status:
    return finished(
        status, "Ready", {READY: "True", SUCCEEDED: "True"}, (reasons.ACCEPTED, message), observed.stamp
    )


def failed(status: Status, why: Why, observed: Observation) -> Status:
    """Work ended without an accepted image."""
    return finished(status, "Failed", FAILED, why, observed.stamp)


def _under_way(status: Status, results: Sequence[Result], observed: Observation) -> Status:
    phase, reason = _phase(status, observed, results)
    message = "; ".join(filter(None, [_progress(status), waiting_sentence(results)]))
    return under_way(status, phase, {SUCCEEDED: "Unknown"}, (reason, message), observed.stamp)


def _phase(status: Status, observed: Observation, results: Sequence[Result]) -> tuple[EnvPhase, str]:
    if any(isinstance(item, Await) and item.reason == reasons.WAITING_FOR_SIBLING for item in results):
        return "Pending", reasons.WAITING_FOR_SIBLING
    if observed.prepared is None and status.source is None:
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


def _last_words(status: Status) -> tuple[str, str]:
    """Reason and message when nobody has another draft."""
    reason, said = reasons.DRAFTS_EXHAUSTED, ""
    if status.agents is not None and status.agents.ended is not None:
        reason, said = status.agents.ended, status.agents.message or ""
    if not status.rounds:
        return reason, said or "no strategy knows this kind of project; give spec.environment.draft"
    tried = f"{counted(len(status.rounds), 'draft')} tried; the last: {message_of(status.rounds[-1])}"
    return reason, "; ".join(filter(None, [said, tried]))
