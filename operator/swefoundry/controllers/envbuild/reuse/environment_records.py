"""Results that other EnvBuilds read from the registry: how reuses went, and which environments were proven."""

from contextlib import suppress

from swefoundry import errors
from swefoundry.api.envbuild import EnvBuildStatus, Round
from swefoundry.api.resource import EnvBuild
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import ACCEPTED_OUTCOMES, RoundOutcome
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.round_transitions import newly_ended_rounds
from swefoundry.drafts.environment_group import source_layout
from swefoundry.drafts.proven_environment import EnvironmentRecord
from swefoundry.oci import proven_index
from swefoundry.oci.artifacts import tag_image_by_digest
from swefoundry.workloads.context import ReconcileContext

OUTCOMES_WITHOUT_REUSE_RESULT = frozenset(
    {RoundOutcome.INFRASTRUCTURE, RoundOutcome.POLICY_REFUSED, RoundOutcome.BOTH_PASSED}
)
"""Outcomes of a reuse that do not tell whether the image is usable."""


async def persist_before_status(
    observed: Observation, status: EnvBuildStatus, context: ReconcileContext
) -> EnvBuildStatus:
    """Write to the registry what the new status implies, and return the status with the digest of the record.

    It runs before the status is written, so that a crash in between loses nothing: every write is idempotent, and the
    next reconcile comes to the same status again.
    """
    await _record_reuse_results(observed, status, context)
    if status.image is not None and status.image != observed.build.status.image:
        with suppress(errors.NotFound):  # removed by hand meanwhile: whoever needs it next reports it
            await tag_image_by_digest(context.registry, observed.repository, status.image)
    if (
        status.accepted_on != "fail2pass"
        or status.environment_record is not None
        or observed.prepared_source is None
    ):
        return status
    digest = await _record_environment(observed, status, context)
    return status if digest is None else status.model_copy(update={"environment_record": digest})


async def _record_environment(
    observed: Observation, status: EnvBuildStatus, context: ReconcileContext
) -> str | None:
    prepared = observed.require_source()
    facts = await context.facts(observed.repository, prepared.facts)
    record = environment_record(observed.build, status, facts.fingerprint)
    if record is None:
        return None
    version = project_version(observed.build, facts)
    layout = source_layout(facts.package_dirs)
    record = record.model_copy(update={"version": version, "source": prepared.source, "layout": layout})
    draft = await context.draft(observed.repository, record.draft)
    return await proven_index.push_environment_record(context.registry, observed.repository, record, draft)


async def _record_reuse_results(
    observed: Observation, status: EnvBuildStatus, context: ReconcileContext
) -> None:
    for item, outcome in newly_ended_rounds(observed.build.status.rounds, status.rounds):
        if item.parent is None or outcome in OUTCOMES_WITHOUT_REUSE_RESULT:
            continue
        accepted = outcome in ACCEPTED_OUTCOMES
        await proven_index.record_trial(
            context.registry, observed.repository, item.parent.image, observed.build.uid, accepted
        )


def project_version(build: EnvBuild, facts: Facts) -> str | None:
    """The version of the spec, else the tag nearest to its commit."""
    return build.spec.version or facts.version_tag


def environment_record(build: EnvBuild, status: EnvBuildStatus, fingerprint: str) -> EnvironmentRecord | None:
    """The record of an EnvBuild's image; None when it has no image."""
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
        evidence=_evidence(last),
    )


def _evidence(item: Round) -> dict[str, str]:
    return {probe.stage.value: probe.evidence for probe in item.probes if probe.evidence is not None}
