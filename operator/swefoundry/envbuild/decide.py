"""The next step for an EnvBuild: an ordered tuple of rules, first answer wins. Pure.

::

    taken in ─> propose ─> build ─> probe ─┬─> accepted
                  ^                        └─> a named failure
                  └────── next draft <─────────┘      (none left: exhausted)
"""

from collections.abc import Callable

from swefoundry.api import reasons
from swefoundry.attempts.decide import pursue, unless_suspended
from swefoundry.envbuild.observe import Observation
from swefoundry.envbuild.steps import (
    INTAKE,
    Exhaust,
    Propose,
    Pursue,
    Rest,
    Step,
    build_work,
    probe_work,
    probes,
)

Rule = Callable[[Observation], Step | None]


def decide(seen: Observation) -> Step:
    """The first rule that has an opinion."""
    for rule in RULES:
        step = rule(seen)
        if step is not None:
            return step
    return Rest()


def deleted_builds_are_left(seen: Observation) -> Step | None:
    """Owner references take its pods along."""
    return Rest() if seen.build.deleting else None


def finished_builds_rest(seen: Observation) -> Step | None:
    """An accepted image, or the lack of one, is final: the spec is immutable."""
    return Rest() if seen.build.status.finished_at is not None else None


def sources_are_taken_in(seen: Observation) -> Step | None:
    """Only where no TaskInstance did it already."""
    return Pursue((pursue(INTAKE, seen.bench),)) if seen.prepared is None else None


def drafts_are_built(seen: Observation) -> Step | None:
    """The open round has no image yet."""
    current = seen.open_round
    if current is None or current.image is not None:
        return None
    return Pursue((unless_suspended(pursue(build_work(current.number), seen.bench), seen.suspended),))


def images_are_probed(seen: Observation) -> Step | None:
    """The open round has an image: before and after, at the same time."""
    current = seen.open_round
    if current is None:
        return None
    ended = {probe.stage for probe in current.probes}
    missing = [stage for stage in probes(seen.build.spec.acceptance is not None) if stage not in ended]
    moves = (pursue(probe_work(stage, current.number), seen.bench) for stage in missing)
    return Pursue(tuple(unless_suspended(move, seen.suspended) for move in moves))


def spent_budgets_end_the_search(seen: Observation) -> Step | None:
    """Before a round is begun, not in its middle."""
    status, budget = seen.build.status, seen.build.spec.budget
    if len(status.rounds) >= budget.rounds:
        return Exhaust(
            reasons.BUDGET_SPENT, f"{budget.rounds} rounds were tried; raise spec.budget.rounds to go on"
        )
    if status.pod_seconds >= budget.pod_seconds:
        spent = f"pods ran for {status.pod_seconds:.0f} of {budget.pod_seconds} seconds"
        return Exhaust(reasons.BUDGET_SPENT, f"{spent}; raise spec.budget.podSeconds to go on")
    return None


def next_drafts_are_proposed(seen: Observation) -> Step | None:
    """What the last round taught picks the next draft."""
    return Propose()


RULES: tuple[Rule, ...] = (
    deleted_builds_are_left,
    finished_builds_rest,
    sources_are_taken_in,
    drafts_are_built,
    images_are_probed,
    spent_budgets_end_the_search,
    next_drafts_are_proposed,
)
"""Order is meaning; a test pins it."""
