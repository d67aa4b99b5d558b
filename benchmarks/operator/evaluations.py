"""Evaluations per second of the operator, compared with the baseline loop in the same minutes.

One TaskInstance of which each stage is evaluated ``repeats`` times, against as many bare pods with the very bodies
that the operator made, alternately. What differs is the operator's work alone: stage images, logs, reports,
evidence, status, finalizers.
"""

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

from api_client import PODS, TASKS, Cluster, Json
from baseline_loop import bare, run_bare
from benchmark_instances import a_benchmark_task
from process import OperatorProcess
from timeline import Life, Pace, Timeline, pace


@dataclass(frozen=True)
class Setting:
    """Where everything runs."""

    cluster: Cluster
    timeline: Timeline
    namespace: str
    operator: OperatorProcess
    places: int


@dataclass(frozen=True)
class Lap:
    """One turn of one side."""

    side: str
    pace: Pace
    operator_cpu: float
    """CPU seconds of the operator per evaluation."""


async def warm_up(setting: Setting, story: Any, seconds: float) -> list[Life]:
    """Builds the image and brings it to the node, so that no lap pays for it."""
    return await through_operator(setting, a_benchmark_task("warm", story, setting.namespace, 1, seconds))


async def through_operator(setting: Setting, task: Json) -> list[Life]:
    """Apply a TaskInstance and wait for its verdict; the lives of its own evaluation pods."""
    name = task["metadata"]["name"]
    await setting.cluster.ask("POST", TASKS.format(setting.namespace), task)
    await setting.timeline.until(lambda: name in setting.timeline.finished)
    status = setting.timeline.statuses[name]
    assert status.get("verdict") == "fail2pass", status
    lives = setting.timeline.of(owner=name, role="evaluation", **{"owner-kind": "taskinstance"})
    await setting.cluster.ask("DELETE", f"{TASKS.format(setting.namespace)}/{name}")
    return lives


async def laps(setting: Setting, story: Any, rounds: int, repeats: int, seconds: float) -> list[Lap]:
    """Operator, loop, operator, loop, …"""
    done: list[Lap] = []
    for number in range(rounds):
        task = a_benchmark_task(f"lap-{number}", story, setting.namespace, repeats, seconds)
        before = setting.operator.cpu_seconds()
        lives = await through_operator(setting, task)
        spent = setting.operator.cpu_seconds() - before
        done.append(Lap("operator", pace(lives, setting.places), spent / len(lives)))
        say(done[-1])
        await quiet(setting)
        bodies = [bare(life.body, f"bare-{number}-{index}") for index, life in enumerate(lives)]
        lives = await run_bare(setting.cluster, setting.timeline, setting.namespace, bodies, setting.places)
        done.append(Lap("loop", pace(lives, setting.places), 0.0))
        say(done[-1])
        await quiet(setting)
    return done


@dataclass(frozen=True)
class Race:
    """Ends within the same window: from the operator's first pod to the moment it has nothing left to start."""

    operator: int
    loop: int
    operator_refills: tuple[float, ...]
    loop_refills: tuple[float, ...]


async def race(setting: Setting, story: Any, repeats: int, seconds: float, models: list[Life]) -> Race:
    """Both sides at the same time, so that a machine with other work is equally slow for both."""
    task = a_benchmark_task("race", story, setting.namespace, repeats, seconds)
    ours = asyncio.create_task(through_operator(setting, task))
    wanted = {"owner": "race", "role": "evaluation", "owner-kind": "taskinstance"}
    await setting.timeline.until(lambda: bool(setting.timeline.of(**wanted)))
    bodies = (bare(models[n % len(models)].body, f"race-bare-{n}") for n in itertools.count())
    loop = asyncio.create_task(
        run_bare(setting.cluster, setting.timeline, setting.namespace, bodies, setting.places, ours.done)
    )
    lives, bares = await ours, await loop
    begin, until = lives[0].created, lives[-1].created
    own, other = (
        [x for x in side if begin <= x.created and x.ended and x.ended <= until] for side in (lives, bares)
    )
    await quiet(setting)
    return Race(
        len(own), len(other), pace(lives, setting.places).refills, pace(bares, setting.places).refills
    )


async def quiet(setting: Setting) -> None:
    """Wait until the other side's pods are gone."""
    for _ in range(600):
        if not (await setting.cluster.ask("GET", PODS.format(setting.namespace)))["items"]:
            return
        await asyncio.sleep(0.5)
    raise RuntimeError("pods stay")


def say(lap: Lap) -> None:
    refills = sorted(lap.pace.refills)
    middle = refills[len(refills) // 2] if refills else float("nan")
    print(
        f"  {lap.side:8} {lap.pace.rate:6.3f}/s  place taken again after {middle * 1000:5.0f} ms (median)"
        f"  operator CPU {lap.operator_cpu * 1000:5.0f} ms per evaluation",
        flush=True,
    )
