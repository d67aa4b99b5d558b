"""Reads everything that the decision about an EnvBuild needs, before the decision is made.

::

    cache ──> object, pods, usage of the others ──STATUS_RULES──> answered: no further read
                                                     └─ no answer ──> SearchState, from the registry
"""

from dataclasses import replace
from datetime import datetime

from swefoundry import errors
from swefoundry.api.resource import parse_env_build
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.facts import Facts
from swefoundry.controllers.envbuild.leader import (
    find_last_resort,
    find_leader,
    find_trial,
    is_suspended,
    is_unlikely,
    may_wait,
    reuses_images,
)
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.reuse.candidates import named_candidate, read_proven
from swefoundry.controllers.envbuild.round_transitions import ended_rounds
from swefoundry.controllers.envbuild.rules import STATUS_RULES, first_step
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.envbuild.search_state import (
    AwaitedLeader,
    ParentUnfinished,
    ParentUnusable,
    Search,
    SearchState,
    SearchUnreadable,
)
from swefoundry.controllers.envbuild.strategy_order import next_strategies, ordered_strategies
from swefoundry.drafts.environment_group import EnvironmentGroup, found_group
from swefoundry.drafts.proposal import StrategyInput, TriedRound
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.lifecycle import owned_pods


async def observe(key: Key, context: EnvBuildContext, now: datetime) -> Observation | None:
    """The observation to decide on; None when the object is gone.

    The state of the search is gathered only when STATUS_RULES do not decide the step. Raises
    ``pydantic.ValidationError`` on an object that the models refuse.
    """
    observed = observe_cached(key, context, now)
    if observed is None or first_step(STATUS_RULES, observed) is not None:
        return observed
    return replace(observed, search=await gather_search(observed, context))


def observe_cached(key: Key, context: EnvBuildContext, now: datetime) -> Observation | None:
    """The part of the observation that is in memory."""
    body = context.cache.get(key)
    if body is None:
        return None
    build = parse_env_build(body)
    return Observation(
        build=build,
        pods=owned_pods(context, build.uid),
        settings=context.settings,
        now=now,
        suspended=is_suspended(body, context),
        other_usage=context.coordination.usage_index.excluding(key),
    )


async def gather_search(observed: Observation, context: EnvBuildContext) -> Search:
    """The state of the search. An error is part of it, so that the status is still written.

    The leader is looked up last, and nothing is awaited between that and the action that waits for it or takes over.
    """
    try:
        facts = await context.facts(observed.repository, observed.require_source().facts)
        group = _group(observed, facts, context)
        while True:
            leaders = _leader_keys(observed, context)
            search = await _read_search(observed, facts, group, context)
            if not isinstance(search, SearchState):
                return search
            search = _with_leader(search, observed, context)
            # A leader that ended during the reads may have left an image that they have missed.
            if search.reuses_image or leaders <= _leader_keys(observed, context):
                return search
    except errors.SwefoundryError as error:
        return SearchUnreadable(error)


def _group(observed: Observation, facts: Facts, context: EnvBuildContext) -> EnvironmentGroup | None:
    if not reuses_images(observed):
        return None
    own = found_group(facts, observed.build.spec.created_at)
    return context.coordination.assign_group(observed.build, own)


def _leader_keys(observed: Observation, context: EnvBuildContext) -> set[Key]:
    """The leaders of the repository, where one may be waited for."""
    if not may_wait(observed, context):
        return set()
    return set(context.coordination.search_index.leaders(observed.build.spec.repo))


def _leader(
    observed: Observation, group: EnvironmentGroup | None, context: EnvBuildContext, has_next: bool
) -> AwaitedLeader | None:
    if group is None or not may_wait(observed, context):
        return None
    find = find_leader if has_next else find_last_resort
    return find(observed.build, group, context)


def _with_leader(search: SearchState, observed: Observation, context: EnvBuildContext) -> SearchState:
    """The state with the search that is to be waited for."""
    image, repo = search.proposed_image, observed.build.spec.repo
    if image is None or search.group is None:
        leader = _leader(observed, search.group, context, search.has_next)
        return search if leader is None else replace(search, leader=leader)
    if not may_wait(observed, context) or not is_unlikely(image, search.group, repo, context):
        return search
    leader = find_trial(observed.build, search.group, image.parent.image, context)
    return replace(search, unlikely=True, leader=leader)


async def _read_search(
    observed: Observation, facts: Facts, group: EnvironmentGroup | None, context: EnvBuildContext
) -> SearchState | ParentUnusable | ParentUnfinished:
    environment, status = observed.build.spec.environment, observed.build.status
    strategies = next_strategies(ordered_strategies(environment, observed.settings), status.agents)
    named = await named_candidate(observed, context)
    if isinstance(named, ParentUnusable | ParentUnfinished):
        return named
    proven = await read_proven(
        observed, context, facts, strategies, lambda: _unfit_images(observed, group, context)
    )
    strategy_input = _strategy_input(observed, facts, await _past_rounds(observed, context))
    candidates = proven.candidates if named is None else (named,)
    strategy_input = strategy_input.model_copy(
        update={"reuse_candidates": candidates, "references": proven.references}
    )
    return SearchState(strategies, strategy_input, group)


def _unfit_images(
    observed: Observation, group: EnvironmentGroup | None, context: EnvBuildContext
) -> frozenset[Digest]:
    if group is None:
        return frozenset()
    return context.coordination.search_index.unfit_images(observed.build.spec.repo, group)


def _strategy_input(
    observed: Observation, facts: Facts, past_rounds: tuple[TriedRound, ...]
) -> StrategyInput:
    spec = observed.build.spec
    return StrategyInput(
        facts=facts,
        repo=spec.repo,
        language=spec.language,
        created_at=spec.created_at,
        version=spec.version,
        draft=spec.environment.draft,
        overrides=spec.environment.overrides,
        base_images=observed.settings.base_images,
        past_rounds=past_rounds,
    )


async def _past_rounds(observed: Observation, context: ReconcileContext) -> tuple[TriedRound, ...]:
    rounds = []
    for item, outcome in ended_rounds(observed.build.status.tried_rounds):
        draft = await context.draft(observed.repository, item.draft)
        rounds.append(
            TriedRound(
                strategy=item.strategy,
                label=item.label,
                draft=draft,
                outcome=outcome,
                message=item.message or "",
                parent=item.parent,
            )
        )
    return tuple(rounds)
