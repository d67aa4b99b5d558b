"""Proven environments of the same repository: images to reuse, and drafts to learn from.

The strategy itself (`drafts/reuse.py`) is pure; this module reads what it chooses from.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from swefoundry import errors
from swefoundry.api.resource import EnvBuild, parse_env_build
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.reuse.environment_records import environment_record, project_version
from swefoundry.controllers.envbuild.search_state import ParentUnfinished, ParentUnusable
from swefoundry.controllers.envbuild.strategy_order import (
    NextStrategies,
    may_reuse_image,
    reuse_enabled,
)
from swefoundry.drafts.proven_environment import ProvenEnvironment, ReuseCandidate, nearest_environments
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext

MAX_REFERENCES = 3
"""Proven drafts that are shown to the recipe and to the agents."""


@dataclass(frozen=True)
class ProvenChoices:
    """Proven environments for the next round, nearest first."""

    candidates: tuple[ReuseCandidate, ...] = ()
    """Images to try."""
    references: tuple[ReuseCandidate, ...] = ()
    """Drafts to learn from, whether or not their images can be reused."""


async def read_proven(
    observed: Observation,
    context: ReconcileContext,
    facts: Facts,
    strategies: NextStrategies,
    unfit: Callable[[], Collection[Digest]],
) -> ProvenChoices:
    """Candidates and references, from one listing of the repository's tags; none when neither is needed.

    ``unfit``: images that are not tried, asked for after the listing, because a trial may end meanwhile.
    """
    max_candidates = _candidates_left(observed)
    learns = RECIPE in strategies.without_model and _reuse_enabled(observed)
    if not max_candidates and not learns:
        return ProvenChoices()
    entries = await context.proven_environments(observed.repository)
    tried = {*observed.reused_images, *unfit()}
    untried = [item for item in entries if not item.reference and item.parent.image not in tried]
    near = _nearest(untried, observed, facts, max_candidates) if max_candidates else []
    references = _nearest(entries, observed, facts, MAX_REFERENCES) if learns else []
    return ProvenChoices(
        await _with_drafts(near, observed, context), await _with_drafts(references, observed, context)
    )


async def draft_references(
    observed: Observation, context: ReconcileContext, facts: Facts
) -> tuple[ReuseCandidate, ...]:
    """Proven drafts for the agents to learn from, nearest first; none when reuse is not among the strategies."""
    if not _reuse_enabled(observed):
        return ()
    entries = await context.proven_environments(observed.repository)
    return await _with_drafts(_nearest(entries, observed, facts, MAX_REFERENCES), observed, context)


async def named_candidate(
    observed: Observation, context: ReconcileContext
) -> ReuseCandidate | ParentUnusable | ParentUnfinished | None:
    """The image of the EnvBuild that `spec.environment.parentRef` names; None when none is named, or it was tried."""
    environment = observed.build.spec.environment
    if environment.parent_ref is None or observed.reused_images:
        return None
    if not may_reuse_image(environment, observed.settings):
        return None
    name = environment.parent_ref.name
    try:
        parent = await _get_build(name, observed, context)
    except errors.NotFound:
        return _unusable(f"EnvBuild {name} does not exist in namespace {observed.build.namespace}")
    if parent.spec.repo != observed.build.spec.repo:
        return _unusable(f"EnvBuild {name} is for the repository {parent.spec.repo}")
    if parent.status.finished_at is None:
        return ParentUnfinished(name)
    record = environment_record(parent, parent.status, "")
    if parent.status.accepted_on is None or record is None:
        return _unusable(f"EnvBuild {name} has no proven image")
    draft = await context.draft(observed.repository, record.draft)
    return ReuseCandidate(known=record, root=parent.status.rounds[-1].parent, draft=draft)


def _unusable(message: str) -> ParentUnusable:
    return ParentUnusable(f"spec.environment.parentRef: {message}")


async def _get_build(name: str, observed: Observation, context: ReconcileContext) -> EnvBuild:
    key = Key(BUILDS.kind, observed.build.namespace, name)
    body = context.cache.get(key)
    if body is None:
        body = {"kind": BUILDS.kind, **await context.kube.get(BUILDS, key.namespace, name)}
    return parse_env_build(body)


def _reuse_enabled(observed: Observation) -> bool:
    return reuse_enabled(observed.build.spec.environment, observed.settings)


def _candidates_left(observed: Observation) -> int:
    """How many images may still be tried; a named image leaves no place for others."""
    environment = observed.build.spec.environment
    if environment.parent_ref is not None or not may_reuse_image(environment, observed.settings):
        return 0
    return max(0, observed.settings.reuse_neighbours - len(observed.reused_images))


def _nearest(
    entries: Sequence[ProvenEnvironment], observed: Observation, facts: Facts, k: int
) -> list[ProvenEnvironment]:
    build = observed.build
    version = project_version(build, facts)
    return nearest_environments(entries, facts.fingerprint, version, build.spec.created_at, k)


async def _with_drafts(
    entries: Sequence[ProvenEnvironment], observed: Observation, context: ReconcileContext
) -> tuple[ReuseCandidate, ...]:
    candidates = []
    for item in entries:
        try:
            draft = await context.draft(observed.repository, item.known.draft)
        except errors.NotFound:  # a registry that was cleaned up by hand
            continue
        candidates.append(ReuseCandidate(**dict(item), draft=draft))
    return tuple(candidates)
