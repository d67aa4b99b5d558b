"""`python benchmarks/operator [evaluations|reactions|finished …]`: measure the operator on the running cluster.

Prints one table per part; see benchmarks/RESULTS.md for what the numbers mean. Everything runs in a namespace of
its own, which is deleted in the end.
"""

import argparse
import asyncio
import json
import signal
import statistics
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
for folder in ("operator", "tests"):
    sys.path.append(str(HERE.parents[1] / folder))

from api_client import TASKS, Cluster  # noqa: E402
from benchmark_instances import a_benchmark_task, benchmark_repository  # noqa: E402
from evaluations import Lap, Race, Setting, laps, race, warm_up  # noqa: E402
from finished import finished_ones, load  # noqa: E402
from process import OperatorProcess, installed_settings  # noqa: E402
from reactions import reactions  # noqa: E402
from timeline import Timeline  # noqa: E402

from cluster.commands import kubectl  # noqa: E402

RELEASE = "swefoundry"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], help="evaluations, reactions, finished; default: all")
    parser.add_argument("--rounds", type=int, default=2, help="turns of either side; 0: only the race")
    parser.add_argument("--repeats", type=int, default=20, help="evaluations of each stage per turn")
    parser.add_argument("--test-seconds", type=float, default=0, help="how long a test sleeps")
    parser.add_argument("--instances", type=int, default=8, help="instances whose reactions are timed")
    parser.add_argument("--objects", default="1,2000", help="numbers of finished objects")
    parser.add_argument("--out", type=Path, help="JSON of everything")
    options = parser.parse_args()
    asyncio.run(measure(options))


async def measure(options: argparse.Namespace) -> None:
    here = asyncio.current_task()
    assert here is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, here.cancel)
    namespace = f"swefoundry-bench-{uuid.uuid4().hex[:4]}"
    cluster = await Cluster.connect()
    make_namespace(namespace)
    found: dict[str, Any] = {}
    try:
        settings = installed_settings(RELEASE, namespace)
        places = int(settings["SWEFOUNDRY_MAX_ACTIVE_EVALUATION"])
        log = Path(f"/tmp/{namespace}.log")
        print(
            f"namespace {namespace}, {places} evaluations at a time, the operator's log is {log}", flush=True
        )
        parts = options.parts or ["evaluations", "reactions", "finished"]
        if {"evaluations", "reactions"} & set(parts):
            found |= await with_operator(cluster, settings, parts, options, log)
        if "finished" in parts:
            found["finished"] = await beside_finished(cluster, settings, options, log)
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")
        await cluster.close()
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))


def make_namespace(name: str) -> None:
    """A task namespace with the installed chart's network policies."""
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(body))
    policies = json.loads(kubectl("get", "networkpolicies", "-n", RELEASE, "-o", "json"))
    for item in policies["items"]:
        item["metadata"] = {"name": item["metadata"]["name"], "namespace": name}
    kubectl("apply", "-f", "-", stdin=json.dumps(policies))


async def with_operator(
    cluster: Cluster, settings: dict[str, str], parts: Sequence[str], options: argparse.Namespace, log: Path
) -> dict[str, Any]:
    namespace, found = settings["SWEFOUNDRY_NAMESPACES"], {}
    operator = await OperatorProcess.start(settings, log)
    timeline = Timeline(cluster, namespace)
    places = int(settings["SWEFOUNDRY_MAX_ACTIVE_EVALUATION"])
    setting = Setting(cluster, timeline, namespace, operator, places)
    try:
        await operator.ready(0)
        if "evaluations" in parts:
            story = benchmark_repository(namespace)
            models = await warm_up(setting, story, options.test_seconds)
            run = await race(setting, story, options.repeats, options.test_seconds, models)
            found["race"] = tell_race(run)
            if options.rounds:
                done = await laps(setting, story, options.rounds, options.repeats, options.test_seconds)
                found["evaluations"] = tell_laps(done)
        if "reactions" in parts:
            stories = [benchmark_repository(f"{namespace}-{number}") for number in range(options.instances)]
            timed = await reactions(setting, stories, together=2)
            found["reactions"] = asdict(timed)
            tell_reactions(found["reactions"])
    finally:
        await timeline.close()
        await operator.stop()
    return found


async def beside_finished(
    cluster: Cluster, settings: dict[str, str], options: argparse.Namespace, log: Path
) -> list[dict[str, Any]]:
    namespace = settings["SWEFOUNDRY_NAMESPACES"]
    model = await a_model(cluster, settings, log)
    there, found = 0, []
    for objects in (int(number) for number in options.objects.split(",")):
        began = time.monotonic()
        await finished_ones(cluster, namespace, model, range(there, objects))
        there = objects
        print(f"  {objects} objects after {time.monotonic() - began:.0f} s", flush=True)
        found.append(asdict(await load(cluster, settings, objects, model, log)))
        print("  " + json.dumps(found[-1]), flush=True)
    return found


async def a_model(cluster: Cluster, settings: dict[str, str], log: Path) -> dict[str, Any]:
    """A TaskInstance that came to its verdict, with its whole spec and status."""
    namespace = settings["SWEFOUNDRY_NAMESPACES"]
    operator = await OperatorProcess.start(settings, log)
    timeline = Timeline(cluster, namespace)
    try:
        await operator.ready(0)
        task = a_benchmark_task("model", benchmark_repository(f"{namespace}-model"), namespace, 1, 0)
        await cluster.ask("POST", TASKS.format(namespace), task)
        await timeline.until(lambda: "model" in timeline.finished)
        model = await cluster.ask("GET", f"{TASKS.format(namespace)}/model")
        await cluster.ask("DELETE", f"{TASKS.format(namespace)}/model")
        await asyncio.sleep(3)
        return model
    finally:
        await timeline.close()
        await operator.stop()


def tell_laps(done: list[Lap]) -> dict[str, Any]:
    pairs = list(zip(done[::2], done[1::2], strict=True))
    ratios = [ours.pace.rate / loop.pace.rate for ours, loop in pairs]
    result: dict[str, Any] = {"ratio": statistics.geometric_mean(ratios), "ratios": ratios}
    for side in ("operator", "loop"):
        refills = [gap for lap in done if lap.side == side for gap in lap.pace.refills]
        result[side] = {
            "perSecond": [lap.pace.rate for lap in done if lap.side == side],
            "refillSeconds": quantiles(refills),
        }
    result["operator"]["cpuSeconds"] = [lap.operator_cpu for lap in done if lap.side == "operator"]
    print("evaluations: " + json.dumps(result, indent=1), flush=True)
    return result


def tell_race(run: Race) -> dict[str, Any]:
    result = {
        "ratio": run.operator / run.loop,
        "operator": run.operator,
        "loop": run.loop,
        "operatorRefillSeconds": quantiles(run.operator_refills),
        "loopRefillSeconds": quantiles(run.loop_refills),
    }
    print("race: " + json.dumps(result), flush=True)
    return result


def tell_reactions(found: dict[str, Any]) -> None:
    for step, seconds in found["seconds"].items():
        print(f"  {step:28} {quantiles(seconds)}  ({len(seconds)} times)")
    for request, number in found["writes"].items():
        print(f"  {request:28} {number:.2f} per instance")
    print(f"  operator CPU per instance: {found['operator_cpu']:.3f} s", flush=True)


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    return {f"p{part}": round(ordered[(len(ordered) - 1) * part // 100], 4) for part in (50, 95)}


if __name__ == "__main__":
    main()
