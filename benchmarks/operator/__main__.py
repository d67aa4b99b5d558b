"""`python benchmarks/operator [evaluations|requests|reactions|finished|makespan …]`: measure the operator on a cluster.

Prints one table per part; benchmarks/RESULTS.md explains the numbers. Everything runs in a new namespace, which is
deleted at the end.
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

from benchmark_instances import a_benchmark_task, benchmark_repository  # noqa: E402
from evaluations import Context, Run, SideBySide, build_image, run_alternately, run_side_by_side  # noqa: E402
from finished import create_finished, measure_with_finished  # noqa: E402
from installed_settings import installed_settings  # noqa: E402
from measured_requests import Placed, compare_requests  # noqa: E402
from reactions import reactions  # noqa: E402
from timeline import Timeline  # noqa: E402
from unlike_nodes import Batch, compare_makespans  # noqa: E402

from cluster.commands import kubectl  # noqa: E402
from control_plane.api_client import TASKS, Cluster  # noqa: E402
from control_plane.operator_process import OperatorProcess  # noqa: E402

RELEASE = "swefoundry"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        default=[],
        help="evaluations, requests, reactions, finished; makespan, which needs two nodes; default: all but that",
    )
    parser.add_argument(
        "--rounds", type=int, default=2, help="alternating runs of each side; 0: only side by side"
    )
    parser.add_argument("--repeats", type=int, default=20, help="evaluations of each stage per run")
    parser.add_argument("--test-seconds", type=float, default=0, help="seconds that a test sleeps")
    parser.add_argument(
        "--instances", type=int, default=8, help="instances of the reaction times, or of each batch"
    )
    parser.add_argument("--objects", default="1,2000", help="numbers of finished objects")
    parser.add_argument("--out", type=Path, help="JSON file with all results")
    options = parser.parse_args()
    asyncio.run(measure(options))


async def measure(options: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    namespace = f"swefoundry-bench-{uuid.uuid4().hex[:4]}"
    cluster = await Cluster.connect()
    create_namespace(namespace)
    results: dict[str, Any] = {}
    try:
        settings = installed_settings(RELEASE, namespace)
        max_active = int(settings["SWEFOUNDRY_MAX_ACTIVE_EVALUATION"])
        log = Path(f"/tmp/{namespace}.log")
        print(
            f"namespace {namespace}, {max_active} evaluations at a time, the operator's log is {log}",
            flush=True,
        )
        parts = options.parts or ["evaluations", "requests", "reactions", "finished"]
        if {"evaluations", "requests", "reactions", "makespan"} & set(parts):
            results |= await measure_operator(cluster, settings, parts, options, log)
        if "finished" in parts:
            results["finished"] = await measure_finished(cluster, settings, options, log)
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")
        await cluster.close()
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


def create_namespace(name: str) -> None:
    """Create a task namespace with the network policies of the installed chart."""
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


async def measure_operator(
    cluster: Cluster, settings: dict[str, str], parts: Sequence[str], options: argparse.Namespace, log: Path
) -> dict[str, Any]:
    namespace, results = settings["SWEFOUNDRY_NAMESPACES"], {}
    operator = await OperatorProcess.start(settings, log)
    timeline = Timeline(cluster, namespace)
    max_active = int(settings["SWEFOUNDRY_MAX_ACTIVE_EVALUATION"])
    context = Context(cluster, timeline, namespace, operator, max_active)
    try:
        await operator.wait_until_ready(0)
        if "evaluations" in parts:
            repository = benchmark_repository(namespace)
            templates = await build_image(context, repository, options.test_seconds)
            result = await run_side_by_side(
                context, repository, options.repeats, options.test_seconds, templates
            )
            results["sideBySide"] = report_side_by_side(result)
            if options.rounds:
                runs = await run_alternately(
                    context, repository, options.rounds, options.repeats, options.test_seconds
                )
                results["evaluations"] = report_runs(runs)
        if "requests" in parts:
            repository = benchmark_repository(f"{namespace}-requests")
            placements = await compare_requests(
                context, repository, options.rounds, options.repeats, options.test_seconds
            )
            results["requests"] = report_placements(placements)
        if "makespan" in parts:
            repository = benchmark_repository(f"{namespace}-makespan")
            batches = await compare_makespans(
                context, repository, options.instances, options.rounds, int(options.test_seconds)
            )
            results["makespan"] = report_makespans(batches)
        if "reactions" in parts:
            names = [f"{namespace}-{number}" for number in range(options.instances)]
            measured = await reactions(context, [benchmark_repository(name) for name in names], concurrent=2)
            results["reactions"] = asdict(measured)
            report_reactions(results["reactions"])
    finally:
        await timeline.close()
        await operator.stop()
    return results


async def measure_finished(
    cluster: Cluster, settings: dict[str, str], options: argparse.Namespace, log: Path
) -> list[dict[str, Any]]:
    namespace = settings["SWEFOUNDRY_NAMESPACES"]
    template = await finished_template(cluster, settings, log)
    created, results = 0, []
    for objects in (int(number) for number in options.objects.split(",")):
        started = time.monotonic()
        await create_finished(cluster, namespace, template, range(created, objects))
        created = objects
        print(f"  {objects} objects after {time.monotonic() - started:.0f} s", flush=True)
        result = await measure_with_finished(cluster, settings, objects, template, log)
        results.append(asdict(result))
        print("  " + json.dumps(results[-1]), flush=True)
    return results


async def finished_template(cluster: Cluster, settings: dict[str, str], log: Path) -> dict[str, Any]:
    """Run one TaskInstance to its verdict; return it with its spec and status."""
    namespace = settings["SWEFOUNDRY_NAMESPACES"]
    operator = await OperatorProcess.start(settings, log)
    timeline = Timeline(cluster, namespace)
    try:
        await operator.wait_until_ready(0)
        task = a_benchmark_task("template", benchmark_repository(f"{namespace}-template"), namespace, 1, 0)
        await cluster.request("POST", TASKS.format(namespace), task)
        await timeline.wait_until(lambda: "template" in timeline.finished)
        template = await cluster.request("GET", f"{TASKS.format(namespace)}/template")
        await cluster.request("DELETE", f"{TASKS.format(namespace)}/template")
        await asyncio.sleep(3)
        return template
    finally:
        await timeline.close()
        await operator.stop()


def report_runs(runs: list[Run]) -> dict[str, Any]:
    """Print and return the results of the alternating runs."""
    pairs = list(zip(runs[::2], runs[1::2], strict=True))
    ratios = [operator.throughput.rate / loop.throughput.rate for operator, loop in pairs]
    result: dict[str, Any] = {"ratio": statistics.geometric_mean(ratios), "ratios": ratios}
    for side in ("operator", "loop"):
        refills = [gap for run in runs if run.side == side for gap in run.throughput.refill_seconds]
        result[side] = {
            "perSecond": [run.throughput.rate for run in runs if run.side == side],
            "refillSeconds": quantiles(refills),
        }
    result["operator"]["cpuSeconds"] = [run.operator_cpu for run in runs if run.side == "operator"]
    print("evaluations: " + json.dumps(result, indent=1), flush=True)
    return result


def report_side_by_side(run: SideBySide) -> dict[str, Any]:
    """Print and return the results of the two sides at the same time."""
    result = {
        "ratio": run.operator / run.loop,
        "operator": run.operator,
        "loop": run.loop,
        "operatorRefillSeconds": quantiles(run.operator_refills),
        "loopRefillSeconds": quantiles(run.loop_refills),
    }
    print("side by side: " + json.dumps(result), flush=True)
    return result


def report_placements(runs: list[Placed]) -> dict[str, Any]:
    """Print and return the wall times of both sides, and the measured side's share of the fixed one's."""
    pairs = list(zip(runs[::2], runs[1::2], strict=True))
    ratios = [measured.seconds / fixed.seconds for fixed, measured in pairs]
    result = {
        "ratio": statistics.geometric_mean(ratios),
        "ratios": ratios,
        "runs": [asdict(run) for run in runs],
    }
    print("requests: " + json.dumps(result), flush=True)
    return result


def report_makespans(batches: list[Batch]) -> dict[str, Any]:
    """Print and return the measured side's share of the fixed one's makespan and mean."""
    pairs = list(zip(batches[::2], batches[1::2], strict=True))
    result = {
        "ratio": statistics.geometric_mean(measured.makespan / fixed.makespan for fixed, measured in pairs),
        "meanRatio": statistics.geometric_mean(measured.mean / fixed.mean for fixed, measured in pairs),
        "batches": [asdict(batch) for batch in batches],
    }
    print("makespan: " + json.dumps(result), flush=True)
    return result


def report_reactions(result: dict[str, Any]) -> None:
    """Print the reaction times and the requests per instance."""
    for step, seconds in result["seconds"].items():
        print(f"  {step:28} {quantiles(seconds)}  ({len(seconds)} times)")
    for request, number in result["writes"].items():
        print(f"  {request:28} {number:.2f} per instance")
    print(f"  operator CPU per instance: {result['operator_cpu']:.3f} s", flush=True)


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    return {f"p{part}": round(ordered[(len(ordered) - 1) * part // 100], 4) for part in (50, 95)}


if __name__ == "__main__":
    main()
