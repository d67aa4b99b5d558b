"""Wall time of the same evaluations with a fixed request of one CPU and with requests that are measured.

The evaluations of one TaskInstance each, in turn, on the same node. The test works for a moment and then waits, as
suites do that sleep, start servers or read files.
"""

from dataclasses import dataclass
from typing import Any

from benchmark_instances import a_benchmark_task
from evaluations import Context, run_operator, wait_until_no_pods
from timeline import PodTimes

SIDES: dict[str, dict[str, str]] = {"one CPU": {"cpu": "1"}, "measured": {}}


@dataclass(frozen=True)
class Placed:
    """One run of one side."""

    side: str
    seconds: float
    """From the creation of the first evaluation to the end of the last one."""
    requests: tuple[str, ...]
    """CPU requests of its pods."""


async def compare_requests(
    context: Context, repository: Any, rounds: int, repeats: int, seconds: float
) -> list[Placed]:
    """Run one side, then the other, ``rounds`` times; the probes of a first run measure the image."""
    await _run(context, repository, "warm", 1, seconds, {})
    runs = []
    for number in range(rounds):
        for side, cpu in SIDES.items():
            name = f"{side.replace(' ', '-').lower()}-{number}"
            runs.append(placed(side, await _run(context, repository, name, repeats, seconds, cpu)))
            print(
                f"  {side:8} {runs[-1].seconds:6.1f} s, requests {', '.join(runs[-1].requests)}", flush=True
            )
    return runs


async def _run(
    context: Context, repository: Any, name: str, repeats: int, seconds: float, cpu: dict[str, str]
) -> list[PodTimes]:
    task = a_benchmark_task(name, repository, context.namespace, repeats, seconds)
    task["spec"]["validation"]["resources"] = {"memory": "256Mi", "ephemeralStorage": "1Gi"} | cpu
    pods = await run_operator(context, task)
    await wait_until_no_pods(context)
    return pods


def placed(side: str, pods: list[PodTimes]) -> Placed:
    requests = {pod.body["spec"]["containers"][0]["resources"]["requests"]["cpu"] for pod in pods}
    ends = [pod.ended for pod in pods if pod.ended is not None]
    assert len(ends) == len(pods), "some pods have not ended"
    return Placed(side, max(ends) - min(pod.created for pod in pods), tuple(sorted(requests)))
