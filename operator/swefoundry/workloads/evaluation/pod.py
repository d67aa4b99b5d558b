"""The evaluation pod: one stage image by digest, the runner as PID 1, no network, no token, one container."""

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
    """What to run where."""

    image: str
    """registry/repository@digest of the stage image, as nodes pull it."""
    order: EvaluationSpec
    validation: Validation
    avoid_nodes: tuple[str, ...] = ()
    memory_factor: int = 1


def evaluation_pod(ticket: AttemptRef, what: EvaluationRun, settings: Settings) -> JsonDict:
    """The Pod that carries out the run order."""
    wanted = what.validation.resources
    cell = ContainerTemplate(
        image=what.image,
        env={EVALUATION_SPEC_VARIABLE: what.order.to_json()},
        security=security_context(ROOT_CAPABILITIES, user=0),
        resources=resource_requirements(
            wanted.cpu, scale_quantity(wanted.memory, what.memory_factor), wanted.ephemeral_storage
        ),
        deadline_seconds=what.order.timeout_seconds + EVALUATION_OVERHEAD_SECONDS,
        user_namespace=settings.task_user_namespaces,
        runtime_class=settings.runtime_class,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        avoid_nodes=what.avoid_nodes,
        node_lost_seconds=settings.node_lost_seconds,
    )
    body = pod_manifest(ticket, cell)
    body["metadata"]["labels"][NETWORK_LABEL] = what.validation.network.lower()
    return body
