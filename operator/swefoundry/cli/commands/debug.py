"""`swefoundry debug dump`: the state that the running operator holds in memory."""

import asyncio
from typing import Annotated, Any

import typer

from swefoundry.api import labels
from swefoundry.cli import clients, console, options
from swefoundry.cli.operator_pods import OPERATOR_SELECTOR
from swefoundry.cli.views.operator_state import state_sections
from swefoundry.cli.views.page import print_section
from swefoundry.errors import NotFound, PermanentError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import PODS, ApiObject

METRICS_PORT_NAME = "metrics"

OperatorNamespace = Annotated[
    str, typer.Option("--namespace", "-n", help="Namespace of the operator; default: all are searched.")
]


ShardNumber = Annotated[
    int | None,
    typer.Option("--shard", min=0, help="Number of the shard, where several operators share the work."),
]


def dump(
    namespace: OperatorNamespace = "",
    shard: ShardNumber = None,
    context: options.Context = None,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Show the operator's queue, pod places, waiting objects, model usage and caches."""
    state = asyncio.run(_connect_and_fetch(clients.ClusterTarget(namespace, context), shard))
    if output is console.OutputFormat.JSON:
        console.print_json(state)
        return
    terminal = console.stdout()
    for section in state_sections(state):
        print_section(section, terminal)


async def _connect_and_fetch(target: clients.ClusterTarget, shard: int | None) -> dict[str, Any]:
    async with clients.open_cluster(target) as kube:
        return await fetch_state(kube, target.namespace, shard)


async def fetch_state(kube: KubeClient, namespace: str, shard: int | None = None) -> dict[str, Any]:
    """The state of the operator that leads in ``namespace`` ("" is all), read through the API server's pod proxy.

    Where several operators share the work, ``shard`` is the number of one of them.
    """
    pods = [pod async for pod in kube.list(PODS, namespace, OPERATOR_SELECTOR) if _is_running(pod)]
    if not pods:
        where = f"namespace {namespace}" if namespace else "any namespace"
        raise NotFound(f"no running operator in {where} (pods with {OPERATOR_SELECTOR})")
    if len({pod["metadata"]["namespace"] for pod in pods}) > 1:
        found = ", ".join(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)
        raise PermanentError(f"several operators are running ({found}): choose one with --namespace")
    states = [await _state_of(kube, pod) for pod in _of_shard(pods, shard)]
    return next((state for state in states if state["operator"].get("leads")), states[0])


def _of_shard(pods: list[ApiObject], shard: int | None) -> list[ApiObject]:
    """The pods of the shard; without a number all, if they share no work."""
    found = {pod["metadata"]["labels"].get(labels.SHARD, "0") for pod in pods}
    if shard is None and len(found) > 1:
        raise PermanentError(
            f"the work is shared by shards {', '.join(sorted(found, key=int))}: choose one with --shard"
        )
    chosen = [
        pod for pod in pods if shard is None or pod["metadata"]["labels"].get(labels.SHARD, "0") == str(shard)
    ]
    if not chosen:
        raise NotFound(f"no running operator of shard {shard}; there are {', '.join(sorted(found, key=int))}")
    return chosen


async def _state_of(kube: KubeClient, pod: ApiObject) -> dict[str, Any]:
    meta = pod["metadata"]
    return await kube.proxy_get(meta["namespace"], meta["name"], _metrics_port(pod), "debug/state")


def _is_running(pod: ApiObject) -> bool:
    return bool(
        pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    )


def _metrics_port(pod: ApiObject) -> int:
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", [])]
    for port in ports:
        if port.get("name") == METRICS_PORT_NAME:
            return int(port["containerPort"])
    raise NotFound("the operator serves no state because metrics.port is 0; send it SIGUSR2 and read its log")
