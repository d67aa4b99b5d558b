"""Start evaluation pods: registry calls compose the stage image, then one pod runs it."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from swefoundry import errors
from swefoundry.api.types import Attempt, Validation
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.evaluation import EvaluationResult, EvaluationSpec
from swefoundry.contracts.stages import Stage
from swefoundry.drafts.evaluation_command import expand_files
from swefoundry.drafts.import_check import with_import_check
from swefoundry.settings import Settings
from swefoundry.structured_log import fields
from swefoundry.workloads.attempt import AttemptRef, Role, Work
from swefoundry.workloads.context import ReconcileContext, StageImageRequest
from swefoundry.workloads.decide import StartPod, Wait
from swefoundry.workloads.evaluation.pod import EvaluationRun, evaluation_pod
from swefoundry.workloads.lifecycle import PodStarted, Queued, start_pod
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.resource_estimates import PeakUse, known_memory_factor

log = logging.getLogger("swefoundry.evaluation")


@dataclass(frozen=True)
class Variation:
    """What a control changes of an evaluation."""

    shuffle_seed: int | None = None
    cpus: int | None = None
    later_clock: bool | None = None


@dataclass(frozen=True)
class EvaluationRequest:
    """An image and what to run in it."""

    repository: str
    image: Digest
    """The task image."""
    stage: Stage
    layer: Layer
    draft: Draft
    facts: Digest
    validation: Validation
    tag: str = ""
    """Of the stage image, as in `StageImageRequest`."""
    avoid_nodes: tuple[str, ...] = ()
    check_imports: bool = False
    """Whether to check first that the project is imported from the tree."""
    variation: Variation = Variation()

    @property
    def stage_image(self) -> StageImageRequest:
        """The image that the pod runs."""
        return StageImageRequest(self.repository, self.image, self.layer, self.tag)


def failed_nodes(attempts: Iterable[Attempt], work: Work) -> tuple[str, ...]:
    """Nodes where earlier attempts of the work failed; the next one avoids them."""
    return tuple(sorted({item.node for item in attempts if item.work == str(work) and item.node}))


def network_open(record: EvaluationResult, validation: Validation, settings: Settings) -> bool:
    """Whether the evaluation reached the canary although spec.validation.network is Deny."""
    return validation.network == "Deny" and settings.require_isolation and record.network == "open"


async def launch_evaluation(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, request: EvaluationRequest
) -> PodStarted | Queued | Wait:
    """Compose the stage image and create its pod."""
    of_image = context.usage_history.of_image(request.repository, request.image)
    factor = known_memory_factor(of_image, request.validation.resources.memory)
    move = replace(move, memory_factor=max(move.memory_factor, factor))

    async def prepare() -> JsonDict:
        return await _pod_body(context, ref, move, request)

    started = await start_pod(context, ref, move, prepare)
    if isinstance(started, Queued):
        await _compose_ahead(context, request)
    return started


async def _compose_ahead(context: ReconcileContext, request: EvaluationRequest) -> None:
    """Compose the stage image while its pod waits for a place, which is then not held for the registry's answers."""
    try:
        await context.stage_image(request.stage_image)
    except errors.SwefoundryError as error:
        log.info(
            "stage image is composed later", extra=fields(repository=request.repository, error=str(error))
        )


async def _pod_body(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, request: EvaluationRequest
) -> JsonDict:
    # The attempt before may have failed because somebody removed the stage image.
    stage_image = await context.stage_image(request.stage_image, refresh=move.number > 0)
    facts = await context.facts(request.repository, request.facts)
    settings = context.settings
    command = expand_files(request.draft.test_command, facts.test_files_in(request.stage))
    spec = EvaluationSpec(
        nonce=ref.nonce,
        stage=request.stage,
        command=with_import_check(command, facts) if request.check_imports else command,
        timeout_seconds=request.validation.timeout_seconds,
        reports=list(request.draft.reports),
        error_exit_codes=request.draft.could_not_run_codes,
        tolerated_failures=request.draft.tolerated_failures or None,
        run_as_user=request.draft.run_as_user,
        shuffle_seed=request.variation.shuffle_seed,
        cpus=request.variation.cpus,
        later_clock=request.variation.later_clock,
        canary=list(settings.canary) if request.validation.network == "Deny" else [],
    )
    run = EvaluationRun(
        image=f"{settings.pull_host}/{request.repository}@{stage_image}",
        spec=spec,
        validation=request.validation,
        avoid_nodes=request.avoid_nodes,
        memory_factor=move.memory_factor,
        full_requests=move.full_requests,
        use=_known_use(context, request),
    )
    return evaluation_pod(ref, run, settings)


def _known_use(context: ReconcileContext, request: EvaluationRequest) -> PeakUse | None:
    """What evaluations of the image used; before the first one, those of the repository."""
    history = context.usage_history
    return history.of_image(request.repository, request.image) or history.of_repository(
        request.repository, Role.EVALUATION
    )
