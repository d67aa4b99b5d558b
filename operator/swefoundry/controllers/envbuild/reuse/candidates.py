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
from swefoundry.workloads.context import World
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
    seen: Observation, world: World, facts: Facts
) -> tuple[Neighbour, ...] | Await | Unusable:
    """Images to try, nearest first: the one that a person names, or the nearest of all that were proven."""
    if not _reuses(seen):
        return ()
    named = seen.build.spec.environment.parent_ref
    if named is not None:
        return await _named(named.name, seen, world) if not seen.reused else ()
    left = seen.settings.reuse_neighbours - len(seen.reused)
    if left <= 0:
        return ()
    entries = await world.proven(seen.repository)
    untried = [item for item in entries if not item.reference and item.parent.image not in seen.reused]
    return await _with_drafts(_near(untried, seen, facts, left), seen, world)


async def references(seen: Observation, world: World, facts: Facts) -> tuple[Neighbour, ...]:
    """What was proven for other commits, nearest first, whether or not the images do: drafts to learn from.

    Where reuse is not among the strategies, nothing is remembered: experiments compare with that.
    """
    if not _wanted(seen):
        return ()
    entries = _near(await world.proven(seen.repository), seen, facts, REFERENCES)
    return await _with_drafts(entries, seen, world)


def _near(entries: Sequence[Proven], seen: Observation, facts: Facts, k: int) -> list[Proven]:
    spec = seen.build.spec
    return nearest(entries, facts.fingerprint, version_of(seen, facts), spec.created_at, k)


def version_of(seen: Observation, facts: Facts) -> str | None:
    """The version that the row names, else the tag nearest to its commit."""
    return seen.build.spec.version or facts.version_tag


async def _with_drafts(entries: Sequence[Proven], seen: Observation, world: World) -> tuple[Neighbour, ...]:
    found = []
    for item in entries:
        try:
            draft = await world.draft(seen.repository, item.known.draft)
        except errors.NotFound:  # a registry that was cleaned up by hand
            continue
        found.append(Neighbour(**dict(item), draft=draft))
    return tuple(found)


def _wanted(seen: Observation) -> bool:
    return REUSE in strategies(seen.build.spec.environment, seen.settings)


def _reuses(seen: Observation) -> bool:
    return _wanted(seen) and not demands_a_build(seen.build.spec.environment.overrides)


# One that is named


async def _named(name: str, seen: Observation, world: World) -> tuple[Neighbour, ...] | Await | Unusable:
    try:
        found = await _build_named(name, seen, world)
    except errors.NotFound:
        return Unusable(f"spec.environment.parentRef: there is no EnvBuild {name} in {seen.build.namespace}")
    if found.spec.repo != seen.build.spec.repo:
        return Unusable(f"spec.environment.parentRef: EnvBuild {name} is of {found.spec.repo}")
    if found.status.finished_at is None:
        leader.wait(seen.build, world)
        return Await(SIBLING, reasons.WAITING_FOR_SIBLING, f"EnvBuild {name} has not ended yet")
    known = known_of(found, found.status, "")
    if found.status.accepted_on is None or known is None:
        return Unusable(f"spec.environment.parentRef: EnvBuild {name} has no proven image")
    last = found.status.rounds[-1]
    neighbour = Neighbour(
        known=known, root=last.parent, draft=await world.draft(seen.repository, known.draft)
    )
    return (neighbour,)


async def _build_named(name: str, seen: Observation, world: World) -> Build:
    key = Key(BUILDS.kind, seen.build.namespace, name)
    body = world.cache.get(key)
    if body is None:
        body = {"kind": BUILDS.kind, **await world.kube.get(BUILDS, key.namespace, name)}
    return build_from(body)


# Waiting for an older one


def waiting(seen: Observation, world: World) -> Await | None:
    """The wait for an older EnvBuild of the repository, before the first draft is written from scratch."""
    begun = seen.build.uid in world.leading or any(item.parent is None for item in seen.build.status.rounds)
    left = leader.patience_left(seen).total_seconds()
    named = seen.build.spec.environment.parent_ref is not None
    if begun or named or left <= 0 or not _reuses(seen) or not seen.settings.reuse_neighbours:
        return None
    elder = leader.elder(seen.build, world)
    if elder is None:
        return None
    leader.wait(seen.build, world)
    limit = f"at most {seen.settings.sibling_wait_seconds} s in all (sibling_wait_seconds)"
    sentence = f"the image of EnvBuild {elder.namespace}/{elder.name}, which goes first, may do; {limit}"
    return Await(SIBLING, reasons.WAITING_FOR_SIBLING, sentence, left)


# The checkout


def _checkout(seen: Observation, tag: str = "") -> Checkout:
    """What is laid over what."""
    current = seen.open_round
    if seen.prepared is None or current is None or current.parent is None:
        raise errors.GiveUp(f"{seen.build.name}: a checkout without a source, or an image to lay it over")
    return Checkout(seen.repository, current.parent, seen.prepared.source, tag)


async def launch(move: Launch, seen: Observation, world: World) -> Launched | Queued:
    """Start the pod that makes the layer."""
    draft = await world.draft(seen.repository, seen.build.status.rounds[-1].draft)
    watched = None if draft.rebuild_when is None else tuple(draft.rebuild_when)
    what = replace(_checkout(seen), watched=watched)
    return await launch_checkout(world, ticket(seen.owner, Role.INTAKE, move), move, what)


async def collect(move: Collect, seen: Observation, world: World) -> CheckedOut:
    """Lay the layer over the image."""
    count_end(Role.INTAKE, move)
    record = CheckoutRecord.model_validate(move.finished.record)
    if record.code != Code.OK or record.layer is None:
        return CheckedOut(move, record, message=record.message or f"the checkout ended with {record.code}")
    current = seen.build.status.rounds[-1]
    draft = await world.draft(seen.repository, current.draft)
    complete = draft.rebuild_command is None or not record.stale
    tag = seen.image_tag(current.number) if complete else seen.composed_tag(current.number)
    what = _checkout(seen, tag)
    try:
        composed = await compose(world, what, record.layer)
    except errors.NotFound as gone:
        return CheckedOut(move, record, message=f"the image {what.parent.image} cannot be reused: {gone}")
    return CheckedOut(move, record, composed, complete)


# What is remembered


async def remembered(seen: Observation, status: EnvBuildStatus, world: World) -> EnvBuildStatus:
    """The status after everything that it teaches is in the registry: before it is written, so that nothing is lost.

    All of it is safe to do again: an operator that dies in between comes to the same status once more.
    """
    await _keep_trials(seen, status, world)
    if status.image is not None and status.image != seen.build.status.image:
        with suppress(errors.NotFound):  # removed by hand meanwhile: whoever needs it next will say so
            await keep_image(world.registry, seen.repository, status.image)
    if status.accepted_on != "fail2pass" or status.remembered is not None or seen.prepared is None:
        return status
    facts = await world.facts(seen.repository, seen.prepared.facts)
    known = known_of(seen.build, status, facts.fingerprint)
    if known is None:
        return status
    known = known.model_copy(update={"version": version_of(seen, facts), "source": seen.prepared.source})
    draft = await world.draft(seen.repository, known.draft)
    digest = await proven_index.remember(world.registry, seen.repository, known, draft)
    return status.model_copy(update={"remembered": digest})


async def _keep_trials(seen: Observation, status: EnvBuildStatus, world: World) -> None:
    ended_before = {item.number for item in seen.build.status.rounds if item.outcome is not None}
    for item in status.rounds:
        outcome = RoundOutcome(item.outcome) if item.outcome is not None else None
        if item.parent is None or outcome is None or outcome in NO_TRIAL or item.number in ended_before:
            continue
        accepted = outcome in ACCEPTED
        await proven_index.record_trial(
            world.registry, seen.repository, item.parent.image, seen.build.uid, accepted
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
