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


def report(seen: Observation, step: Step, results: Sequence[Result]) -> Status:
    """The status after the step."""
    if isinstance(step, Rest):
        return seen.build.status
    status = begun(seen.build.status, seen.stamp)
    for result in results:
        status = _apply(status, result, seen)
        if status.finished_at is not None:
            return status
    status = agent_usage.compared(status)
    if isinstance(step, Exhaust):
        return exhausted(status, (step.reason, step.message), seen)
    return _concluded(status, seen) or _under_way(status, results, seen)


def _apply(status: Status, result: Result, seen: Observation) -> Status:
    match result:
        case Launched() | Await():
            return followed(status, result)
        case Replace(ended=over):
            return _charged(followed(status, result), over)
        case Surrender():
            return _surrendered(status, result, seen)
        case _:
            return _achieved(status, result, seen)


def _achieved(status: Status, result: Result, seen: Observation) -> Status:
    match result:
        case TakenIn():
            return _taken_in(status, result, seen)
        case Proposed() | NothingProposed() | AgentsCalled() | Unusable():
            return _proposed(status, result, seen)
        case CheckedOut(move, record):
            status = _closed(status, ended(move, record.message))
            return _with_round(status, checked_out(status.rounds[-1], result))
        case Drafted() | AgentsUnpaid():
            return _drafted(status, result)
        case Built(move, record):
            status = _closed(status, ended(move, record.message))
            return _with_round(status, built(status.rounds[-1], record))
        case Probed():
            return _probed(status, result, seen)
        case _:
            return status


def _proposed(
    status: Status, result: Proposed | NothingProposed | AgentsCalled | Unusable, seen: Observation
) -> Status:
    match result:
        case Unusable(message):
            return failed(status, (reasons.PARENT_UNUSABLE, message), seen)
        case Proposed(started):
            return updated(status, rounds=[*status.rounds, started], round=len(status.rounds) + 1)
        case AgentsCalled():
            return agent_usage.called(status)
        case NothingProposed():
            reason, message = _last_words(status)
            # A wrong key is nothing against the row: no verdict on what was built before it was refused.
            conclude = failed if reason in (reasons.MODEL_REFUSED, reasons.DEFECT) else exhausted
            return conclude(status, (reason, message), seen)


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


def _taken_in(status: Status, result: TakenIn, seen: Observation) -> Status:
    record = result.record
    status = _closed(status, ended(result.move, record.message))
    if record.code != Code.OK:
        return failed(status, refused_intake(record), seen)
    return updated(status, source=record.source, facts=record.facts, layers=record.layers)


def _probed(status: Status, result: Probed, seen: Observation) -> Status:
    status = _closed(status, ended(result.move, evidence=result.probe.evidence))
    if result.network_open:
        return failed(status, (reasons.NETWORK_OPEN, isolation_sentence("probes")), seen)
    current = probed(status.rounds[-1], result.probe, result.telling)
    return _settled(_with_round(status, current), seen)


def _surrendered(status: Status, move: Surrender, seen: Observation) -> Status:
    status = _closed(status, move.ended)
    if role_of(move.work) is Role.AGENT:
        status = agent_usage.charged(status, _left_by(move.ended, seen))
        return failed(status, surrendered(move), seen)
    if move.work == INTAKE or move.fault.blame not in ROUND_BLAMES:
        return failed(status, surrendered(move), seen)
    current = status.rounds[-1]
    if current.image is None:
        return _with_round(status, faulted(current, move.fault))
    probe = ProbeResult(stage=stage_of(move.work), fault=move.fault.reason)
    return _settled(_with_round(status, probed(current, probe, fault_sentence(move))), seen)


def _left_by(attempt: Attempt, seen: Observation) -> Usage:
    """What an agent pod had used that came to nothing."""
    pod = seen.bench.pod(attempt.work, attempt.number)
    return agent_usage.used_by(pod.terminated.message) if pod and pod.terminated else Usage()


def _settled(status: Status, seen: Observation) -> Status:
    wanted = probes(seen.build.spec.acceptance is not None)
    return _with_round(
        status, settled(status.rounds[-1], wanted, seen.build.spec.environment.accept_error2_pass)
    )


def _with_round(status: Status, current: Round) -> Status:
    return updated(status, rounds=[*status.rounds[:-1], current])


def _concluded(status: Status, seen: Observation) -> Status | None:
    """The end of the search, when the last round is one."""
    if not status.rounds or status.rounds[-1].outcome is None:
        return None
    current = status.rounds[-1]
    outcome = RoundOutcome(current.outcome or "")
    if outcome in WINNING:
        basis = WINNING[outcome] if seen.build.spec.acceptance is not None else "tests-ran"
        sentence = (
            f"round {ordinal(current.number)} ({current.strategy}: {current.label}) was accepted on {basis}"
        )
        return _with_image(_ready(status, sentence, seen), current, seen, accepted_on=basis)
    # Agents may have written a command that tests nothing, and a reused image may hold a later commit's installation.
    tells = current.strategy != AGENTS and current.parent is None
    if outcome is RoundOutcome.BOTH_PASSED and tells:
        sentence = "the tests pass with and without the fix: another environment would not change that"
        return _with_image(exhausted(status, (reasons.ROW_DISPROVEN, sentence), seen), current, seen)
    return None


def exhausted(status: Status, why: Why, seen: Observation) -> Status:
    """No image was accepted; the best that could be judged is given all the same, so that the row gets its verdict."""
    best = next((item for item in reversed(status.rounds) if judgeable(item)), None)
    status = failed(status, why, seen)
    return status if best is None else _with_image(status, best, seen)


def judgeable(item: Round) -> bool:
    """Whether every probe of the round gave a result: then the row, not the environment, may be to blame.

    Not that of a reused image: it was made for another commit.
    """
    codes = [probe.code for probe in item.probes]
    conclusive = {Code.OK, Code.TESTS_FAILED}
    made_for_it = item.image is not None and item.parent is None
    return made_for_it and len(codes) > 1 and all(code in conclusive for code in codes)


def _with_image(status: Status, current: Round, seen: Observation, accepted_on: str | None = None) -> Status:
    return updated(
        status,
        image=current.image,
        image_name=seen.image_name(current.number),
        draft=current.draft,
        strategy=current.strategy,
        accepted_on=accepted_on,
    )


def _ready(status: Status, message: str, seen: Observation) -> Status:
    return finished(
        status, "Ready", {READY: "True", SUCCEEDED: "True"}, (reasons.ACCEPTED, message), seen.stamp
    )


def failed(status: Status, why: Why, seen: Observation) -> Status:
    """Work ended without an accepted image."""
    return finished(status, "Failed", FAILED, why, seen.stamp)


def _under_way(status: Status, results: Sequence[Result], seen: Observation) -> Status:
    phase, reason = _phase(status, seen, results)
    message = "; ".join(filter(None, [_progress(status), waiting_sentence(results)]))
    return under_way(status, phase, {SUCCEEDED: "Unknown"}, (reason, message), seen.stamp)


def _phase(status: Status, seen: Observation, results: Sequence[Result]) -> tuple[EnvPhase, str]:
    if any(isinstance(item, Await) and item.reason == reasons.WAITING_FOR_SIBLING for item in results):
        return "Pending", reasons.WAITING_FOR_SIBLING
    if seen.prepared is None and status.source is None:
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
