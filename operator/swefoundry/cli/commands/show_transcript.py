"""`swefoundry transcript NAME`: requests to the models and their answers."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from swefoundry.api.status_upgrade import upgraded
from swefoundry.cli import clients, console, options
from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.cli.evidence_reader import env_build_repository
from swefoundry.cli.views.progress import INITIAL_PHASE
from swefoundry.cli.views.transcript_view import TurnFilter, render_transcript
from swefoundry.contracts.transcript import TRANSCRIPT_FILE, AgentRole, Transcript
from swefoundry.errors import NotFound, PermanentError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.oci.artifacts import pull_artifact

TRANSCRIPT_LIMIT_BYTES = 96 << 20


class TranscriptFormat(StrEnum):
    """Format of the transcript on stdout."""

    TEXT = "text"
    JSON = "json"


class NoTranscript(NotFound):
    """No model was asked, or not yet."""


def transcript(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the TaskInstance or EnvBuild.")],
    role: Annotated[AgentRole | None, typer.Option("--role", help="Show only this role's turns.")] = None,
    round_number: Annotated[
        int | None, typer.Option("--round", min=1, help="Show only this round's turns; rounds count from 1.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Do not shorten long messages.")] = False,
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: Annotated[
        TranscriptFormat, typer.Option("--output", "-o", help="Format of the transcript.")
    ] = TranscriptFormat.TEXT,
) -> None:
    """Show the agents' requests to the models and the answers: roles, tool calls, tokens, money.

    Keys and other secrets were removed before the transcript was stored. A turn that is marked "paid for earlier" was
    found in the registry by a later pod and cost nothing again.
    """
    cluster = clients.cluster_target(namespace, context)
    target = clients.RegistryTarget(registry, insecure, prefix)
    stored = asyncio.run(_fetch_transcript(name, cluster, target))
    turns = TurnFilter(role, None if round_number is None else round_number - 1, full)
    if output is TranscriptFormat.JSON:
        console.print_json(stored.model_copy(update={"turns": turns.select(stored)}).to_json_dict())
    else:
        console.stdout().print(render_transcript(name, stored, turns))


async def _fetch_transcript(
    name: str, cluster: clients.ClusterTarget, target: clients.RegistryTarget
) -> Transcript:
    async with clients.open_cluster(cluster) as kube:
        build = await _find_env_build(kube, cluster.namespace, name)
    digest = _transcript_digest(build)
    host, repository = env_build_repository(build, target)
    if not host:
        raise PermanentError(
            f"the transcript is {repository}@{digest}; give --registry with the host that holds it"
        )
    async with clients.open_registry(target, host) as registry_client:
        files = await pull_artifact(registry_client, repository, digest, TRANSCRIPT_LIMIT_BYTES)
    if TRANSCRIPT_FILE not in files:
        raise PermanentError(f"{host}/{repository}@{digest} is not a transcript: it has no {TRANSCRIPT_FILE}")
    return Transcript.model_validate_json(files[TRANSCRIPT_FILE])


async def _find_env_build(kube: KubeClient, namespace: str, name: str) -> KubernetesObject:
    """The EnvBuild with that name, or of the TaskInstance with that name."""
    try:
        task = await kube.get(TASKS, namespace, name)
    except NotFound:
        return await _get_env_build(kube, namespace, name)
    status = status_of(task)
    if not status.get("envBuild"):
        phase = status.get("phase") or INITIAL_PHASE
        raise NoTranscript(f"{name} is {phase} and has no EnvBuild yet: no model has been asked")
    return await _get_env_build(kube, namespace, status["envBuild"])


async def _get_env_build(kube: KubeClient, namespace: str, name: str) -> KubernetesObject:
    try:
        return await kube.get(BUILDS, namespace, name)
    except NotFound as error:
        raise NotFound(f"no TaskInstance and no EnvBuild {name} in {namespace}") from error


def _transcript_digest(build: KubernetesObject) -> str:
    status = upgraded(status_of(build))
    agents, name = status.get("agents") or {}, build["metadata"]["name"]
    if digest := agents.get("transcript"):
        return str(digest)
    if agents:
        raise NoTranscript(f"EnvBuild {name} is {status.get('phase')}: {_why_no_transcript(agents)}")
    strategies = sorted({each["strategy"] for each in status.get("rounds") or []})
    rounds = f"strategies of its rounds: {', '.join(strategies)}" if strategies else "it has no round yet"
    phase = status.get("phase") or INITIAL_PHASE
    raise NoTranscript(f"EnvBuild {name} is {phase} and asked no model; {rounds}")


def _why_no_transcript(agents: KubernetesObject) -> str:
    """Why requested agents have left no transcript."""
    if reason := agents.get("endReason"):
        return f"its agents ended before they could ask a model: {agents.get('message') or reason}"
    return "its agents are writing their first draft, and the transcript is stored with it"
