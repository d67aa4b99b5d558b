"""Pods that run one of our programs in the operator's own image: intake, checkout and agents. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from swefoundry.contracts.termination_record import WORK_VARIABLE
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import (
    ContainerTemplate,
    JsonDict,
    pod_manifest,
    resource_requirements,
    security_context,
)
from swefoundry.workloads.volumes import ca_file, registry_and_ca_volumes, volumes_and_mounts

WORK_MOUNT = "/work"

PROGRAM_USER = 1000

CA_VARIABLES = ("SSL_CERT_FILE", "GIT_SSL_CAINFO")


@dataclass(frozen=True)
class Program:
    """One of our programs, its environment and its limits."""

    command: str
    """A console script of the package."""
    env: Mapping[str, str]
    memory: str
    storage: str
    deadline_seconds: int
    grace_seconds: int = ContainerTemplate.grace_seconds


def source_program(command: str, env: Mapping[str, str], settings: Settings) -> Program:
    """A program that works on sources, with the limits and certificates of an intake."""
    ca = ca_file(settings)
    trusted = dict.fromkeys(CA_VARIABLES, ca) if ca else {}
    return Program(
        command, {**env, **trusted}, settings.intake_memory, settings.intake_storage, settings.intake_seconds
    )


def program_pod(
    ref: AttemptRef, program: Program, settings: Settings, files: tuple[JsonDict, ...] = ()
) -> JsonDict:
    """The pod of an attempt for ``program``, with an emptyDir to work in."""
    body = pod_manifest(ref, program_container(program, settings, files))
    body["spec"]["securityContext"] = {"fsGroup": PROGRAM_USER}
    return body


def program_container(
    program: Program, settings: Settings, files: tuple[JsonDict, ...] = ()
) -> ContainerTemplate:
    """The container of ``program``, as an unprivileged user in a read-only image."""
    workspace = {"name": "work", "emptyDir": {"sizeLimit": program.storage}}
    volumes, mounts = volumes_and_mounts(workspace, WORK_MOUNT, (*files, *registry_and_ca_volumes(settings)))
    return ContainerTemplate(
        image=settings.operator_image,
        command=[program.command],
        env={**program.env, WORK_VARIABLE: WORK_MOUNT},
        security={**security_context(user=PROGRAM_USER), "readOnlyRootFilesystem": True},
        resources=resource_requirements("100m", program.memory, program.storage),
        deadline_seconds=program.deadline_seconds,
        volumes=volumes,
        mounts=mounts,
        user_namespace=settings.task_user_namespaces,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        node_lost_seconds=settings.node_lost_seconds,
        grace_seconds=program.grace_seconds,
    )
