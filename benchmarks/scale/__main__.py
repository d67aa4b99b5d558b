"""`python benchmarks/scale [--instances N]`: the operator's costs with thousands of TaskInstances.

Real: the operator's process, API server, etcd, scheduler and registry, in a control plane of their own that is started
and stopped here. Simulated: nodes and pods. Each instance is an intake, a build, two probes and three evaluations.
benchmarks/RESULTS.md explains the numbers.
"""

import argparse
import asyncio
import json
import math
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [
    str(HERE),
    *(str(ROOT / part) for part in ("operator", "lab", "tests", "benchmarks/operator")),
]

from batch import Batch, Moment, quantile, requests_by_kind  # noqa: E402
from places_in_use import Places  # noqa: E402
from shard_processes import ShardProcesses  # noqa: E402

from control_plane.api_client import Cluster  # noqa: E402
from control_plane.operator_process import Sample, total  # noqa: E402
from control_plane.outcomes import Outcomes  # noqa: E402
from control_plane.own_control_plane import (  # noqa: E402
    cancelled_tasks,
    etcd_mebibytes,
    operator_settings,
    prepare_namespace,
    running_control_plane,
)
from control_plane.simulated_nodes import SimulatedNodes, running_nodes  # noqa: E402
from swefoundry.oci.registry_client import RegistryClient  # noqa: E402
from swefoundry_lab.layout import Lab  # noqa: E402

NAMESPACE = "scale"
WRITES = ("POST", "PATCH", "DELETE")
RETRY_SECONDS = 30.0
"""For how long a request is repeated: the API server answers 429 while the storage of a new kind is prepared."""
GO_GARBAGE_COLLECTION = "400"
"""Percent by which the heap of a Go program grows before a collection.

With Go's 100, collections of its cache of 10,000 TaskInstances took a third of the API server's CPU time, on the
processors that the operator uses, too.
"""


def main() -> None:
    """Run one batch per size and print its measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--instances", type=int, nargs="+", default=[1000], help="sizes, one run each")
    parser.add_argument("--nodes", type=int, default=50, help="simulated nodes")
    parser.add_argument("--cpus", type=int, default=16, help="of each node")
    parser.add_argument(
        "--places", type=int, default=100, help="evaluation pods at a time; builds: a quarter"
    )
    parser.add_argument("--start-seconds", type=float, default=1.0, help="from a pod's node to its start")
    parser.add_argument("--run-seconds", type=float, default=2.0, help="that a container runs")
    parser.add_argument("--faults", type=float, default=0.01, help="share of pods that the cluster ends")
    parser.add_argument("--rejected", type=float, default=0.1, help="share of instances without a valid fix")
    parser.add_argument("--per-repository", type=int, default=20, help="instances of one repository")
    parser.add_argument("--restart", action="store_true", help="kill the operator when half have ended")
    parser.add_argument("--shards", type=int, default=1, help="operators that share the work")
    parser.add_argument("--out", type=Path, help="JSON file with all results")
    options = parser.parse_args()
    os.environ.setdefault("GOGC", GO_GARBAGE_COLLECTION)
    results = [asyncio.run(measure(size, options)) for size in options.instances]
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


@dataclass
class Run:
    """What one run works with."""

    lab: Lab
    cluster: Cluster
    batch: Batch
    places: Places
    log: Path
    shards: int

    async def start_operator(self) -> ShardProcesses:
        """Start the operator's program with this control plane."""
        settings = operator_settings(self.lab, NAMESPACE, self.places.limits)
        settings |= {"KUBECONFIG": str(self.lab.kubeconfig)}
        return await ShardProcesses.start(settings, self.shards, self.log)


@asynccontextmanager
async def prepared_run(size: int, options: argparse.Namespace) -> AsyncIterator[Run]:
    """Start the control plane and the simulated nodes; stop them when the block ends."""
    limits = {
        "evaluation": options.places,
        "intake": options.places // 2,
        "build": max(1, options.places // 4),
        "agent": options.shards,
    }
    async with AsyncExitStack() as stack:
        lab = stack.enter_context(running_control_plane())
        cluster = await Cluster.connect(lab.kubeconfig, RETRY_SECONDS)
        stack.push_async_callback(cluster.close)
        await prepare_namespace(cluster, NAMESPACE)
        host = f"127.0.0.1:{lab.ports.registry}"
        registry = await stack.enter_async_context(RegistryClient(host, insecure=True, retry_seconds=120))
        places = Places(limits)
        script = Outcomes(registry, options.faults, options.rejected)
        tasks = await stack.enter_async_context(cancelled_tasks())
        nodes = SimulatedNodes(
            cluster, NAMESPACE, script, places.observe, options.start_seconds, options.run_seconds, tasks
        )
        await stack.enter_async_context(running_nodes(nodes, lab, options.nodes, options.cpus))
        batch = Batch(cluster, NAMESPACE, size, options.per_repository)
        tasks.create_task(batch.follow())
        tasks.create_task(batch.follow_builds())
        log = Path(f"/tmp/swefoundry-scale-{os.getpid()}-{size}.log")
        yield Run(lab, cluster, batch, places, log, options.shards)


async def measure(size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run one batch from apply to the last end."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with prepared_run(size, options) as run:
        operator = await run.start_operator()
        try:
            await operator.wait_until_ready(0)
            resident, spent = operator.resident_mib(), -operator.cpu_seconds()
            creating = asyncio.create_task(run.batch.create())
            await run.batch.sample(operator, run.places, size // 2 if options.restart else size)
            samples, restart = [], None
            if options.restart:
                samples, spent = [operator.metrics()], spent + operator.cpu_seconds()
                operator, restart = await restarted(run, operator)
                spent -= restart["readyCpuSeconds"]
                await run.batch.sample(operator, run.places, size)
            await creating
            await operator.wait_until_idle()
            samples.append(operator.metrics())
            spent += operator.cpu_seconds()
            result = results(run, samples, spent)
            result["restart"] = restart
            result["shards"] = operator.by_shard()
            result["residentMiB"] = {"start": round(resident, 1), "end": round(operator.resident_mib(), 1)}
            grown = operator.resident_mib() - resident
            result["residentKiBPerObject"] = round(grown * 1024 / (2 * size), 1)
            result["etcdMiB"] = round(await etcd_mebibytes(run.cluster), 1)
        finally:
            await operator.stop()
        result["moments"] = [asdict(moment) for moment in run.batch.moments]
        report(result)
        return result


async def restarted(run: Run, operator: ShardProcesses) -> tuple[ShardProcesses, dict[str, float]]:
    """Kill the operator and start it again: seconds until it is ready, and until it creates its next pod."""
    await operator.kill()
    killed, created = time.monotonic(), run.places.created
    operator = await run.start_operator()
    try:
        ready = await operator.wait_until_ready(0)
        cpu = operator.cpu_seconds()
        first = await run.places.wait_for_more(created) - killed
    except BaseException:
        await operator.stop()
        raise
    restart = {"readySeconds": ready, "readyCpuSeconds": cpu, "nextPodSeconds": first}
    print(f"  restarted: {json.dumps(restart)}", flush=True)
    return operator, restart


def results(run: Run, samples: list[Sample], cpu_seconds: float) -> dict[str, Any]:
    """The measures of a run that has ended."""
    size, requests = run.batch.size, requests_by_kind(samples)
    writes = {name: value / size for name, value in requests.items() if name.split()[0] in WRITES}
    queue = "swefoundry_workqueue_queue_duration_seconds"
    refill = "swefoundry_place_refill_duration_seconds"
    refills = run.places.refill_seconds.get("evaluation", [])
    return {
        "instances": size,
        "phases": run.batch.phases(),
        "seconds": run.batch.moments[-1].seconds,
        "pods": run.places.created / size,
        "cpuSecondsPerInstance": round(cpu_seconds / size, 4),
        "writesPerInstance": round(sum(writes.values()), 2),
        "writes": {name: round(value, 2) for name, value in writes.items()},
        "statusWrites": {
            "TaskInstance": run.batch.task_changes.per_instance(size),
            "EnvBuild": run.batch.build_changes.per_instance(size),
        },
        "reads": {name: round(value / size, 2) for name, value in requests.items() if name.startswith("GET")},
        "registryRequests": round(
            sum(total(sample, "swefoundry_registry_requests_total") for sample in samples) / size, 1
        ),
        "reconciles": round(sum(total(sample, "swefoundry_reconcile_total") for sample in samples) / size, 1),
        "watchEvents": round(
            sum(total(sample, "swefoundry_watch_events_total") for sample in samples) / size, 1
        ),
        "queueSeconds": {
            f"{priority} p{part}": quantile(samples[-1], queue, part / 100, f'priority="{priority}"')
            for priority in ("normal", "low")
            for part in (50, 95)
        },
        "refillSeconds": {
            "number": len(refills),
            "p50": part_of(refills, 0.5),
            "p95": part_of(refills, 0.95),
            # Of the operator alone, from the event that it handles to the request that it sends: bounds of buckets.
            "operatorP50": quantile(samples[-1], refill, 0.5),
            "operatorP95": quantile(samples[-1], refill, 0.95),
        },
    }


def part_of(seconds: list[float], part: float) -> float | None:
    """The time that so great a part of them does not exceed."""
    return round(sorted(seconds)[math.ceil(part * len(seconds)) - 1], 4) if seconds else None


def report(result: dict[str, Any]) -> None:
    """Print the measures, without those over time."""
    print(json.dumps({name: value for name, value in result.items() if name != "moments"}, indent=1))
    for moment in result["moments"][:: max(1, len(result["moments"]) // 12)]:
        print(Moment(**moment).line(), flush=True)


if __name__ == "__main__":
    main()
