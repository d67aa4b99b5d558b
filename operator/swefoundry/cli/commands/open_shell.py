"""`swefoundry open NAME`: a shell, or a command, in an image of a TaskInstance, in a pod of its own."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from swefoundry.api.taskinstance import TaskValidation
from swefoundry.api.types import InstancePodTemplate
from swefoundry.cli import clients, console, options
from swefoundry.cli.evidence_reader import read_env_build
from swefoundry.cli.operator_pods import read_pod_settings
from swefoundry.cli.pod_shell import SHELL, find_kubectl, run_in_pod, wait_until_running
from swefoundry.cli.task_image import stage_layer, task_image
from swefoundry.contracts.stages import Stage
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import PODS, TASKS, ApiObject
from swefoundry.oci.stage_images import compose_stage
from swefoundry.settings import Settings
from swefoundry.workloads import names
from swefoundry.workloads.applied_template import template_of, with_template
from swefoundry.workloads.attempt import Owner
from swefoundry.workloads.evaluation.open_pod import CONTAINER, OpenRequest, open_pod

OPEN_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")

LONGEST_SECONDS = 86400


def _seconds(text: str) -> int:
    """Seconds of a duration as Go and Kubernetes write it."""
    found = OPEN_DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in (found.groups() if found else ()) or (0, 0, 0))
    total = hours * 3600 + minutes * 60 + seconds
    if not 0 < total <= LONGEST_SECONDS:
        raise typer.BadParameter("write a duration of at most a day, such as 1h, 30m or 1h30m")
    return total


@dataclass(frozen=True)
class ImageChoice:
    """Which image of the instance is opened."""

    stage: Stage
    round: int | None
    seconds: int


def open_instance(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the TaskInstance.")],
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND", help="Command to run instead of a shell, after `--`.", show_default=False
        ),
    ] = None,
    stage: Annotated[Stage, typer.Option("--stage", help="Tree to look at.")] = Stage.BEFORE,
    round_number: Annotated[
        int | None,
        typer.Option("--round", min=1, help="Image of this round, from 1; default: the accepted one."),
    ] = None,
    seconds: Annotated[
        Any, typer.Option("--for", parser=_seconds, metavar="DURATION", help="How long it may be open.")
    ] = "1h",
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
) -> None:
    """Open a shell in the image of a TaskInstance, in a pod that is isolated as its evaluations are.

    The pod is deleted when the shell ends. With a COMMAND, the exit code is the command's.
    """
    choice = ImageChoice(stage, round_number, seconds)
    cluster = clients.cluster_target(namespace, context)
    target = clients.RegistryTarget(registry, insecure, options.DEFAULT_PREFIX)
    words = tuple(command or ()) or SHELL
    raise typer.Exit(asyncio.run(_open(name, choice, words, cluster, target)))


async def _open(
    name: str,
    choice: ImageChoice,
    command: tuple[str, ...],
    cluster: clients.ClusterTarget,
    target: clients.RegistryTarget,
) -> int:
    kubectl = find_kubectl()
    async with clients.open_cluster(cluster) as kube:
        task = await kube.get(TASKS, cluster.namespace, name)
        image = task_image(task, await read_env_build(kube, task), choice.round)
        layer = stage_layer(task, choice.stage)
        settings = await read_pod_settings(kube, cluster.namespace)
        repository = names.repository(settings.registry_prefix, task["spec"]["repo"])
        async with clients.open_registry(target, settings.pull_host) as registry:
            composed = await compose_stage(registry, repository, image, layer)
        request = _request(task, f"{settings.pull_host}/{repository}@{composed}", choice.seconds)
        async with _pod(kube, request, settings) as pod:
            await wait_until_running(kube, pod)
            return await run_in_pod(kubectl, cluster, pod["metadata"]["name"], CONTAINER, command)


def _request(task: ApiObject, image: str, seconds: int) -> OpenRequest:
    meta, spec = task["metadata"], task["spec"]
    template = InstancePodTemplate.model_validate(spec["podTemplate"]) if spec.get("podTemplate") else None
    return OpenRequest(
        owner=Owner(TASKS.kind, meta["namespace"], meta["name"], meta["uid"], pod_template=template),
        image=image,
        validation=TaskValidation.model_validate(spec.get("validation") or {}),
        seconds=seconds,
        suffix=secrets.token_hex(3),
    )


@asynccontextmanager
async def _pod(kube: KubeClient, request: OpenRequest, settings: Settings) -> AsyncIterator[ApiObject]:
    """The pod, deleted at the end of the block, also when that is interrupted."""
    body = with_template(open_pod(request, settings), template_of(request.owner, settings))
    namespace, name = request.owner.namespace, body["metadata"]["name"]
    created = await kube.create(PODS, namespace, body) or body
    console.print_note(f"pod {namespace}/{name}: {request.image}", style="dim")
    try:
        yield created
    finally:
        await kube.delete(PODS, namespace, name)
