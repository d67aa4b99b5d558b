"""Manifest of a pod in which a person looks around in a stage image, isolated as an evaluation of it is. Pure.

It is no work: it lacks the label by which the operator watches pods, so it takes no place and needs no finalizer.
"""

from dataclasses import dataclass, replace

from swefoundry.api import labels
from swefoundry.api.types import Validation
from swefoundry.settings import Settings
from swefoundry.workloads import names
from swefoundry.workloads.attempt import Owner, Role
from swefoundry.workloads.evaluation.pod import (
    EVALUATION_OVERHEAD_SECONDS,
    NETWORK_LABEL,
    evaluation_container,
)
from swefoundry.workloads.pod_spec import JsonDict, owner_reference, pod_spec, resource_requirements
from swefoundry.workloads.resource_estimates import at_most

OPEN_COMPONENT = "open"
OPEN_SELECTOR = f"{labels.COMPONENT}={OPEN_COMPONENT},{labels.MANAGED_BY}={labels.CLI}"
CONTAINER = "testbed"

GRACE_SECONDS = 1
"""`sleep` as PID 1 ignores SIGTERM."""


@dataclass(frozen=True)
class OpenRequest:
    """An image to look around in."""

    owner: Owner
    image: str
    """registry/repository@digest of the stage image, as nodes pull it."""
    validation: Validation
    """Its limits and its network are the pod's."""
    seconds: int
    """How long the pod runs when nobody deletes it."""
    suffix: str
    """Of the pod's name, so that several may be open."""


def open_pod(request: OpenRequest, settings: Settings) -> JsonDict:
    """The pod; its container only waits, and commands are executed in it."""
    owner, limits = request.owner, request.validation.resources
    requests = at_most(settings.evaluation_memory, limits.memory)
    resources = resource_requirements(
        limits.cpu or settings.evaluation_cpu, limits.memory, limits.ephemeral_storage, requests
    )
    deadline = request.seconds + EVALUATION_OVERHEAD_SECONDS
    template = replace(
        evaluation_container(request.image, resources, deadline, settings),
        command=["sleep", str(request.seconds)],
        grace_seconds=GRACE_SECONDS,
    )
    metadata = {
        "name": names.open_pod_name(owner.name, request.suffix),
        "namespace": owner.namespace,
        "labels": {
            labels.MANAGED_BY: labels.CLI,
            labels.COMPONENT: OPEN_COMPONENT,
            # The network policies of evaluations select by these.
            labels.ROLE: Role.EVALUATION.value,
            NETWORK_LABEL: request.validation.network.lower(),
            labels.OWNER_KIND: owner.kind.lower(),
            labels.OWNER: names.label_value(owner.name),
        },
        "ownerReferences": [owner_reference(owner)],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": pod_spec(CONTAINER, template),
    }
