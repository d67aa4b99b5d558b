"""Manifest of the evaluation pod: one stage image by digest, the runner as PID 1, no network, no token. Pure."""

from dataclasses import dataclass, replace

from swefoundry.api import labels
from swefoundry.api.types import Validation
from swefoundry.contracts.evaluation import EVALUATION_SPEC_VARIABLE, EvaluationSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import (
    ROOT_CAPABILITIES,
    ContainerTemplate,
    JsonDict,
    pod_manifest,
    resource_requirements,
    scale_quantity,
    security_context,
)
from swefoundry.workloads.resource_estimates import PeakUse, Requests, estimate, first_guess

EVALUATION_OVERHEAD_SECONDS = 900
"""On top of the runner's own limit: the deadline's clock includes pulling a large image."""

NETWORK_LABEL = "swefoundry.dev/network"
"""allow or deny: the chart's policy for evaluation pods selects on it."""


@dataclass(frozen=True)
class EvaluationRun:
    """Image, command and limits of one evaluation."""

    image: str
    """registry/repository@digest of the stage image, as nodes pull it."""
    spec: EvaluationSpec
    validation: Validation
    use: PeakUse | None = None
    """What evaluations of the image, or else of the repository, used at most; None before the first one."""
    avoid_nodes: tuple[str, ...] = ()
    memory_factor: int = 1
    full_requests: bool = False
    """Nothing is estimated but an absent CPU, which gets the most."""


def evaluation_pod(ref: AttemptRef, run: EvaluationRun, settings: Settings) -> JsonDict:
    """The pod that runs the evaluation."""
    requests, limit = evaluation_requests(run, settings), _memory_limit(run)
    resources = resource_requirements(
        requests.cpu, limit, run.validation.resources.ephemeral_storage, requests.memory
    )
    seconds = run.spec.timeout_seconds + EVALUATION_OVERHEAD_SECONDS
    template = replace(
        evaluation_container(run.image, resources, seconds, settings),
        env={EVALUATION_SPEC_VARIABLE: run.spec.to_json()},
        avoid_nodes=run.avoid_nodes,
    )
    body = pod_manifest(ref, template)
    body["metadata"]["labels"][NETWORK_LABEL] = run.validation.network.lower()
    if run.validation.resources.cpu is None and requests.cpu != settings.evaluation_cpu_most:
        body["metadata"]["annotations"][labels.ESTIMATED_CPU] = requests.cpu
    return body


def evaluation_container(
    image: str, resources: JsonDict, deadline_seconds: int, settings: Settings
) -> ContainerTemplate:
    """The container of a stage image: root with few capabilities, in a user namespace and the configured sandbox."""
    return ContainerTemplate(
        image=image,
        env={},
        security=security_context(ROOT_CAPABILITIES, user=0),
        resources=resources,
        deadline_seconds=deadline_seconds,
        user_namespace=settings.task_user_namespaces,
        runtime_class=settings.runtime_class,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        node_lost_seconds=settings.node_lost_seconds,
    )


def evaluation_requests(run: EvaluationRun, settings: Settings) -> Requests:
    """Requests of the pod. A CPU that a person wrote is requested as it is; memory never exceeds its limit.

    After a memory kill nothing is estimated: the second kill counts, and must not be the fault of a crowded node.
    """
    written = run.validation.resources.cpu
    most = Requests(written or settings.evaluation_cpu_most, _memory_limit(run))
    if run.full_requests or run.memory_factor > 1:
        return most
    found = first_guess(most, settings) if run.use is None else estimate(run.use, most, settings)
    return replace(found, cpu=written) if written else found


def _memory_limit(run: EvaluationRun) -> str:
    return scale_quantity(run.validation.resources.memory, run.memory_factor)
