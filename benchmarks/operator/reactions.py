"""Time from a pod's end to the creation of the next pod, and API requests per instance."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from benchmark_instances import a_benchmark_task
from evaluations import Context
from timeline import PodTimes

from control_plane.api_client import TASKS

STEPS = (
    ("intake -> build", "intake", "build"),
    ("build -> probe", "build", "probe"),
    ("probe -> before, after", "probe", "matrix"),
)


@dataclass(frozen=True)
class Reactions:
    """Results of several instances."""

    seconds: dict[str, list[float]]
    """By step: from a pod's end to the creation of the pods that depend on it."""
    writes: dict[str, float]
    """Requests of the operator per instance, by verb and resource."""
    operator_cpu: float
    """CPU seconds of the operator per instance."""


async def reactions(context: Context, repositories: list[Any], concurrent: int) -> Reactions:
    """Run one instance of each repository. Each has a new repository in the registry, so nothing is stored before."""
    limit = asyncio.Semaphore(concurrent)
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in STEPS} | {"last evaluation -> verdict": []}
    before, cpu = context.operator.metrics(), context.operator.cpu_seconds()

    async def run(number: int, repository: Any) -> None:
        name = f"react-{number}"
        task = a_benchmark_task(name, repository, context.namespace, 1, 0)
        task["spec"]["repo"] = f"bench/react-{number}-{repository.commit[:8]}"
        async with limit:
            await context.cluster.request("POST", TASKS.format(context.namespace), task)
            await context.timeline.wait_until(lambda: name in context.timeline.finished)
        assert context.timeline.statuses[name].get("verdict") == "fail2pass", context.timeline.statuses[name]
        _measure(context, name, seconds)

    await asyncio.gather(*(run(number, repository) for number, repository in enumerate(repositories)))
    await asyncio.sleep(2)  # until the last pods are deleted
    spent = Counter(context.operator.metrics())
    spent.subtract(before)
    count = len(repositories)
    return Reactions(
        seconds,
        {k: v / count for k, v in _requests(spent).items()},
        (context.operator.cpu_seconds() - cpu) / count,
    )


def _measure(context: Context, name: str, seconds: dict[str, list[float]]) -> None:
    pods = context.timeline.pods_with(owner=name)
    parts = {
        "intake": [pod for pod in pods if pod.label("role") == "intake"],
        "build": [pod for pod in pods if pod.label("role") == "build"],
        "probe": [
            pod for pod in pods if pod.label("role") == "evaluation" and pod.label("owner-kind") == "envbuild"
        ],
        "matrix": [
            pod
            for pod in pods
            if pod.label("role") == "evaluation" and pod.label("owner-kind") == "taskinstance"
        ],
    }
    for step, before, after in STEPS:
        end = _last_end(parts[before])
        seconds[step] += [pod.created - end for pod in parts[after]]
    seconds["last evaluation -> verdict"].append(context.timeline.finished[name] - _last_end(parts["matrix"]))


def _last_end(pods: list[PodTimes]) -> float:
    return max(pod.ended for pod in pods if pod.ended is not None)


def _requests(spent: Counter[tuple[str, str]]) -> dict[str, float]:
    requests: Counter[str] = Counter()
    for (name, labels), value in spent.items():
        if name == "swefoundry_api_requests_total" and value:
            tags = dict(part.split("=") for part in labels.replace('"', "").split(","))
            requests[f"{tags['verb']} {tags['resource']} {tags['code']}"] += value
    return dict(sorted(requests.items()))
