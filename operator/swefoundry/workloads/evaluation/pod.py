"""Manifest of the evaluation pod: one stage image by digest, the runner as PID 1, no network, no token. Pure."""

from dataclasses import dataclass

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
    avoid_nodes: tuple[str, ...] = ()
    memory_factor: int = 1


def evaluation_pod(ref: AttemptRef, run: EvaluationRun, settings: Settings) -> JsonDict:
    """The pod that runs the evaluation."""
    resources = run.validation.resources
    template = ContainerTemplate(
        image=run.image,
        env={EVALUATION_SPEC_VARIABLE: run.spec.to_json()},
        security=security_context(ROOT_CAPABILITIES, user=0),
        resources=resource_requirements(
            resources.cpu, scale_quantity(resources.memory, run.memory_factor), resources.ephemeral_storage
        ),
        deadline_seconds=run.spec.timeout_seconds + EVALUATION_OVERHEAD_SECONDS,
        user_namespace=settings.task_user_namespaces,
        runtime_class=settings.runtime_class,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        avoid_nodes=run.avoid_nodes,
        node_lost_seconds=settings.node_lost_seconds,
    )
    body = pod_manifest(ref, template)
    body["metadata"]["labels"][NETWORK_LABEL] = run.validation.network.lower()
    return body
