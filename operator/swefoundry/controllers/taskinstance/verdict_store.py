"""Find and store a verdict: the bundle with all samples, the test sets and the draft, as an artifact of the image."""

import json
from collections.abc import Sequence

from swefoundry import errors, metrics
from swefoundry.api.taskinstance import ResultSets
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.instance_controls import ControlFindings, run_controls
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    Judged,
    Result,
)
from swefoundry.controllers.taskinstance.stored_samples import read_samples
from swefoundry.drafts.evaluation_command import no_files_note
from swefoundry.grading.result_sets import CaseSets
from swefoundry.grading.sampled_verdict import explanation, sampled_verdict
from swefoundry.grading.verdict import Verdict, flaky_cause
from swefoundry.grading.verdict_bundle import (
    BUNDLED_DRAFT_FILE,
    VERDICT_FILE,
    VerdictBundle,
)
from swefoundry.oci.artifacts import push_artifact
from swefoundry.text.plurals import pluralize
from swefoundry.workloads.context import ReconcileContext, StageImageRequest

NAMED_UNSTABLE_TESTS = 3
UNSTABLE_ID_CHARACTERS = 200
"""Limits of a condition's message; the bundle has all names."""


async def store_verdict(observed: Observation, context: ReconcileContext) -> Result:
    """Push the verdict bundle, count the verdict, and return it with the sizes of the per-test sets."""
    task, repository = observed.task, observed.repository
    image = observed.image
    if image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without an image")
    samples = await read_samples(observed, context)
    unknown = samples.unknown_tests_reason()
    sets = CaseSets() if unknown else samples.sets()
    draft = await _draft(observed, context, repository)
    tolerated = draft.tolerated_failures if draft else []
    date_dependent = draft is not None and draft.date_dependent
    verdict = sampled_verdict(samples.runs, None if unknown else sets, tolerated)
    # Rows of other verdicts are exported by nobody.
    valid = verdict is Verdict.FAIL2PASS
    controls = await run_controls(sets, samples, tolerated, observed, context) if valid else ControlFindings()
    bundle = VerdictBundle(
        instance_id=task.spec.instance_id,
        verdict=verdict.value,
        matrix=[item.bundled for item in samples.matrix],
        probes=[item.bundled for item in samples.probes],
        image=f"{image.name}@{image.digest}",
        tests={name: list(ids) for name, ids in sets.by_name().items()},
        tests_unknown=unknown,
        tolerated_failures=tolerated,
        run_as_user=draft.run_as_user if draft else None,
        date_dependent=date_dependent,
        controls=list(controls.results),
        test_strength=controls.test_strength,
        stages=await _stage_digests(observed, context, repository),
    )
    files = {VERDICT_FILE: json.dumps(bundle.to_json_dict(), sort_keys=True, indent=1).encode()}
    if draft is not None:
        # With the draft, the bundle alone is enough to build the image and run the tests again.
        files[BUNDLED_DRAFT_FILE] = draft.to_bytes()
    digest = await push_artifact(context.registry, repository, "verdict", files, subject=image.digest)
    metrics.VERDICTS.labels(verdict.value, observed.settings.experiment_label(task.experiment)).inc()
    tests_did = "" if unknown else explanation(samples.runs, sets, tolerated, verdict)
    cause = flaky_cause(run.cell for run in samples.runs) if verdict is Verdict.FLAKY else ""
    return Judged(
        verdict,
        None if unknown else _counts(sets),
        digest,
        unknown,
        _command_note(observed, draft),
        "; ".join(filter(None, [cause, tests_did, unstable_message(sets.unstable)])),
        controls.results,
        controls.test_strength,
        date_dependent,
    )


def unstable_message(tests: Sequence[str]) -> str:
    """How many tests are unstable, and the names of the first."""
    if not tests:
        return ""
    named = ", ".join(test[:UNSTABLE_ID_CHARACTERS] for test in tests[:NAMED_UNSTABLE_TESTS])
    more = ", …" if len(tests) > NAMED_UNSTABLE_TESTS else ""
    return f"unstable and in no other set: {pluralize(len(tests), 'test')} ({named}{more})"


def _counts(sets: CaseSets) -> ResultSets:
    return ResultSets(
        fail_to_pass=len(sets.swe_bench_fail_to_pass),
        error_to_pass=len(sets.error_to_pass),
        pass_to_pass=len(sets.pass_to_pass),
        unstable=len(sets.unstable),
    )


def _command_note(observed: Observation, draft: Draft | None) -> str:
    if draft is None:
        return ""
    prepared = observed.task.status.prepared
    return no_files_note(draft.test_command, prepared.test_files if prepared else 0)


async def _draft(observed: Observation, context: ReconcileContext, repository: str) -> Draft | None:
    if observed.build is None or observed.build.status.draft is None:
        return None
    return await context.draft(repository, observed.build.status.draft)


async def _stage_digests(
    observed: Observation, context: ReconcileContext, repository: str
) -> dict[Stage, str]:
    """Digests of the stage images that ran: the same image and layer give the same digest, whatever the tag."""
    task, prepared, image = observed.task, observed.task.status.prepared, observed.image
    if prepared is None or image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without a source or an image")
    requests = {stage: StageImageRequest(repository, image.digest, prepared.layers[stage]) for stage in Stage}
    return {stage: await context.stage_image(request) for stage, request in requests.items()}
