"""`swefoundry logs NAME`: the log of one piece of a TaskInstance's work."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from swefoundry.api import labels
from swefoundry.cli import clients, console, options
from swefoundry.cli.api_objects import KubernetesObject
from swefoundry.cli.evidence_reader import pull_evidence_files, read_env_build, task_repository
from swefoundry.cli.log_sources import (
    LogChoice,
    LogSource,
    LogStage,
    choose_log,
    log_sources,
)
from swefoundry.contracts.evaluation import OUTPUT_FILE
from swefoundry.errors import NotFound, PermanentError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import PODS, TASKS
from swefoundry.workloads.evaluation.log_frames import frame_opening, split_log

LOG_LIMIT_BYTES = 16 << 20
"""Bytes of a log: more than the pods of swefoundry write."""


def logs(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the TaskInstance.")],
    stage: Annotated[
        LogStage | None,
        typer.Argument(
            help="Work whose log is wanted; default: what runs now, else the evaluation that decided."
        ),
    ] = None,
    round_number: Annotated[
        int | None, typer.Option("--round", min=1, help="Round of the environment search, from 1.")
    ] = None,
    repeat: Annotated[
        int | None, typer.Option("--repeat", min=0, help="Repeat of the matrix, from 0.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print the log of a running pod as it is written.")
    ] = False,
    list_logs: Annotated[bool, typer.Option("--list", help="List the logs that there are.")] = False,
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
) -> None:
    """Print the log of an intake, a build, a probe or an evaluation, from its pod or, once that ended, the registry.

    A pod is deleted when its result is stored. Logs of builds and evaluations stay in the registry; those of intakes
    and agents do not: `swefoundry why` and `swefoundry transcript` show what is kept of them.
    """
    cluster = clients.cluster_target(namespace, context)
    target = clients.RegistryTarget(registry, insecure, prefix)
    choice = LogChoice(stage, round_number, repeat)
    if list_logs:
        asyncio.run(_list_logs(name, cluster, choice))
    else:
        asyncio.run(_print_log(name, cluster, target, choice, follow))


async def _list_logs(name: str, cluster: clients.ClusterTarget, choice: LogChoice) -> None:
    async with clients.open_cluster(cluster) as kube:
        _, sources = await _find_sources(kube, cluster.namespace, name)
    rows = [
        (
            source.stage,
            source.round or "",
            source.repeat,
            source.outcome or "running",
            source.pod or source.evidence,
        )
        for source in sources
        if choice.matches(source)
    ]
    console.stdout().print(console.table(("stage", "round", "repeat", "outcome", "pod or digest"), rows))


async def _print_log(
    name: str, cluster: clients.ClusterTarget, target: clients.RegistryTarget, choice: LogChoice, follow: bool
) -> None:
    async with clients.open_cluster(cluster) as kube:
        task, sources = await _find_sources(kube, cluster.namespace, name)
        source = choose_log(sources, choice)
        console.print_note(f"{name}: {source.title}", style="dim")
        if source.running:
            return await _print_pod_log(kube, cluster.namespace, source, follow)
    return _write(await _stored_log(task, source, target))


async def _find_sources(
    kube: KubeClient, namespace: str, name: str
) -> tuple[KubernetesObject, list[LogSource]]:
    task = await kube.get(TASKS, namespace, name)
    return task, log_sources(task, await read_env_build(kube, task))


async def _print_pod_log(kube: KubeClient, namespace: str, source: LogSource, follow: bool) -> None:
    try:
        pod = await kube.get(PODS, namespace, source.pod)
        nonce = pod["metadata"].get("annotations", {}).get(labels.NONCE, "")
        if not follow:
            return _write(
                split_log(await kube.log(PODS, namespace, source.pod, LOG_LIMIT_BYTES), nonce).output
            )
        async for line in _followed_lines(kube.follow_log(namespace, source.pod)):
            if line.startswith(frame_opening(nonce)):
                break
            _write(line)
    except NotFound as error:
        raise NotFound(f"the pod {source.pod} has just ended; ask again to read what was stored") from error


async def _followed_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Line by line, so that no character is cut in two."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


async def _stored_log(task: KubernetesObject, source: LogSource, target: clients.RegistryTarget) -> bytes:
    host, repository = task_repository(task, target)
    if not host:
        raise PermanentError(
            f"the log is {repository}@{source.evidence}; give --registry with the host that holds it"
        )
    async with clients.open_registry(target, host) as registry:
        if source.stage is LogStage.BUILD:
            return await registry.get_blob(repository, source.evidence, LOG_LIMIT_BYTES)
        return (await pull_evidence_files(registry, repository, source.evidence)).get(OUTPUT_FILE, b"")


def _write(data: bytes) -> None:
    """Print a log. Its control characters are replaced, as it may come from hostile code, but when it is piped."""
    text = data.decode(errors="replace")
    sys.stdout.write(console.strip_control_chars(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
