"""The next step for an EnvBuild: an ordered tuple of rules, first answer wins. Pure.

::

    taken in ─> propose ─┬─> checkout ──┬────────> probe ─┬─> accepted
                ^        │              └ rebuild ─^      └─> a named failure
                │        ├──────────────> build ───┤          │
                │        └─> agents draft ─^       (none left: exhausted)
                └────────────── next draft <──────────────────┘
"""

from collections.abc import Callable

from swefoundry.api import reasons
from swefoundry.contracts.budgets import SearchCosts, costs_refusal
from swefoundry.contracts.strategy_names import AGENTS
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.steps import (
    EndSearch,
    Propose,
    Step,
    agent_work,
    build_work,
    checkout_work,
    probe_stages,
    probe_work,
)
from swefoundry.controllers.steps import NoOp, RunWork
from swefoundry.workloads.decide import StartPod, hold_if_suspended, next_move
from swefoundry.workloads.intake.launch import INTAKE_WORK

MAX_ROUNDS = 50
"""Of all kinds together: the list in the status ends there."""

Rule = Callable[[Observation], Step | None]


def decide(observed: Observation) -> Step:
    """The first rule that has an opinion."""
    for rule in RULES:
        step = rule(observed)
        if step is not None:
            return step
    return NoOp()


def deleted_builds_rest(observed: Observation) -> Step | None:
    """Owner references take its pods along."""
    return NoOp() if observed.build.deleting else None


def finished_builds_rest(observed: Observation) -> Step | None:
    """An accepted image, or the lack of one, is final: the spec is immutable."""
    return NoOp() if observed.build.status.finished_at is not None else None


def models_are_configured(observed: Observation) -> Step | None:
    """Said before anything is paid for."""
    if AGENTS not in observed.build.spec.environment.strategies or observed.settings.models:
        return None
    return EndSearch(
        reasons.AGENTS_NOT_CONFIGURED,
        "the strategy agents was asked for and no model is configured: set agents.models in the chart's values",
    )


def sources_are_taken_in(observed: Observation) -> Step | None:
    """Only where no TaskInstance did it already."""
    return (
        RunWork((next_move(INTAKE_WORK, observed.work_state),)) if observed.prepared_source is None else None
    )


def reused_images_are_checked_out(observed: Observation) -> Step | None:
    """The open round stands on a proven image: the new tree comes over it as a layer, with no build."""
    current = observed.open_round
    if current is None or current.parent is None or current.composed is not None:
        return None
    return RunWork(
        (
            hold_if_suspended(
                next_move(checkout_work(current.number), observed.work_state), observed.suspended
            ),
        )
    )


def drafts_are_built(observed: Observation) -> Step | None:
    """The open round has no image yet: its draft is built, or its rebuild command run in the reused image."""
    current = observed.open_round
    if current is None or current.image is not None:
        return None
    return RunWork(
        (hold_if_suspended(next_move(build_work(current.number), observed.work_state), observed.suspended),)
    )


def images_are_probed(observed: Observation) -> Step | None:
    """The open round has an image: before and after, at the same time."""
    current = observed.open_round
    if current is None:
        return None
    ended = {probe.stage for probe in current.probes}
    missing = [
        stage for stage in probe_stages(observed.build.spec.acceptance is not None) if stage not in ended
    ]
    moves = (next_move(probe_work(stage, current.number), observed.work_state) for stage in missing)
    return RunWork(tuple(hold_if_suspended(move, observed.suspended) for move in moves))


def agents_are_asked(observed: Observation) -> Step | None:
    """They were called: one pod writes one draft."""
    agents = observed.build.status.agents
    if agents is None or agents.drafting is None:
        return None
    move = hold_if_suspended(next_move(agent_work(agents.drafting), observed.work_state), observed.suspended)
    # Time may have run out while no place was free.
    return None if isinstance(move, StartPod) and _spent_budget(observed) else RunWork((move,))


def spent_budgets_end_the_search(observed: Observation) -> Step | None:
    """Before a round is begun, not in its middle."""
    spent = _spent_budget(observed)
    return EndSearch(reasons.BUDGET_SPENT, spent) if spent else None


def _spent_budget(observed: Observation) -> str:
    status, budget = observed.build.status, observed.build.spec.budget
    waited = observed.now - (status.started_at or observed.now)
    # Reused images are no drafts of this search; but a status has room for so many rounds and no more.
    built = sum(item.parent is None for item in status.rounds)
    rounds = built if len(status.rounds) < MAX_ROUNDS else max(budget.rounds, built)
    used = SearchCosts(rounds, int(status.pod_seconds), int(waited.total_seconds()))
    return costs_refusal(SearchCosts(budget.rounds, budget.pod_seconds, budget.wall_seconds), used)


def next_drafts_are_proposed(observed: Observation) -> Step | None:
    """What the last round taught picks the next draft."""
    return Propose()


RULES: tuple[Rule, ...] = (
    deleted_builds_rest,
    finished_builds_rest,
    models_are_configured,
    sources_are_taken_in,
    reused_images_are_checked_out,
    drafts_are_built,
    images_are_probed,
    agents_are_asked,
    spent_budgets_end_the_search,
    next_drafts_are_proposed,
)
"""Order is meaning; a test pins it."""
