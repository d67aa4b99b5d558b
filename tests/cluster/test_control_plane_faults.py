"""Faults of the control plane while a batch runs: no instance is lost, and no work is done twice.

Real: the operator's process, API server, etcd, scheduler and registry, in a control plane of their own. Simulated:
nodes and pods, which end by a script, so that each instance's verdict is known and no pod fails by itself. The operator
is one process for all tests, without a Lease, and is never started again: a process that ends fails the test.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cluster.fault_injection import lab_only, suspended
from cluster.sample_instances import Json, verdict_of
from control_plane.api_client import PODS, Cluster
from control_plane.etcd_history import compact
from control_plane.faulted_batch import (
    NAMESPACE,
    OPERATOR,
    FaultyCluster,
    faulty_cluster,
    held_by_one_task,
)
from control_plane.operator_process import Sample, total
from swefoundry_lab import daemons

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.alone,
    lab_only,
    pytest.mark.timeout(900),
]

INSTANCES = 20
WORKS = {
    "taskinstance": ("intake", "base-0", "before-0", "after-0"),
    "envbuild": ("build-0", "before-0", "after-0"),
}
RETRIED = "watch failed; will retry"
"""What a reflector logs of a watch that gets no connection."""

AWAY_SECONDS = 3.0
ETCD_STOPPED_SECONDS = 10.0
"""Below the operator's time limit of a request, so that both ends of a request that waits are seen."""

STORM_SECONDS = 10.0
HELD_SECONDS, FREE_SECONDS = 1.0, 0.5
"""In turns: the only seat is taken, so that each request of the operator is refused; it is free."""
REFUSED_SECONDS = 0.05
"""Pause when a request of the operator has the seat."""
HELD_PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
FLOW_CONTROL = "/apis/flowcontrol.apiserver.k8s.io/v1"
ONE_SEAT: Json = {
    "metadata": {"name": OPERATOR.user},
    "spec": {
        "type": "Limited",
        "limited": {
            "nominalConcurrencyShares": 0,
            "lendablePercent": 0,
            "borrowingLimitPercent": 0,
            "limitResponse": {"type": "Reject"},
        },
    },
}
"""Without shares and without a queue one request is served at a time."""
ALL_RESOURCES = {"apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
FLOW_OF_OPERATOR: Json = {
    "metadata": {"name": OPERATOR.user},
    "spec": {
        "priorityLevelConfiguration": {"name": OPERATOR.user},
        "matchingPrecedence": 2,
        "rules": [
            {
                "subjects": [{"kind": "User", "user": {"name": OPERATOR.user}}],
                "resourceRules": [{"verbs": ["*"], **ALL_RESOURCES}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            }
        ],
    },
}


@pytest.fixture(scope="module")
async def faulty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FaultyCluster]:
    """Everything that runs."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    async with held_by_one_task(faulty_cluster(log)) as running:
        yield running


@asynccontextmanager
async def a_batch(faulty: FaultyCluster, prefix: str) -> AsyncIterator[None]:
    """Start a batch; when the block has ended, which injects faults, see that nothing was lost or done twice.

    Only a batch that passes is deleted: an API server that a test left away would hide why it failed.
    """
    names = await faulty.create(prefix, INSTANCES)
    await faulty.wait_for_runs(INSTANCES)
    yield
    await faulty.wait_until(
        "every instance has its verdict",
        lambda statuses, _: all("finishedAt" in statuses.get(name, {}) for name in names),
    )
    await faulty.wait_until("no pod is left", lambda _, pods: not pods)
    statuses = await faulty.statuses()
    assert {name: verdict_of(status) for name, status in statuses.items()} == faulty.expected(names)
    works = {f"{name} {kind} {work} 0" for name in names for kind in WORKS for work in WORKS[kind]}
    uids = {work: len(uids) for work, uids in faulty.runs.uids.items() if work.split()[0] in names}
    assert uids == dict.fromkeys(works, 1)  # each work by one pod; attempt 0: none was lost
    assert Counter(faulty.creations.by_name.values()) == {1: len(faulty.runs.uids)}
    await faulty.delete_everything()


async def test_an_api_server_that_is_killed_twice_costs_no_work(faulty: FaultyCluster) -> None:
    async with a_batch(faulty, "restart"):
        for _ in range(2):
            await faulty.wait_for_runs(INSTANCES // 2)
            start = len(faulty.log_text())
            await asyncio.to_thread(daemons.kill, faulty.plane, "kube-apiserver")
            await asyncio.sleep(AWAY_SECONDS)
            await asyncio.to_thread(faulty.start_api_server)
            assert RETRIED in faulty.log_text(start)


async def test_etcd_that_has_no_leader_costs_no_work(faulty: FaultyCluster) -> None:
    """The only member stops, and is killed and started again with its data.

    What an API server sees when a leader is lost: requests of etcd wait, then its connections break and requests fail
    until etcd answers again. Not simulated: an election among several members, and a member that lags behind.
    """
    async with a_batch(faulty, "etcd"):
        with suspended("etcd", faulty.plane):
            await asyncio.sleep(ETCD_STOPPED_SECONDS)
            assert not await answers_within(faulty.cluster, 1.0)
            await asyncio.to_thread(daemons.kill, faulty.plane, "etcd")
        await asyncio.sleep(AWAY_SECONDS)
        assert not await answers_within(faulty.cluster, 1.0)
        await asyncio.to_thread(faulty.start_etcd)


async def answers_within(cluster: Cluster, seconds: float) -> bool:
    """Whether the API server reads an object of etcd's within so long."""
    try:
        await asyncio.wait_for(cluster.request("GET", f"/api/v1/namespaces/{NAMESPACE}"), seconds)
    except TimeoutError:
        return False
    return True


async def test_watches_that_end_with_410_gone_cost_no_work(faulty: FaultyCluster) -> None:
    """The operator stops, pods end meanwhile, and an API server without the events since then takes over.

    It answers each watch that is resumed by the event ERROR with code 410, and the operator lists again.
    """
    async with a_batch(faulty, "gone"):
        before = relists(faulty.operator.metrics())
        async with stopped_with_running_pods(faulty):
            await faulty.wait_until(
                "the pods that run have ended", lambda _, pods: all(map(is_terminated, pods))
            )
            await asyncio.to_thread(daemons.kill, faulty.plane, "kube-apiserver")
            await compact(faulty.etcd_url)
            await asyncio.to_thread(faulty.start_api_server)
    assert relists(faulty.operator.metrics()) == before + 1


@asynccontextmanager
async def stopped_with_running_pods(faulty: FaultyCluster) -> AsyncIterator[None]:
    """Stop the operator by SIGSTOP while pods run that it knows, and let it go on when the block ends."""
    while True:
        await faulty.wait_until("a pod runs", lambda _, pods: not all(map(is_terminated, pods)))
        faulty.operator.process.send_signal(signal.SIGSTOP)
        try:
            if not all(map(is_terminated, await faulty.items(PODS))):
                yield
                return
        finally:
            faulty.operator.process.send_signal(signal.SIGCONT)


def relists(sample: Sample) -> float:
    """How often a watch of TaskInstances could not go on."""
    return total(sample, "swefoundry_watch_relists_total", 'kind="TaskInstance"')


async def test_a_storm_of_429_costs_no_work(faulty: FaultyCluster) -> None:
    """The API server's own flow control refuses requests of the operator, with Retry-After."""
    refused = throttled_requests(faulty.operator.metrics())
    async with a_batch(faulty, "storm"), limited_to_one_seat(faulty.cluster):
        await take_the_seat(faulty.operator_kubeconfig)
    assert throttled_requests(faulty.operator.metrics()) > refused


@asynccontextmanager
async def limited_to_one_seat(cluster: Cluster) -> AsyncIterator[None]:
    """Let the operator's user have one request at a time until the block ends; others of it are refused."""
    objects = {"prioritylevelconfigurations": ONE_SEAT, "flowschemas": FLOW_OF_OPERATOR}
    for plural, body in objects.items():
        await cluster.request("POST", f"{FLOW_CONTROL}/{plural}", body)
    try:
        yield
    finally:
        for plural in reversed(objects):
            await cluster.request("DELETE", f"{FLOW_CONTROL}/{plural}/{OPERATOR.user}")


async def take_the_seat(kubeconfig: Path) -> None:
    """Send requests with the operator's certificate that do not end, one after the other with pauses."""
    crowd = await Cluster.connect(kubeconfig)
    deadline = time.monotonic() + STORM_SECONDS
    try:
        while time.monotonic() < deadline:
            held = await crowd.hold_request("POST", HELD_PATH, HELD_SECONDS)
            await asyncio.sleep(FREE_SECONDS if held else REFUSED_SECONDS)
    finally:
        await crowd.close()


def throttled_requests(sample: Sample) -> float:
    """Number of the operator's requests that got 429."""
    return total(sample, "swefoundry_api_requests_total", 'code="429"')


def is_terminated(pod: Json) -> bool:
    return bool(pod["spec"].get("nodeName")) and any(
        "terminated" in item["state"] for item in pod["status"].get("containerStatuses", [])
    )
