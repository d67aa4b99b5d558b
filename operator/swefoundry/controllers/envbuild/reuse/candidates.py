"""Reusing proven images: which are near, laying the new tree over one, and what is remembered in the end.

The strategy itself (`drafts/reuse.py`) is pure; this is where it meets the registry.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from swefoundry import errors
from swefoundry.api import reasons
from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.api.resource import EnvBuild, parse_env_build
from swefoundry.contracts.checkout import CheckoutResult
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import ACCEPTED_OUTCOMES, RoundOutcome
from swefoundry.contracts.strategy_names import REUSE
from swefoundry.controllers.envbuild import leader
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.steps import CheckoutFinished, ParentUnusable
from swefoundry.controllers.envbuild.strategy_order import ordered_strategies
from swefoundry.drafts.proven_environment import (
    EnvironmentRecord,
    ProvenEnvironment,
    ReuseCandidate,
    nearest_environments,
)
from swefoundry.drafts.reuse import requires_build
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.oci import proven_index
from swefoundry.oci.artifacts import tag_image_by_digest
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.checkout.launch import CheckoutRequest, compose_from_parent, launch_checkout
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, StartPod, Wait
from swefoundry.workloads.lifecycle import PodStarted, Queued, count_finished_pod, new_attempt_ref

MAX_REFERENCES = 3
"""Proven drafts that are shown to the recipe and to agents."""

OUTCOMES_WITHOUT_REUSE_RESULT = frozenset(
    {RoundOutcome.INFRASTRUCTURE, RoundOutcome.POLICY_REFUSED, RoundOutcome.BOTH_PASSED}
)
"""Ends of a reuse that say nothing about the image."""

LEADER_WORK = "sibling"
"""What a wait for another EnvBuild is called among pieces of work."""


async def reuse_candidates(
    observed: Observation, context: ReconcileContext, facts: Facts
) -> tuple[ReuseCandidate, ...] | Wait | ParentUnusable:
    """Images to try, nearest first: the one that a person names, or the nearest of all that were proven."""
    if not _may_reuse(observed):
        return ()
    named = observed.build.spec.environment.parent_ref
    if named is not None:
        return await _named_candidate(named.name, observed, context) if not observed.reused_images else ()
    left = observed.settings.reuse_neighbours - len(observed.reused_images)
    if left <= 0:
        return ()
    entries = await context.proven_environments(observed.repository)
    untried = [
        item for item in entries if not item.reference and item.parent.image not in observed.reused_images
    ]
    return await _with_drafts(_nearest_environments(untried, observed, facts, left), observed, context)


async def draft_references(
    observed: Observation, context: ReconcileContext, facts: Facts
) -> tuple[ReuseCandidate, ...]:
    """What was proven for other commits, nearest first, whether or not the images do: drafts to learn from.

    Where reuse is not among the strategies, nothing is remembered: experiments compare with that.
    """
    if not _reuse_enabled(observed):
        return ()
    entries = _nearest_environments(
        await context.proven_environments(observed.repository), observed, facts, MAX_REFERENCES
    )
    return await _with_drafts(entries, observed, context)


def _nearest_environments(
    entries: Sequence[ProvenEnvironment], observed: Observation, facts: Facts, k: int
) -> list[ProvenEnvironment]:
    spec = observed.build.spec
    return nearest_environments(
        entries, facts.fingerprint, project_version(observed, facts), spec.created_at, k
    )


def project_version(observed: Observation, facts: Facts) -> str | None:
    """The version that the row names, else the tag nearest to its commit."""
    return observed.build.spec.version or facts.version_tag


async def _with_drafts(
    entries: Sequence[ProvenEnvironment], observed: Observation, context: ReconcileContext
) -> tuple[ReuseCandidate, ...]:
    found = []
    for item in entries:
        try:
            draft = await context.draft(observed.repository, item.known.draft)
        except errors.NotFound:  # a registry that was cleaned up by hand
            continue
        found.append(ReuseCandidate(**dict(item), draft=draft))
    return tuple(found)


def _reuse_enabled(observed: Observation) -> bool:
    return REUSE in ordered_strategies(observed.build.spec.environment, observed.settings)


def _may_reuse(observed: Observation) -> bool:
    return _reuse_enabled(observed) and not requires_build(observed.build.spec.environment.overrides)


# One that is named


async def _named_candidate(
    name: str, observed: Observation, context: ReconcileContext
) -> tuple[ReuseCandidate, ...] | Wait | ParentUnusable:
    try:
        found = await _get_named_build(name, observed, context)
    except errors.NotFound:
        return ParentUnusable(
            f"spec.environment.parentRef: there is no EnvBuild {name} in {observed.build.namespace}"
        )
    if found.spec.repo != observed.build.spec.repo:
        return ParentUnusable(f"spec.environment.parentRef: EnvBuild {name} is of {found.spec.repo}")
    if found.status.finished_at is None:
        leader.wait_for_leader(observed.build, context)
        return Wait(LEADER_WORK, reasons.WAITING_FOR_SIBLING, f"EnvBuild {name} has not ended yet")
    known = environment_record(found, found.status, "")
    if found.status.accepted_on is None or known is None:
        return ParentUnusable(f"spec.environment.parentRef: EnvBuild {name} has no proven image")
    last = found.status.rounds[-1]
    neighbour = ReuseCandidate(
        known=known, root=last.parent, draft=await context.draft(observed.repository, known.draft)
    )
    return (neighbour,)


async def _get_named_build(name: str, observed: Observation, context: ReconcileContext) -> EnvBuild:
    key = Key(BUILDS.kind, observed.build.namespace, name)
    body = context.cache.get(key)
    if body is None:
        body = {"kind": BUILDS.kind, **await context.kube.get(BUILDS, key.namespace, name)}
    return parse_env_build(body)


# Waiting for an older one


def leader_wait(observed: Observation, context: ReconcileContext) -> Wait | None:
    """The wait for an older EnvBuild of the repository, before the first draft is written from scratch."""
    begun = observed.build.uid in context.search_leaders or any(
        item.parent is None for item in observed.build.status.rounds
    )
    left = leader.wait_time_left(observed).total_seconds()
    named = observed.build.spec.environment.parent_ref is not None
    if begun or named or left <= 0 or not _may_reuse(observed) or not observed.settings.reuse_neighbours:
        return None
    elder = leader.find_leader(observed.build, context)
    if elder is None:
        return None
    leader.wait_for_leader(observed.build, context)
    limit = f"at most {observed.settings.sibling_wait_seconds} s in all (sibling_wait_seconds)"
    sentence = f"the image of EnvBuild {elder.namespace}/{elder.name}, which goes first, may do; {limit}"
    return Wait(LEADER_WORK, reasons.WAITING_FOR_SIBLING, sentence, left)


# The checkout


def _checkout_request(observed: Observation, tag: str = "") -> CheckoutRequest:
    """What is laid over what."""
    current = observed.open_round
    if observed.prepared_source is None or current is None or current.parent is None:
        raise errors.PermanentError(
            f"{observed.build.name}: a checkout without a source, or an image to lay it over"
        )
    return CheckoutRequest(observed.repository, current.parent, observed.prepared_source.source, tag)


async def start_checkout(
    move: StartPod, observed: Observation, context: ReconcileContext
) -> PodStarted | Queued:
    """Start the pod that makes the layer."""
    draft = await context.draft(observed.repository, observed.build.status.rounds[-1].draft)
    watched = None if draft.rebuild_when is None else tuple(draft.rebuild_when)
    what = replace(_checkout_request(observed), watched=watched)
    return await launch_checkout(context, new_attempt_ref(observed.owner, Role.INTAKE, move), move, what)


async def collect_checkout(
    move: CollectResult, observed: Observation, context: ReconcileContext
) -> CheckoutFinished:
    """Lay the layer over the image."""
    count_finished_pod(Role.INTAKE, move)
    record = CheckoutResult.model_validate(move.result.record)
    if record.code != ExitCode.OK or record.layer is None:
        return CheckoutFinished(
            move, record, message=record.message or f"the checkout ended with {record.code}"
        )
    current = observed.build.status.rounds[-1]
    draft = await context.draft(observed.repository, current.draft)
    complete = draft.rebuild_command is None or not record.stale
    tag = observed.image_tag(current.number) if complete else observed.composed_tag(current.number)
    what = _checkout_request(observed, tag)
    try:
        composed = await compose_from_parent(context, what, record.layer)
    except errors.NotFound as gone:
        return CheckoutFinished(
            move, record, message=f"the image {what.parent.image} cannot be reused: {gone}"
        )
    return CheckoutFinished(move, record, composed, complete)


# What is remembered


async def persist_before_status(
    observed: Observation, status: EnvBuildStatus, context: ReconcileContext
) -> EnvBuildStatus:
    """The status after everything that it teaches is in the registry: before it is written, so that nothing is lost.

    All of it is safe to do again: an operator that dies in between comes to the same status once more.
    """
    await _record_reuse_results(observed, status, context)
    if status.image is not None and status.image != observed.build.status.image:
        with suppress(errors.NotFound):  # removed by hand meanwhile: whoever needs it next will say so
            await tag_image_by_digest(context.registry, observed.repository, status.image)
    if status.accepted_on != "fail2pass" or status.remembered is not None or observed.prepared_source is None:
        return status
    facts = await context.facts(observed.repository, observed.prepared_source.facts)
    known = environment_record(observed.build, status, facts.fingerprint)
    if known is None:
        return status
    known = known.model_copy(
        update={"version": project_version(observed, facts), "source": observed.prepared_source.source}
    )
    draft = await context.draft(observed.repository, known.draft)
    digest = await proven_index.push_environment_record(context.registry, observed.repository, known, draft)
    return status.model_copy(update={"remembered": digest})


async def _record_reuse_results(
    observed: Observation, status: EnvBuildStatus, context: ReconcileContext
) -> None:
    ended_before = {item.number for item in observed.build.status.rounds if item.outcome is not None}
    for item in status.rounds:
        outcome = RoundOutcome(item.outcome) if item.outcome is not None else None
        if (
            item.parent is None
            or outcome is None
            or outcome in OUTCOMES_WITHOUT_REUSE_RESULT
            or item.number in ended_before
        ):
            continue
        accepted = outcome in ACCEPTED_OUTCOMES
        await proven_index.record_trial(
            context.registry, observed.repository, item.parent.image, observed.build.uid, accepted
        )


def environment_record(build: EnvBuild, status: EnvBuildStatus, fingerprint: str) -> EnvironmentRecord | None:
    """What an EnvBuild with an image teaches; None when it has none."""
    spec, own = build.spec, build.spec.source.artifact
    source = own.digest if own is not None else status.source
    if status.image is None or status.draft is None or source is None or not status.rounds:
        return None
    last = status.rounds[-1]
    return EnvironmentRecord(
        repo=spec.repo,
        image=status.image,
        source=source,
        draft=status.draft,
        fingerprint=fingerprint,
        version=spec.version,
        created_at=spec.created_at,
        strategy=last.strategy,
        parent=last.parent.image if last.parent is not None else None,
        accepted_on=status.accepted_on or "",
        env_build=f"{build.namespace}/{build.name}",
        experiment=build.experiment or None,
        evidence={probe.stage.value: probe.evidence for probe in last.probes if probe.evidence is not None},
    )
