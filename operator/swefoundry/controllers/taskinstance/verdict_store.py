"""Store a verdict: the bundle with the matrix, the per-test sets and the draft, as an artifact of the image."""

import asyncio
import json
from collections.abc import Sequence

from swefoundry import errors, metrics
from swefoundry.api.taskinstance import ResultSets
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.instance_controls import run_controls
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    Judge,
    Judged,
    Result,
)
from swefoundry.controllers.taskinstance.stored_evaluations import StoredEvaluation, read_evaluation
from swefoundry.drafts.evaluation_command import no_files_note
from swefoundry.grading.result_sets import CaseSets, compare_stages
from swefoundry.grading.testcase_status import CaseStatuses
from swefoundry.grading.verdict_bundle import (
    BUNDLED_DRAFT_FILE,
    VERDICT_FILE,
    VerdictBundle,
)
from swefoundry.oci.artifacts import push_artifact
from swefoundry.workloads.context import ReconcileContext, StageImageRequest

NO_TESTS_REPORTED = "no test was reported after the fix; a draft without reports gives exit codes only"


async def store_verdict(step: Judge, observed: Observation, context: ReconcileContext) -> Result:
    """Push the verdict bundle, count the verdict, and return it with the sizes of the per-test sets."""
    task, repository = observed.task, observed.repository
    image = observed.image
    if image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without an image")
    evaluations = await _matrix_evidence(observed, context, repository)
    unknown = unknown_tests_reason(evaluations)
    sets = CaseSets() if unknown else _result_sets(evaluations)
    draft = await _draft(observed, context, repository)
    tolerated = draft.tolerated_failures if draft else []
    controls = await run_controls(step.verdict, evaluations, tolerated, observed, context)
    bundle = VerdictBundle(
        instance_id=task.spec.instance_id,
        verdict=step.verdict.value,
        matrix=[item.bundled for item in evaluations],
        image=f"{image.name}@{image.digest}",
        tests={name: list(ids) for name, ids in sets.by_name().items()},
        tests_unknown=unknown,
        tolerated_failures=tolerated,
        run_as_user=draft.run_as_user if draft else None,
        controls=list(controls),
        stages=await _stage_digests(observed, context, repository),
    )
    files = {VERDICT_FILE: json.dumps(bundle.to_json_dict(), sort_keys=True, indent=1).encode()}
    note = ""
    if draft is not None:
        # With the draft, the bundle alone is enough to build the image and run the tests again.
        files[BUNDLED_DRAFT_FILE] = draft.to_bytes()
        note = no_files_note(
            draft.test_command, task.status.prepared.test_files if task.status.prepared else 0
        )
    digest = await push_artifact(context.registry, repository, "verdict", files, subject=image.digest)
    metrics.VERDICTS.labels(step.verdict.value, observed.settings.experiment_label(task.experiment)).inc()
    counts = ResultSets(
        fail_to_pass=len(sets.swe_bench_fail_to_pass),
        error_to_pass=len(sets.error_to_pass),
        pass_to_pass=len(sets.pass_to_pass),
    )
    return Judged(step.verdict, None if unknown else counts, digest, unknown, note, controls)


async def _draft(observed: Observation, context: ReconcileContext, repository: str) -> Draft | None:
    if observed.build is None or observed.build.status.draft is None:
        return None
    return await context.draft(repository, observed.build.status.draft)


async def _matrix_evidence(
    observed: Observation, context: ReconcileContext, repository: str
) -> list[StoredEvaluation]:
    items = sorted(observed.task.status.evaluations, key=lambda item: (item.stage, item.repeat))
    return list(await asyncio.gather(*(read_evaluation(item, context, repository) for item in items)))


def unknown_tests_reason(evaluations: Sequence[StoredEvaluation]) -> str:
    """Why sets of tests cannot be made; empty when they can. `base` only helps, and is left out where it disagrees."""
    for item in evaluations:
        problem = item.disagreement
        if problem and item.bundled.stage is not Stage.BASE:
            return f"{item.bundled.stage} #{item.bundled.repeat}: {problem}"
    return "" if any(_statuses_of(Stage.AFTER, evaluations)) else NO_TESTS_REPORTED


def _result_sets(evaluations: Sequence[StoredEvaluation]) -> CaseSets:
    agreeing = [item for item in evaluations if not item.disagreement]
    before, after, base = (_statuses_of(stage, agreeing) for stage in (Stage.BEFORE, Stage.AFTER, Stage.BASE))
    return compare_stages(before, after, base)


def _statuses_of(stage: Stage, evaluations: Sequence[StoredEvaluation]) -> list[CaseStatuses]:
    return [
        item.statuses
        for item in evaluations
        if item.bundled.stage is stage and item.bundled.record is not None
    ]


async def _stage_digests(
    observed: Observation, context: ReconcileContext, repository: str
) -> dict[Stage, str]:
    """Digests of the stage images that ran: the same image and layer give the same digest, whatever the tag."""
    task, prepared, image = observed.task, observed.task.status.prepared, observed.image
    if prepared is None or image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without a source or an image")
    requests = {stage: StageImageRequest(repository, image.digest, prepared.layers[stage]) for stage in Stage}
    return {stage: await context.stage_image(request) for stage, request in requests.items()}
