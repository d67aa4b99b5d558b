"""The next step for an EnvBuild: an ordered tuple of rules, the first answer counts. Pure.

::

    intake ─> next round ─┬─> checkout ──┬────────> probes ─┬─> accepted
                 ^        │              └ rebuild ──^      ├─> row disproven
                 │        ├──────────────> build ────┤      └─> a named failure ─┐
                 │        └─> agents draft ─^                                    │
                 └───────────────────── next round <─────────────────────────────┘ (none left: exhausted)
"""

from collections.abc import Callable, Iterable

from swefoundry.api import reasons
from swefoundry.api.envbuild import Round
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import Stage
from swefoundry.contracts.strategy_names import AGENTS
from swefoundry.controllers.envbuild.budget import decide_budget, spent_search_budget
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.round_transitions import OOM_KILLED, best_judged_round, outcome_summary
from swefoundry.controllers.envbuild.search_state import (
    ParentUnfinished,
    ParentUnusable,
    SearchState,
    SearchUnreadable,
    WaitReason,
)
from swefoundry.controllers.envbuild.steps import (
    AcceptRound,
    EndAgents,
    EndSearch,
    RequestAgents,
    RetryLater,
    StartRound,
    Step,
    WaitForSearch,
    probe_stages,
)
from swefoundry.controllers.steps import NoOp, Restart, RunWork
from swefoundry.drafts import can_disprove_row
from swefoundry.text.plurals import pluralize
from swefoundry.workloads.attempt import INTAKE_WORK, Work, WorkKind, evaluation_work
from swefoundry.workloads.decide import Move, StartPod, hold_if_suspended, next_move

ACCEPTANCE_BASIS = {
    RoundOutcome.ACCEPTED: "fail2pass",
    RoundOutcome.ACCEPTED_ERROR2PASS: "error2pass",
}
"""`status.acceptedOn` by outcome, where there is a fix to compare with."""

MEMORY_ROUNDS = 2
"""Images in which tests are killed for their memory without the fix, and pass with it, before the search ends."""

Rule = Callable[[Observation], Step | None]


def decide(observed: Observation) -> Step:
    """The first step that a rule answers with."""
    return first_step(RULES, observed) or NoOp()


def first_step(rules: Iterable[Rule], observed: Observation) -> Step | None:
    """The answer of the first of some rules that has one."""
    return next((step for rule in rules if (step := rule(observed)) is not None), None)


def end_of_search(observed: Observation) -> AcceptRound | EndSearch | None:
    """The end of the search, when the status alone decides it: it needs no action and no further read."""
    step = first_step(STATUS_RULES, observed)
    return step if isinstance(step, AcceptRound | EndSearch) else None


def follows_from_status(observed: Observation) -> bool:
    """Whether the object and its pods alone say which pods are needed next."""
    return isinstance(first_step(STATUS_RULES, observed), RunWork)


def deleted_builds_rest(observed: Observation) -> Step | None:
    """Garbage collection removes its pods."""
    return NoOp() if observed.build.deleting else None


def failed_builds_are_restarted(observed: Observation) -> Step | None:
    """The annotation has a value that was not acted on, and there is no image."""
    build = observed.build
    failed = build.status.finished_at is not None and build.status.image is None
    return Restart(build.retry) if failed and build.retry not in ("", build.status.retried) else None


def finished_builds_rest(observed: Observation) -> Step | None:
    """An accepted image, or the lack of one, is final: the spec is immutable."""
    return NoOp() if observed.build.status.finished_at is not None else None


def models_are_configured(observed: Observation) -> Step | None:
    """Agents that are asked for by name need a model; reported before anything is paid for."""
    if AGENTS not in observed.build.spec.environment.strategies or observed.settings.models:
        return None
    return _end_search(
        observed,
        reasons.AGENTS_NOT_CONFIGURED,
        "the strategy agents is requested but no model is configured: set agents.models in the chart's values",
    )


def sources_are_taken_in(observed: Observation) -> Step | None:
    """Only where no TaskInstance did it already."""
    if observed.prepared_source is not None:
        return None
    return RunWork((next_move(INTAKE_WORK, observed.work_state),))


def accepted_rounds_end_the_search(observed: Observation) -> Step | None:
    """The last round's probes accepted its image."""
    last = observed.last_round
    if last is None or last.outcome not in ACCEPTANCE_BASIS:
        return None
    has_patches = observed.build.spec.acceptance is not None
    return AcceptRound(last, ACCEPTANCE_BASIS[last.outcome] if has_patches else "tests-ran")


def disproven_rows_end_the_search(observed: Observation) -> Step | None:
    """The tests pass without the fix, in an image and by a command that can be relied on.

    Where root may be the reason, because the tests ask for permissions, one more round runs them as an ordinary user.
    """
    rounds = observed.build.status.rounds
    disproving = next((item for item in rounds if _disproves_row(item)), None)
    if disproving is None or observed.open_round is not None:
        return None
    last = rounds[-1]
    if disproving is last and last.root_sensitive:
        return None
    message = "the tests pass with and without the fix: another environment would not change that"
    if disproving is not last:
        message += f", nor does another user (round {last.number}: {last.outcome})"
    return EndSearch(reasons.ROW_DISPROVEN, message, judged_round=disproving)


def _disproves_row(item: Round) -> bool:
    return item.outcome is RoundOutcome.BOTH_PASSED and can_disprove_row(
        item.strategy, item.parent, item.tolerated
    )


def rows_that_use_up_memory_end_the_search(observed: Observation) -> Step | None:
    """Without the fix the tests are killed for their memory, in several images in which they pass with it."""
    killed = [item.number for item in observed.build.status.rounds if _uses_up_memory_before(item)]
    if len(killed) < MEMORY_ROUNDS or observed.open_round is not None:
        return None
    rounds = ", ".join(map(str, killed))
    message = f"without the fix the tests use up all memory (rounds {rounds})"
    return EndSearch(reasons.BEFORE_OUT_OF_MEMORY, f"{message}: another environment would not change that")


def _uses_up_memory_before(item: Round) -> bool:
    before = next((probe for probe in item.probes if probe.stage is Stage.BEFORE), None)
    killed = before is not None and before.fault == OOM_KILLED
    return killed and item.outcome is RoundOutcome.BEFORE_UNCLEAR


def reused_images_are_checked_out(observed: Observation) -> Step | None:
    """The open round reuses a proven image: the new tree becomes a layer on it, without a build."""
    current = observed.open_round
    if current is None or current.parent is None or current.composed is not None:
        return None
    return RunWork((_next_move(WorkKind.CHECKOUT, current, observed),))


def drafts_are_built(observed: Observation) -> Step | None:
    """The open round has no image yet: build its draft, or run its rebuild command in the reused image."""
    current = observed.open_round
    if current is None or current.image is not None:
        return None
    return RunWork((_next_move(WorkKind.BUILD, current, observed),))


def images_are_probed(observed: Observation) -> Step | None:
    """The open round has an image: probe it before and after the fix, at the same time."""
    current = observed.open_round
    if current is None:
        return None
    ended = {probe.stage for probe in current.probes}
    stages = probe_stages(observed.build.spec.acceptance is not None)
    works = (evaluation_work(stage, current.index) for stage in stages if stage not in ended)
    return RunWork(tuple(_hold_or_move(work, observed) for work in works))


def spent_agent_budgets_end_the_agents(observed: Observation) -> Step | None:
    """No agent pod is started once nothing is left of a budget for models; one that runs may end."""
    if not isinstance(_agent_move(observed), StartPod):
        return None
    spent = decide_budget(observed.build, observed.other_usage, observed.settings).spent
    return EndAgents(spent) if spent else None


def agents_write_their_draft(observed: Observation) -> Step | None:
    """A draft is requested of the agents: one pod writes it."""
    move = _agent_move(observed)
    return RunWork((move,)) if move is not None else None


def spent_budgets_end_the_search(observed: Observation) -> Step | None:
    """Rounds, pod-seconds or time are spent: no further round begins, and an open one goes on."""
    spent = spent_search_budget(observed.build, observed.now)
    return _end_search(observed, reasons.BUDGET_SPENT, spent) if spent else None


def unreadable_searches_are_retried(observed: Observation) -> Step | None:
    """The API or the registry failed while the state of the search was read."""
    search = observed.search
    return RetryLater(search.error) if isinstance(search, SearchUnreadable) else None


def unusable_parents_end_the_search(observed: Observation) -> Step | None:
    """The EnvBuild that a person names has no image to reuse: only a person can help."""
    search = observed.search
    if not isinstance(search, ParentUnusable):
        return None
    return EndSearch(reasons.PARENT_UNUSABLE, search.message)


def unfinished_parents_are_awaited(observed: Observation) -> Step | None:
    """The EnvBuild that a person names has not ended yet."""
    search = observed.search
    if not isinstance(search, ParentUnfinished):
        return None
    return WaitForSearch(f"EnvBuild {search.name} has not ended yet", reason=WaitReason.LAST_RESORT)


def proven_images_are_reused(observed: Observation) -> Step | None:
    """The best proposal is a proven image, which is tried without waiting for anybody, unless it is an unlikely one."""
    search = observed.search
    if not isinstance(search, SearchState) or search.proposal is None or not search.reuses_image:
        return None
    if search.unlikely and search.leader is not None:
        return None
    return StartRound(search.proposal, leads=search.unlikely)


def older_searches_are_awaited(observed: Observation) -> Step | None:
    """Before a draft from scratch, or an unlikely image: wait for the leading search, which may make it unnecessary."""
    search = observed.search
    if not isinstance(search, SearchState) or search.leader is None:
        return None
    leader, seconds = search.leader, observed.settings.sibling_wait_seconds
    name = f"EnvBuild {leader.key.namespace}/{leader.key.name} of the same repository"
    message = {
        WaitReason.GROUP: f"and group ({search.group}) is searched first, because its image may be reusable",
        WaitReason.BUILD_PLACE: "is searched first, because its image may be reusable and no build place is free",
        WaitReason.LAST_RESORT: "is searched first, and there is nothing else to try than its image",
    }[leader.reason]
    limit = f"the wait is at most {seconds} s in total (sibling_wait_seconds)"
    return WaitForSearch(
        f"{name} {message}; {limit}", observed.leader_wait_left.total_seconds(), leader.reason
    )


def new_drafts_are_tried(observed: Observation) -> Step | None:
    """A strategy that needs no model (fixed, recipe) has a draft that was not tried yet."""
    search = observed.search
    if not isinstance(search, SearchState) or search.proposal is None:
        return None
    return StartRound(search.proposal, leads=True)


def agents_are_requested(observed: Observation) -> Step | None:
    """The agents are next in the order of the strategies."""
    search = observed.search
    return RequestAgents() if isinstance(search, SearchState) and search.strategies.agents else None


def exhausted_searches_end(observed: Observation) -> Step | None:
    """No strategy has another draft."""
    if not isinstance(observed.search, SearchState):
        return None
    reason, message = _exhausted_reason(observed)
    if reason in (reasons.MODEL_REFUSED, reasons.DEFECT, reasons.AGENTS_ROW_AT_FAULT):
        # A wrong key says nothing about the row, so the row gets no verdict on what was built before. A row that a
        # model holds responsible gets none either: no evaluation that passes by chance makes it valid.
        return EndSearch(reason, message)
    return _end_search(observed, reason, message)


STATUS_RULES: tuple[Rule, ...] = (
    deleted_builds_rest,
    failed_builds_are_restarted,
    finished_builds_rest,
    models_are_configured,
    sources_are_taken_in,
    accepted_rounds_end_the_search,
    disproven_rows_end_the_search,
    rows_that_use_up_memory_end_the_search,
    reused_images_are_checked_out,
    drafts_are_built,
    images_are_probed,
    spent_agent_budgets_end_the_agents,
    agents_write_their_draft,
    spent_budgets_end_the_search,
)
"""Rules that answer from the object and its pods. When none does, `observe` gathers the state of the search."""

SEARCH_RULES: tuple[Rule, ...] = (
    unreadable_searches_are_retried,
    unusable_parents_end_the_search,
    unfinished_parents_are_awaited,
    proven_images_are_reused,
    older_searches_are_awaited,
    new_drafts_are_tried,
    agents_are_requested,
    exhausted_searches_end,
)
"""Rules that choose the next round."""

RULES: tuple[Rule, ...] = STATUS_RULES + SEARCH_RULES
"""The order decides; a test pins it."""


def _end_search(observed: Observation, reason: str, message: str) -> EndSearch:
    """An end with the best image that there is."""
    return EndSearch(reason, message, best_judged_round(observed.build.status.rounds))


def _next_move(kind: WorkKind, current: Round, observed: Observation) -> Move:
    return _hold_or_move(Work(kind, current.index), observed)


def _hold_or_move(work: Work, observed: Observation) -> Move:
    return hold_if_suspended(next_move(work, observed.work_state), observed.suspended)


def _agent_move(observed: Observation) -> Move | None:
    """The move of the agents' work; None when none is requested, or time ran out before its pod was started."""
    agents = observed.build.status.agents
    if agents is None or agents.drafting is None:
        return None
    move = _hold_or_move(Work(WorkKind.AGENT, agents.drafting - 1), observed)
    spent = isinstance(move, StartPod) and spent_search_budget(observed.build, observed.now)
    return None if spent else move


def _exhausted_reason(observed: Observation) -> tuple[str, str]:
    status = observed.build.status
    reason, ended = reasons.DRAFTS_EXHAUSTED, ""
    if status.agents is not None and status.agents.end_reason is not None:
        reason, ended = status.agents.end_reason, status.agents.message or ""
    if not status.rounds:
        known = observed.search.refusal if isinstance(observed.search, SearchState) else None
        unsupported = known or "no strategy supports this kind of project"
        return reason, ended or f"{unsupported}; set spec.environment.draft"
    count = pluralize(len(status.rounds), "draft")
    tried = f"{count} tried; the last: {outcome_summary(status.rounds[-1])}"
    return reason, "; ".join(filter(None, [ended, tried]))
