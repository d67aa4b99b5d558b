"""Reaction time from a pod's end to the creation of the next pod, and API requests per instance."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from api_client import TASKS
from benchmark_instances import a_benchmark_task
from evaluations import Setting
from timeline import Life

STEPS = (
    ("intake -> build", "intake", "build"),
    ("build -> probe", "build", "probe"),
    ("probe -> before, after", "probe", "matrix"),
)


@dataclass(frozen=True)
class Reactions:
    """What several instances, each on its own, took."""

    seconds: dict[str, list[float]]
    """By step: from a pod's end to the creation of the pods that depend on it."""
    writes: dict[str, float]
    """Requests of the operator per instance, by verb and resource."""
    operator_cpu: float
    """CPU seconds of the operator per instance."""


async def reactions(setting: Setting, stories: list[Any], together: int) -> Reactions:
    """Each story becomes an instance of a repository of its own, so nothing is there already."""
    gate = asyncio.Semaphore(together)
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in STEPS} | {"last evaluation -> verdict": []}
    before, cpu = setting.operator.metrics(), setting.operator.cpu_seconds()

    async def one(number: int, story: Any) -> None:
        name = f"react-{number}"
        task = a_benchmark_task(name, story, setting.namespace, 1, 0)
        task["spec"]["repo"] = f"bench/react-{number}-{story.commit[:8]}"
        async with gate:
            await setting.cluster.ask("POST", TASKS.format(setting.namespace), task)
            await setting.timeline.until(lambda: name in setting.timeline.finished)
        assert setting.timeline.statuses[name].get("verdict") == "fail2pass", setting.timeline.statuses[name]
        _measure(setting, name, seconds)

    await asyncio.gather(*(one(number, story) for number, story in enumerate(stories)))
    await asyncio.sleep(2)  # until the last pods are released
    spent = Counter(setting.operator.metrics())
    spent.subtract(before)
    count = len(stories)
    return Reactions(
        seconds,
        {k: v / count for k, v in _requests(spent).items()},
        (setting.operator.cpu_seconds() - cpu) / count,
    )


def _measure(setting: Setting, name: str, seconds: dict[str, list[float]]) -> None:
    pods = setting.timeline.of(owner=name)
    parts = {
        "intake": [x for x in pods if x.label("role") == "intake"],
        "build": [x for x in pods if x.label("role") == "build"],
        "probe": [x for x in pods if x.label("role") == "evaluation" and x.label("owner-kind") == "envbuild"],
        "matrix": [
            x for x in pods if x.label("role") == "evaluation" and x.label("owner-kind") == "taskinstance"
        ],
    }
    for step, first, then in STEPS:
        end = _end(parts[first])
        seconds[step] += [life.created - end for life in parts[then]]
    seconds["last evaluation -> verdict"].append(setting.timeline.finished[name] - _end(parts["matrix"]))


def _end(lives: list[Life]) -> float:
    return max(life.ended for life in lives if life.ended is not None)


def _requests(spent: Counter[tuple[str, str]]) -> dict[str, float]:
    found: Counter[str] = Counter()
    for (name, labels), value in spent.items():
        if name == "swefoundry_api_requests_total" and value:
            tags = dict(part.split("=") for part in labels.replace('"', "").split(","))
            found[f"{tags['verb']} {tags['resource']} {tags['code']}"] += value
    return dict(sorted(found.items()))
