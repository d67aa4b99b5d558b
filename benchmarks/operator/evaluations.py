"""Evaluations per second of the operator and of the baseline loop.

The operator evaluates each stage of one TaskInstance ``repeats`` times; the loop runs the same number of bare pods
with the same bodies. The difference is the operator's work: stage images, logs, reports, evidence, status, finalizers.
"""

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

from baseline_loop import bare, run_bare
from benchmark_instances import a_benchmark_task
from timeline import PodTimes, Throughput, Timeline, throughput

from control_plane.api_client import PODS, TASKS, Cluster, Json
from control_plane.operator_process import OperatorProcess


@dataclass(frozen=True)
class Context:
    """Cluster, namespace and operator of the benchmark."""

    cluster: Cluster
    timeline: Timeline
    namespace: str
    operator: OperatorProcess
    max_active: int
    """Evaluations at a time, for both sides."""


@dataclass(frozen=True)
class Run:
    """Result of one run of one side."""

    side: str
    throughput: Throughput
    operator_cpu: float
    """CPU seconds of the operator per evaluation."""


async def build_image(context: Context, repository: Any, seconds: float) -> list[PodTimes]:
    """Build the image and pull it to the node, so that no run includes that time."""
    return await run_operator(context, a_benchmark_task("warm", repository, context.namespace, 1, seconds))


async def run_operator(context: Context, task: Json) -> list[PodTimes]:
    """Apply a TaskInstance and wait for its verdict; return the times of its evaluation pods."""
    name = task["metadata"]["name"]
    await context.cluster.request("POST", TASKS.format(context.namespace), task)
    await context.timeline.wait_until(lambda: name in context.timeline.finished)
    status = context.timeline.statuses[name]
    assert status.get("verdict") == "fail2pass", status
    pods = context.timeline.pods_with(owner=name, role="evaluation", **{"owner-kind": "taskinstance"})
    await context.cluster.request("DELETE", f"{TASKS.format(context.namespace)}/{name}")
    return pods


async def run_alternately(
    context: Context, repository: Any, rounds: int, repeats: int, seconds: float
) -> list[Run]:
    """Run operator, loop, operator, loop, …"""
    runs: list[Run] = []
    for number in range(rounds):
        task = a_benchmark_task(f"run-{number}", repository, context.namespace, repeats, seconds)
        before = context.operator.cpu_seconds()
        pods = await run_operator(context, task)
        spent = context.operator.cpu_seconds() - before
        runs.append(Run("operator", throughput(pods, context.max_active), spent / len(pods)))
        print_run(runs[-1])
        await wait_until_no_pods(context)
        bodies = [bare(pod.body, f"bare-{number}-{index}") for index, pod in enumerate(pods)]
        pods = await run_bare(
            context.cluster, context.timeline, context.namespace, bodies, context.max_active
        )
        runs.append(Run("loop", throughput(pods, context.max_active), 0.0))
        print_run(runs[-1])
        await wait_until_no_pods(context)
    return runs


@dataclass(frozen=True)
class SideBySide:
    """Evaluations that started and ended in the same window: between the operator's first and last pod creation."""

    operator: int
    loop: int
    operator_refills: tuple[float, ...]
    loop_refills: tuple[float, ...]


async def run_side_by_side(
    context: Context, repository: Any, repeats: int, seconds: float, templates: list[PodTimes]
) -> SideBySide:
    """Run both sides at the same time, so that other work of the machine affects both equally."""
    task = a_benchmark_task("side-by-side", repository, context.namespace, repeats, seconds)
    operator = asyncio.create_task(run_operator(context, task))
    labels = {"owner": "side-by-side", "role": "evaluation", "owner-kind": "taskinstance"}
    await context.timeline.wait_until(lambda: bool(context.timeline.pods_with(**labels)))
    bodies = (bare(templates[n % len(templates)].body, f"bare-{n}") for n in itertools.count())
    loop = asyncio.create_task(
        run_bare(
            context.cluster, context.timeline, context.namespace, bodies, context.max_active, operator.done
        )
    )
    operator_pods, loop_pods = await operator, await loop
    start, end = operator_pods[0].created, operator_pods[-1].created
    ended = [
        sum(1 for pod in pods if start <= pod.created and pod.ended and pod.ended <= end)
        for pods in (operator_pods, loop_pods)
    ]
    await wait_until_no_pods(context)
    return SideBySide(
        operator=ended[0],
        loop=ended[1],
        operator_refills=throughput(operator_pods, context.max_active).refill_seconds,
        loop_refills=throughput(loop_pods, context.max_active).refill_seconds,
    )


async def wait_until_no_pods(context: Context) -> None:
    """Wait until all pods of the namespace are deleted."""
    for _ in range(600):
        if not (await context.cluster.request("GET", PODS.format(context.namespace)))["items"]:
            return
        await asyncio.sleep(0.5)
    raise RuntimeError("pods are not deleted after five minutes")


def print_run(run: Run) -> None:
    refills = sorted(run.throughput.refill_seconds)
    median = refills[len(refills) // 2] if refills else float("nan")
    print(
        f"  {run.side:8} {run.throughput.rate:6.3f}/s  next pod after {median * 1000:5.0f} ms (median)"
        f"  operator CPU {run.operator_cpu * 1000:5.0f} ms per evaluation",
        flush=True,
    )
