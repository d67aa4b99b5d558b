"""Reusing proven images: which are near, laying the new tree over one, and what is remembered in the end.

The strategy itself (`drafts/reuse.py`) is pure; this is where it meets the registry.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from swefoundry import errors
from swefoundry.api import reasons
from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.api.resource import Build, build_from
from swefoundry.contracts.checkout import CheckoutRecord
from swefoundry.contracts.exit_codes import Code
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.controllers.envbuild import leader
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.steps import CheckedOut, Unusable
from swefoundry.controllers.envbuild.strategy_order import REUSE, strategies
from swefoundry.drafts.proven_environment import Known, Neighbour, Proven, nearest
from swefoundry.drafts.reuse import demands_a_build
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.oci import proven_index
from swefoundry.oci.artifacts import keep_image
from swefoundry.workloads.checkout.launch import Checkout, compose, launch_checkout
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Await, Collect, Launch
from swefoundry.workloads.lifecycle import Launched, Queued, count_end, ticket
from swefoundry.workloads.pod_spec import Role

REFERENCES = 3
"""Proven drafts that are shown to the recipe and to agents."""

ACCEPTED = frozenset({RoundOutcome.ACCEPTED, RoundOutcome.ACCEPTED_ERROR2PASS})
NO_TRIAL = frozenset({RoundOutcome.INFRASTRUCTURE, RoundOutcome.POLICY_REFUSED, RoundOutcome.BOTH_PASSED})
"""Ends of a reuse that say nothing about the image."""

SIBLING = "sibling"
"""What a wait for another EnvBuild is called among pieces of work."""


async def neighbours(
    observed: Observation, context: ReconcileContext, facts: Facts
) -> tuple[Neighbour, ...] | Await | Unusable:
    """Images to try, nearest first: the one that a person names, or the nearest of all that were proven."""
    if not _reuses(observed):
        return ()
    named = observed.build.spec.environment.parent_ref
    if named is not None:
        return await _named(named.name, observed, context) if not observed.reused else ()
    left = observed.settings.reuse_neighbours - len(observed.reused)
    if left <= 0:
        return ()
    entries = await context.proven(observed.repository)
    untried = [item for item in entries if not item.reference and item.parent.image not in observed.reused]
    return await _with_drafts(_near(untried, observed, facts, left), observed, context)


async def references(observed: Observation, context: ReconcileContext, facts: Facts) -> tuple[Neighbour, ...]:
    """What was proven for other commits, nearest first, whether or not the images do: drafts to learn from.

    Where reuse is not among the strategies, nothing is remembered: experiments compare with that.
    """
    if not _wanted(observed):
        return ()
    entries = _near(await context.proven(observed.repository), observed, facts, REFERENCES)
    return await _with_drafts(entries, observed, context)


def _near(entries: Sequence[Proven], observed: Observation, facts: Facts, k: int) -> list[Proven]:
    spec = observed.build.spec
    return nearest(entries, facts.fingerprint, version_of(observed, facts), spec.created_at, k)


def version_of(observed: Observation, facts: Facts) -> str | None:
    """The version that the row names, else the tag nearest to its commit."""
    return observed.build.spec.version or facts.version_tag


async def _with_drafts(
    entries: Sequence[Proven], observed: Observation, context: ReconcileContext
) -> tuple[Neighbour, ...]:
    found = []
    for item in entries:
        try:
            draft = await context.draft(observed.repository, item.known.draft)
        except errors.NotFound:  # a registry that was cleaned up by hand
            continue
        found.append(Neighbour(**dict(item), draft=draft))
    return tuple(found)


def _wanted(observed: Observation) -> bool:
    return REUSE in strategies(observed.build.spec.environment, observed.settings)


def _reuses(observed: Observation) -> bool:
    return _wanted(observed) and not demands_a_build(observed.build.spec.environment.overrides)


# One that is named


async def _named(
    name: str, observed: Observation, context: ReconcileContext
) -> tuple[Neighbour, ...] | Await | Unusable:
    try:
        found = await _build_named(name, observed, context)
    except errors.NotFound:
        return Unusable(
            f"spec.environment.parentRef: there is no EnvBuild {name} in {observed.build.namespace}"
        )
    if found.spec.repo != observed.build.spec.repo:
        return Unusable(f"spec.environment.parentRef: EnvBuild {name} is of {found.spec.repo}")
    if found.status.finished_at is None:
        leader.wait(observed.build, context)
        return Await(SIBLING, reasons.WAITING_FOR_SIBLING, f"EnvBuild {name} has not ended yet")
    known = known_of(found, found.status, "")
    if found.status.accepted_on is None or known is None:
        return Unusable(f"spec.environment.parentRef: EnvBuild {name} has no proven image")
    last = found.status.rounds[-1]
    neighbour = Neighbour(
        known=known, root=last.parent, draft=await context.draft(observed.repository, known.draft)
    )
    return (neighbour,)


async def _build_named(name: str, observed: Observation, context: ReconcileContext) -> Build:
    key = Key(BUILDS.kind, observed.build.namespace, name)
    body = context.cache.get(key)
    if body is None:
        body = {"kind": BUILDS.kind, **await context.kube.get(BUILDS, key.namespace, name)}
    return build_from(body)


# Waiting for an older one


def waiting(observed: Observation, context: ReconcileContext) -> Await | None:
    """The wait for an older EnvBuild of the repository, before the first draft is written from scratch."""
    begun = observed.build.uid in context.leading or any(
        item.parent is None for item in observed.build.status.rounds
    )
    left = leader.patience_left(observed).total_seconds()
    named = observed.build.spec.environment.parent_ref is not None
    if begun or named or left <= 0 or not _reuses(observed) or not observed.settings.reuse_neighbours:
        return None
    elder = leader.elder(observed.build, context)
    if elder is None:
        return None
    leader.wait(observed.build, context)
    limit = f"at most {observed.settings.sibling_wait_seconds} s in all (sibling_wait_seconds)"
    sentence = f"the image of EnvBuild {elder.namespace}/{elder.name}, which goes first, may do; {limit}"
    return Await(SIBLING, reasons.WAITING_FOR_SIBLING, sentence, left)


# The checkout


def _checkout(observed: Observation, tag: str = "") -> Checkout:
    """What is laid over what."""
    current = observed.open_round
    if observed.prepared is None or current is None or current.parent is None:
        raise errors.GiveUp(f"{observed.build.name}: a checkout without a source, or an image to lay it over")
    return Checkout(observed.repository, current.parent, observed.prepared.source, tag)


async def launch(move: Launch, observed: Observation, context: ReconcileContext) -> Launched | Queued:
    """Start the pod that makes the layer."""
    draft = await context.draft(observed.repository, observed.build.status.rounds[-1].draft)
    watched = None if draft.rebuild_when is None else tuple(draft.rebuild_when)
    what = replace(_checkout(observed), watched=watched)
    return await launch_checkout(context, ticket(observed.owner, Role.INTAKE, move), move, what)


async def collect(move: Collect, observed: Observation, context: ReconcileContext) -> CheckedOut:
    """Lay the layer over the image."""
    count_end(Role.INTAKE, move)
    record = CheckoutRecord.model_validate(move.finished.record)
    if record.code != Code.OK or record.layer is None:
        return CheckedOut(move, record, message=record.message or f"the checkout ended with {record.code}")
    current = observed.build.status.rounds[-1]
    draft = await context.draft(observed.repository, current.draft)
    complete = draft.rebuild_command is None or not record.stale
    tag = observed.image_tag(current.number) if complete else observed.composed_tag(current.number)
    what = _checkout(observed, tag)
    try:
        composed = await compose(context, what, record.layer)
    except errors.NotFound as gone:
        return CheckedOut(move, record, message=f"the image {what.parent.image} cannot be reused: {gone}")
    return CheckedOut(move, record, composed, complete)


# What is remembered


async def remembered(
    observed: Observation, status: EnvBuildStatus, context: ReconcileContext
) -> EnvBuildStatus:
    """The status after everything that it teaches is in the registry: before it is written, so that nothing is lost.

    All of it is safe to do again: an operator that dies in between comes to the same status once more.
    """
    await _keep_trials(observed, status, context)
    if status.image is not None and status.image != observed.build.status.image:
        with suppress(errors.NotFound):  # removed by hand meanwhile: whoever needs it next will say so
            await keep_image(context.registry, observed.repository, status.image)
    if status.accepted_on != "fail2pass" or status.remembered is not None or observed.prepared is None:
        return status
    facts = await context.facts(observed.repository, observed.prepared.facts)
    known = known_of(observed.build, status, facts.fingerprint)
    if known is None:
        return status
    known = known.model_copy(
        update={"version": version_of(observed, facts), "source": observed.prepared.source}
    )
    draft = await context.draft(observed.repository, known.draft)
    digest = await proven_index.remember(context.registry, observed.repository, known, draft)
    return status.model_copy(update={"remembered": digest})


async def _keep_trials(observed: Observation, status: EnvBuildStatus, context: ReconcileContext) -> None:
    ended_before = {item.number for item in observed.build.status.rounds if item.outcome is not None}
    for item in status.rounds:
        outcome = RoundOutcome(item.outcome) if item.outcome is not None else None
        if item.parent is None or outcome is None or outcome in NO_TRIAL or item.number in ended_before:
            continue
        accepted = outcome in ACCEPTED
        await proven_index.record_trial(
            context.registry, observed.repository, item.parent.image, observed.build.uid, accepted
        )


def known_of(build: Build, status: EnvBuildStatus, fingerprint: str) -> Known | None:
    """What an EnvBuild with an image teaches; None when it has none."""
    spec, own = build.spec, build.spec.source.artifact
    source = own.digest if own is not None else status.source
    if status.image is None or status.draft is None or source is None or not status.rounds:
        return None
    last = status.rounds[-1]
    return Known(
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
