"""Makespan of a batch on two nodes of unlike size, with a fixed request of one CPU and with measured requests.

A batch is applied at once, each side in turn. A test keeps a CPU busy for a fifth of its time, as suites do that start
servers, sleep or read files. One node is made small by a pod that requests CPU and uses none, so that both nodes
together offer about what a machine with two CPUs has.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmark_instances import UNIQUE_OUTPUT
from evaluations import Context, wait_until_no_pods
from measured_requests import SIDES

from cluster.commands import kubectl
from cluster.sample_instances import Json, SampleRepository, a_task
from control_plane.api_client import TASKS

SMALL_CPU = 1000
"""CPU (m) that the small node has left: one evaluation with a fixed request."""
REPEATS = 3
"""Evaluations of each stage, so that builds and intakes are a small part of the makespan."""
BATCH_SECONDS = 3600.0
"""Bound of one side's batch."""
FILLER_NAMESPACE = "default"


@dataclass(frozen=True)
class Batch:
    """One side's batch."""

    side: str
    makespan: float
    """Seconds from the first TaskInstance's creation to the last verdict."""
    mean: float
    """Mean of the seconds to a verdict."""
    nodes: dict[str, int]
    """Evaluation pods by their node."""
    requests: dict[str, int]
    """Evaluation pods by their CPU request."""


async def compare_makespans(
    context: Context, repository: SampleRepository, instances: int, rounds: int, seconds: int
) -> list[Batch]:
    """Run one side, then the other, ``rounds`` times, after one instance that builds and measures the image."""
    batches = []
    await _run(context, repository, "warm", 1, seconds, {})
    with small_node(context.namespace):
        for number in range(rounds):
            for side, cpu in SIDES.items():
                prefix = f"{side.replace(' ', '-').lower()}-{number}"
                batches.append(await _run(context, repository, prefix, instances, seconds, cpu))
                print("  " + json.dumps(vars(batches[-1])), flush=True)
    return batches


async def _run(
    context: Context,
    repository: SampleRepository,
    prefix: str,
    instances: int,
    seconds: int,
    cpu: dict[str, str],
) -> Batch:
    started, timeline = time.monotonic(), context.timeline
    names = [f"{prefix}-{index}" for index in range(instances)]
    for name in names:
        task = a_task_with_pauses(name, repository, context.namespace, seconds, cpu)
        await context.cluster.request("POST", TASKS.format(context.namespace), task)
    await timeline.wait_until(lambda: timeline.finished.keys() >= set(names), BATCH_SECONDS)
    verdicts = {name: timeline.statuses[name].get("verdict") for name in names}
    assert set(verdicts.values()) == {"fail2pass"}, verdicts
    ends = [timeline.finished[name] - started for name in names]
    pods = [
        pod for pod in timeline.pods_with(role="evaluation") if pod.label("owner").startswith(f"{prefix}-")
    ]
    requests = Counter(pod.body["spec"]["containers"][0]["resources"]["requests"]["cpu"] for pod in pods)
    for name in names:
        await context.cluster.request("DELETE", f"{TASKS.format(context.namespace)}/{name}")
    await wait_until_no_pods(context)
    nodes = Counter(pod.node for pod in pods)
    return Batch(prefix, max(ends), sum(ends) / len(ends), dict(nodes), dict(requests))


def a_task_with_pauses(
    name: str, repository: SampleRepository, namespace: str, seconds: int, cpu: dict[str, str]
) -> Json:
    """A TaskInstance whose test is busy for one second of five; all of one repository share its image."""
    busy = f"for i in $(seq {seconds // 5}); do timeout 1 sh -c 'while :; do :; done'; sleep 4; done"
    task = a_task(name, repository, f"{UNIQUE_OUTPUT}; {busy}; sh check.sh", namespace)
    task["spec"]["repo"] = "bench/shell"
    resources = {"memory": "256Mi", "ephemeralStorage": "1Gi"} | cpu
    validation = {"repeats": REPEATS, "minRepeats": REPEATS, "controls": [], "timeoutSeconds": 600}
    task["spec"]["validation"] |= validation | {"resources": resources}
    return task


@contextmanager
def small_node(name: str) -> Iterator[None]:
    """Leave the last node ``SMALL_CPU``, by a pod that requests the rest and uses none of it.

    Raises:
        SystemExit: The cluster has one node only, or its last node is smaller already.
    """
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    if len(nodes) < 2:
        raise SystemExit("the makespan needs two nodes: make lab-up NODES=2")
    node = nodes[-1]["metadata"]["name"]
    filler = free_cpu(nodes[-1]) - SMALL_CPU
    if filler <= 0:
        raise SystemExit(f"node {node} has only {filler + SMALL_CPU}m of CPU left; {SMALL_CPU}m are needed")
    image = json.loads(kubectl("get", "deployment", "swefoundry", "-n", "swefoundry", "-o", "json"))
    container = {
        "name": "idle",
        "image": image["spec"]["template"]["spec"]["containers"][0]["image"],
        "command": ["sleep", "infinity"],
        "resources": {"requests": {"cpu": f"{filler}m"}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": FILLER_NAMESPACE},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "containers": [container],
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
        },
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    try:
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", "-n", FILLER_NAMESPACE, "--timeout=120s")
        yield
    finally:
        kubectl("delete", "pod", name, "-n", FILLER_NAMESPACE, "--wait=false")


def free_cpu(node: Json) -> int:
    """CPU of the node (m) that no pod on it requests."""
    selector = f"spec.nodeName={node['metadata']['name']},status.phase!=Succeeded,status.phase!=Failed"
    pods = json.loads(kubectl("get", "pods", "--all-namespaces", "--field-selector", selector, "-o", "json"))
    requested = [
        container.get("resources", {}).get("requests", {}).get("cpu", "0")
        for pod in pods["items"]
        for container in pod["spec"]["containers"]
    ]
    return millicores(node["status"]["allocatable"]["cpu"]) - sum(map(millicores, requested))


def millicores(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(float(quantity) * 1000)
