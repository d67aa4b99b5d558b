"""Actions of a TaskInstance's reconcile: the only place where it writes to the cluster and the registry."""

import asyncio
import json
from typing import Any

from swefoundry import errors, metrics
from swefoundry.api import labels
from swefoundry.api.envbuild import Acceptance, EnvBuildSpec
from swefoundry.api.resource import EnvBuild, TaskInstance, parse_env_build
from swefoundry.api.taskinstance import Evaluation, ResultSets
from swefoundry.api.types import ArtifactSource, Source
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.steps import RunWork
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    CreateEnvBuild,
    DeleteTask,
    EnvBuildCreated,
    EnvBuildDeleted,
    Evaluated,
    Judge,
    Judged,
    Result,
    Step,
    evaluation_of,
)
from swefoundry.drafts.evaluation_command import no_files_note
from swefoundry.grading.result_sets import compare_stages
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses
from swefoundry.grading.verdict_bundle import (
    BUNDLED_DRAFT_FILE,
    VERDICT_FILE,
    BundledEvaluation,
    VerdictBundle,
)
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.kube.workqueue import Key
from swefoundry.oci.artifacts import pull_artifact, push_artifact
from swefoundry.workloads import names
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.context import ReconcileContext, StageImageRequest
from swefoundry.workloads.decide import CollectResult, Move, StartPod, after_lost_log
from swefoundry.workloads.evaluation.evidence import RECORD_FILE, STATUSES_FILE, store_evidence
from swefoundry.workloads.evaluation.launch import (
    EvaluationRequest,
    failed_nodes,
    launch_evaluation,
    network_open,
)
from swefoundry.workloads.intake.launch import INTAKE_WORK, IntakeRequest, finished_intake, launch_intake
from swefoundry.workloads.lifecycle import (
    count_finished_pod,
    gather_partial,
    new_attempt_ref,
    verify_pod_lost,
)
from swefoundry.workloads.pod_spec import owner_reference

EVALUATION_ARTIFACT_LIMIT_BYTES = 96 << 20
"""Bytes of one evaluation's evidence: a 1 MiB log and reports of at most 64 MiB unpacked."""

TaskActionOutcome = tuple[list[Result], errors.SwefoundryError | None]
"""The results, and the first error, if any: results are written to the status before the error is raised."""


async def act(step: Step, observed: Observation, context: ReconcileContext) -> TaskActionOutcome:
    """Perform ``step``. Every part is idempotent."""
    match step:
        case RunWork(moves):
            return await gather_partial(_perform_move(move, observed, context) for move in moves)
        case CreateEnvBuild():
            return await gather_partial([_create_env_build(observed, context)])
        case Judge():
            return await gather_partial([_store_verdict(step, observed, context)])
        case DeleteTask():
            await context.kube.delete(
                TASKS, observed.task.namespace, observed.task.name, uid=observed.task.uid
            )
    return [], None


async def _perform_move(move: Move, observed: Observation, context: ReconcileContext) -> Result:
    match move:
        case StartPod(work=work) if work == INTAKE_WORK:
            return await _launch_intake(move, observed, context)
        case StartPod():
            return await _launch_evaluation(move, observed, context)
        case CollectResult(work=work) if work == INTAKE_WORK:
            return finished_intake(move)
        case CollectResult():
            return await _collect_evaluation(move, observed, context)
        case _:
            return await verify_pod_lost(context, observed.task.namespace, move)


async def _launch_intake(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    spec = observed.task.spec
    what = IntakeRequest(
        repo=spec.repo,
        repository=observed.repository,
        source=spec.source,
        base_commit=spec.base_commit,
        version=spec.version,
        test_patch=spec.test_patch,
        gold_patch=spec.gold_patch,
    )
    return await launch_intake(context, new_attempt_ref(observed.owner, Role.INTAKE, move), move, what)


async def _launch_evaluation(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    task, prepared, image = observed.task, observed.task.status.prepared, observed.image
    if prepared is None or image is None:
        raise errors.PermanentError(f"{task.name}: an evaluation without a source or an image")
    build = observed.build or await _env_build_from_api(observed, context)
    if build is None:
        return EnvBuildDeleted(task.status.env_build or task.name)
    if build.status.draft is None:
        raise errors.PermanentError(
            f"{task.name}: EnvBuild {build.name} does not say which draft made its image"
        )
    stage, _ = evaluation_of(move.work)
    trial = EvaluationRequest(
        repository=observed.repository,
        image=image.digest,
        stage=stage,
        layer=prepared.layers[stage],
        draft=await context.draft(observed.repository, build.status.draft),
        facts=prepared.facts,
        validation=task.spec.validation,
        avoid_nodes=failed_nodes(task.status.attempts, move.work),
    )
    return await launch_evaluation(
        context, new_attempt_ref(observed.owner, Role.EVALUATION, move), move, trial
    )


async def _env_build_from_api(observed: Observation, context: ReconcileContext) -> EnvBuild | None:
    """The EnvBuild that is not in the cache: it was deleted, or the cache lags behind the cluster."""
    task = observed.task
    try:
        found = await context.kube.get(BUILDS, task.namespace, task.status.env_build or task.name)
    except errors.NotFound:
        return None
    if not _is_controller_of(task, found):
        return None
    body = {"kind": BUILDS.kind, **found}
    context.cache.put(body)
    return parse_env_build(body)


def _is_controller_of(task: TaskInstance, found: dict[str, Any]) -> bool:
    return any(reference["uid"] == task.uid for reference in found["metadata"].get("ownerReferences", []))


async def _collect_evaluation(
    move: CollectResult, observed: Observation, context: ReconcileContext
) -> Result:
    task = observed.task
    evidence = await store_evidence(context, task.namespace, observed.repository, move)
    if evidence is None:
        return after_lost_log(move, observed.work_state)
    count_finished_pod(Role.EVALUATION, move)
    stage, repeat = evaluation_of(move.work)
    record, counts = evidence.record, evidence.reports.counts
    reported = bool(evidence.reports.statuses)
    evaluation = Evaluation(
        stage=stage,
        repeat=repeat,
        code=record.code,
        raw_exit=record.raw_exit,
        passed=counts.passed if reported else None,
        failed=counts.failed + counts.errors if reported else None,
        skipped=counts.skipped if reported else None,
        seconds=record.duration_ms / 1000,
        evidence=evidence.digest,
    )
    return Evaluated(move, evaluation, network_open(record, task.spec.validation, context.settings))


async def _create_env_build(observed: Observation, context: ReconcileContext) -> Result:
    task, prepared = observed.task, observed.task.status.prepared
    if prepared is None:
        raise errors.PermanentError(f"{task.name}: an environment is ordered before the source is taken in")
    spec = EnvBuildSpec(
        repo=task.spec.repo,
        source=Source(artifact=ArtifactSource(digest=prepared.source)),
        base_commit=task.spec.base_commit,
        created_at=task.spec.created_at,
        version=task.spec.version,
        language=task.spec.language or prepared.language,
        facts=prepared.facts,
        acceptance=Acceptance(layers=prepared.layers),
        environment=task.spec.environment,
        validation=task.spec.validation,
        budget=task.spec.budget,
        tag=names.tag(task.namespace, task.name),
    )
    body: dict[str, Any] = {
        "apiVersion": labels.API_VERSION,
        "kind": BUILDS.kind,
        "metadata": {
            "name": task.name,
            "labels": {
                labels.MANAGED_BY: labels.MANAGER,
                labels.OWNER: names.label_value(task.name),
                **({labels.EXPERIMENT: task.experiment} if task.experiment else {}),
            },
            "ownerReferences": [owner_reference(observed.owner)],
        },
        "spec": spec.to_json_dict(),
    }
    made = await context.kube.create(BUILDS, task.namespace, body)
    if made is None:
        made = await _adopt_env_build(task, context)
    # The watch will deliver this very version again, which the cache drops: so it is enqueued here.
    context.cache.put({"kind": BUILDS.kind, **made})
    context.queue.add(Key(BUILDS.kind, task.namespace, task.name))
    return EnvBuildCreated(task.name)


async def _adopt_env_build(task: TaskInstance, context: ReconcileContext) -> dict[str, Any]:
    found = await context.kube.get(BUILDS, task.namespace, task.name)
    if not _is_controller_of(task, found):
        # One of a predecessor of the same name is garbage collected; a user's own stays.
        raise errors.TransientError(
            f"an EnvBuild named {task.name} exists already and has another owner; delete or rename it"
        )
    return found


async def _store_verdict(step: Judge, observed: Observation, context: ReconcileContext) -> Result:
    task, path = observed.task, observed.repository
    image = observed.image
    if image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without an image")
    cells, statuses = await _matrix_evidence(observed, context, path)
    sets = compare_stages(statuses[Stage.BEFORE], statuses[Stage.AFTER])
    bundle = VerdictBundle(
        instance_id=task.spec.instance_id,
        verdict=step.verdict.value,
        matrix=cells,
        image=f"{image.name}@{image.digest}",
        tests={name: list(ids) for name, ids in sets.by_name().items()},
        stages=await _stage_digests(observed, context, path),
    )
    files = {VERDICT_FILE: json.dumps(bundle.to_json_dict(), sort_keys=True, indent=1).encode()}
    said = ""
    if observed.build is not None and observed.build.status.draft is not None:
        # With the draft, the bundle alone is enough to build the image and run the tests again.
        draft = await context.draft(path, observed.build.status.draft)
        files[BUNDLED_DRAFT_FILE] = draft.to_bytes()
        said = no_files_note(
            draft.test_command, task.status.prepared.test_files if task.status.prepared else 0
        )
    digest = await push_artifact(context.registry, path, "verdict", files, subject=image.digest)
    metrics.VERDICTS.labels(step.verdict.value, observed.settings.experiment_label(task.experiment)).inc()
    known = bool(statuses[Stage.BEFORE] and statuses[Stage.AFTER])
    counts = ResultSets(fail_to_pass=len(sets.swe_bench_fail_to_pass), pass_to_pass=len(sets.pass_to_pass))
    return Judged(step.verdict, counts if known else None, digest, said)


async def _matrix_evidence(
    observed: Observation, context: ReconcileContext, path: str
) -> tuple[list[BundledEvaluation], dict[Stage, list[CaseStatuses]]]:
    cells: list[BundledEvaluation] = []
    statuses: dict[Stage, list[CaseStatuses]] = {stage: [] for stage in Stage}
    items = sorted(observed.task.status.evaluations, key=lambda item: (item.stage, item.repeat))
    kept = await asyncio.gather(*(_stored_evaluation(item, context, path) for item in items))
    for item, (record, found) in zip(items, kept, strict=True):
        if found:
            statuses[item.stage].append(found)
        cells.append(
            BundledEvaluation(
                stage=item.stage,
                repeat=item.repeat,
                code=item.code,
                fault=item.fault,
                raw_exit=item.raw_exit,
                record=record,
                evidence=item.evidence,
            )
        )
    return cells, statuses


async def _stored_evaluation(
    item: Evaluation, context: ReconcileContext, path: str
) -> tuple[EvaluationResult | None, CaseStatuses]:
    if item.evidence is None:
        return None, {}
    files = await pull_artifact(
        context.registry,
        path,
        item.evidence,
        EVALUATION_ARTIFACT_LIMIT_BYTES,
        only=(RECORD_FILE, STATUSES_FILE),
    )
    found = json.loads(files[STATUSES_FILE])["statuses"]
    record = EvaluationResult.model_validate_json(files[RECORD_FILE])
    return record, {test: CaseStatus(status) for test, status in found.items()}


async def _stage_digests(observed: Observation, context: ReconcileContext, path: str) -> dict[Stage, str]:
    """Digests of the stage images that ran: the same image and layer give the same digest, whatever the tag."""
    task, prepared, image = observed.task, observed.task.status.prepared, observed.image
    if prepared is None or image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without a source or an image")
    orders = {stage: StageImageRequest(path, image.digest, prepared.layers[stage]) for stage in Stage}
    return {stage: await context.stage_image(order) for stage, order in orders.items()}
