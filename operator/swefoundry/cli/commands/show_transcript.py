"""`swefoundry transcript NAME`: what was said to the models and what they answered."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from swefoundry.cli import clients, console, options
from swefoundry.cli.evidence_reader import env_build_repository
from swefoundry.cli.views.transcript_view import TurnFilter, render_transcript
from swefoundry.contracts.transcript import TRANSCRIPT_FILE, AgentRole, Transcript
from swefoundry.errors import NotFound, PermanentError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.oci.artifacts import pull_artifact

TRANSCRIPT_LIMIT_BYTES = 96 << 20
KubernetesObject = Mapping[str, Any]


class TranscriptFormat(StrEnum):
    """How it is printed."""

    TEXT = "text"
    JSON = "json"


class NoTranscript(NotFound):
    """No model has been asked, or not yet."""


def transcript(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the TaskInstance or EnvBuild.")],
    role: Annotated[AgentRole | None, typer.Option("--role", help="Only this role's turns.")] = None,
    round_number: Annotated[
        int | None, typer.Option("--round", min=1, help="Only this round's turns, from 1.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Long messages whole.")] = False,
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: Annotated[
        TranscriptFormat, typer.Option("--output", "-o", help="How it is printed.")
    ] = TranscriptFormat.TEXT,
) -> None:
    """Show what the agents said to the models and what they answered: roles, tool calls, tokens, money.

    Keys and the like were taken out before it was stored. Turns that a later pod found stored were paid for once.
    """
    place = clients.ClusterTarget(clients.resolve_namespace(namespace, context=context), context)
    found = asyncio.run(_fetch_transcript(name, place, clients.RegistryTarget(registry, insecure, prefix)))
    wanted = TurnFilter(role, None if round_number is None else round_number - 1, full)
    if output is TranscriptFormat.JSON:
        return console.print_json(found.model_copy(update={"turns": wanted.select(found)}).to_json_dict())
    console.stdout().print(render_transcript(name, found, wanted))
    return None


async def _fetch_transcript(
    name: str, place: clients.ClusterTarget, store: clients.RegistryTarget
) -> Transcript:
    async with clients.open_cluster(place) as kube:
        build = await _find_env_build(kube, place.namespace, name)
    digest = _transcript_digest(build)
    host, repository = env_build_repository(build, store)
    if not host:
        raise PermanentError(
            f"the transcript is {repository}@{digest}; give --registry, to say where that is"
        )
    async with clients.open_registry(store, host) as opened:
        files = await pull_artifact(opened, repository, digest, TRANSCRIPT_LIMIT_BYTES)
    if TRANSCRIPT_FILE not in files:
        raise PermanentError(f"{host}/{repository}@{digest} is no transcript: it has no {TRANSCRIPT_FILE}")
    return Transcript.model_validate_json(files[TRANSCRIPT_FILE])


async def _find_env_build(kube: KubeClient, namespace: str, name: str) -> KubernetesObject:
    """The EnvBuild of that name, or of the TaskInstance of that name."""
    try:
        task = await kube.get(TASKS, namespace, name)
    except NotFound:
        return await _get_env_build(kube, namespace, name)
    made = (task.get("status") or {}).get("envBuild")
    if not made:
        phase = (task.get("status") or {}).get("phase") or "Pending"
        raise NoTranscript(f"{name} is {phase} and has no EnvBuild yet: no model has been asked")
    return await _get_env_build(kube, namespace, made)


async def _get_env_build(kube: KubeClient, namespace: str, name: str) -> KubernetesObject:
    try:
        return await kube.get(BUILDS, namespace, name)
    except NotFound as error:
        raise NotFound(f"no TaskInstance and no EnvBuild {name} in {namespace}") from error


def _transcript_digest(build: KubernetesObject) -> str:
    status = build.get("status") or {}
    agents, name = status.get("agents") or {}, build["metadata"]["name"]
    if digest := agents.get("transcript"):
        return str(digest)
    if agents:
        raise NoTranscript(f"EnvBuild {name} is {status.get('phase')}: {_why_no_transcript(agents)}")
    tried = sorted({each["strategy"] for each in status.get("rounds") or []})
    so_far = f"its rounds so far are of {', '.join(tried)}" if tried else "it has no round yet"
    raise NoTranscript(f"EnvBuild {name} is {status.get('phase') or 'Pending'} and asked no model: {so_far}")


def _why_no_transcript(agents: KubernetesObject) -> str:
    """Why agents that were called have left no transcript."""
    if agents.get("ended"):
        return f"its agents ended before they could ask a model: {agents.get('message') or agents['ended']}"
    return "its agents write their first draft; the transcript comes with it"
