"""Manifests of the pods that `swefoundry doctor --pods` starts. Pure.

They are no work: they lack the label by which the operator watches pods, so they take no place and need no finalizer.
"""

from swefoundry.api import labels
from swefoundry.contracts.connectivity import (
    CONNECTIVITY_SPEC_VARIABLE,
    MEASURED_IMAGE_COMMAND,
    ConnectionKind,
    ConnectivitySpec,
)
from swefoundry.contracts.digests import Digest
from swefoundry.settings import Settings
from swefoundry.workloads.agent.pod import agent_environment, key_volumes, model_key_file
from swefoundry.workloads.applied_template import template_of, with_template
from swefoundry.workloads.attempt import Owner, Role
from swefoundry.workloads.evaluation.pod import NETWORK_LABEL, evaluation_container
from swefoundry.workloads.pod_spec import ContainerTemplate, JsonDict, pod_spec, resource_requirements
from swefoundry.workloads.program_pod import PROGRAM_USER, Program, program_container
from swefoundry.workloads.volumes import ca_file, registry_location

DOCTOR_COMPONENT = "doctor"
DOCTOR_REPOSITORY = "swefoundry/doctor"

POD_SECONDS = 600
"""Longest life of a pod that nobody deletes: an interrupted command leaves none for good."""
DOCTOR_MEMORY = "256Mi"
DOCTOR_STORAGE = "256Mi"

MEASURED_BY_ROLE = {
    Role.BUILD: [ConnectionKind.REGISTRY, ConnectionKind.BASE_IMAGES],
    Role.AGENT: [ConnectionKind.MODEL],
    Role.EVALUATION: [ConnectionKind.ISOLATION],
}
"""Pods of a role have its network policies, and measure what concerns it."""


def connectivity_spec(role: Role, settings: Settings) -> ConnectivitySpec:
    """What the pod of a role measures."""
    return ConnectivitySpec(
        place=registry_location(settings, DOCTOR_REPOSITORY),
        measured=MEASURED_BY_ROLE[role],
        base_images=sorted(image for images in settings.base_images.values() for image in images),
        mirrors=settings.build_mirrors,
        models=settings.models if role is Role.AGENT else [],
        key_file=model_key_file(settings) if role is Role.AGENT else None,
        ca_file=ca_file(settings),
    )


def connectivity_pod(role: Role, namespace: str, suffix: str, settings: Settings) -> JsonDict:
    """The pod of a role: the operator's image, and the credentials and policies of that role."""
    agent = role is Role.AGENT
    env = {CONNECTIVITY_SPEC_VARIABLE: connectivity_spec(role, settings).to_json()}
    program = Program(
        "swefoundry-connectivity",
        {**env, **(agent_environment(settings) if agent else {})},
        DOCTOR_MEMORY,
        DOCTOR_STORAGE,
        POD_SECONDS,
    )
    container = program_container(program, settings, key_volumes(settings) if agent else ())
    return _pod(role, f"doctor-{role.value}-{suffix}", namespace, container, settings)


def pull_pod(image: Digest, namespace: str, suffix: str, settings: Settings) -> JsonDict:
    """A pod whose image nodes pull as they pull task images; it cannot start, because there is nothing in it."""
    resources = resource_requirements("10m", DOCTOR_MEMORY, DOCTOR_STORAGE)
    name = f"{settings.pull_host}/{DOCTOR_REPOSITORY}@{image}"
    container = evaluation_container(name, resources, POD_SECONDS, settings)
    body = _pod(Role.EVALUATION, f"doctor-pull-{suffix}", namespace, container, settings)
    body["spec"]["containers"][0] |= {"command": [MEASURED_IMAGE_COMMAND], "imagePullPolicy": "Always"}
    return body


def _pod(role: Role, name: str, namespace: str, container: ContainerTemplate, settings: Settings) -> JsonDict:
    tags = {
        labels.MANAGED_BY: labels.CLI,
        labels.COMPONENT: DOCTOR_COMPONENT,
        # The network policies of the role select by these.
        labels.ROLE: role.value,
        NETWORK_LABEL: "deny",
    }
    body: JsonDict = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": tags},
        "spec": pod_spec(DOCTOR_COMPONENT, container),
    }
    body["spec"]["securityContext"] = {"fsGroup": PROGRAM_USER}
    return with_template(body, template_of(Owner("", namespace, name, ""), settings))
