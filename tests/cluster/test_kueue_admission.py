"""Kueue itself admits, holds, stops and preempts the pods of a batch: no instance is lost, and no work is done twice.

Real: Kueue with its webhooks and queues, the operator's process, API server, etcd, scheduler, garbage collector and
registry, in a control plane of their own. Simulated: nodes and pods, which end by a script. A queue admits two pods at
a time. The operator may not replace a single pod after a fault of the infrastructure, and has short grace periods: an
instance fails if a pod that Kueue holds or stops is taken for one that failed.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.fault_injection import lab_only
from cluster.sample_instances import Json, condition, verdict_of
from control_plane.faulted_batch import NAMESPACE, FaultyCluster, faulty_cluster, held_by_one_task
from control_plane.kueue import PODS_AT_A_TIME, QUEUE, AdmittedPods, Kueue, running_kueue
from control_plane.operator_process import total

pytestmark = [
    pytest.mark.cluster,
    lab_only,
    pytest.mark.skipif(
        "SWEFOUNDRY_KUEUE" not in os.environ,
        reason="builds Kueue, which takes minutes; set SWEFOUNDRY_KUEUE=1",
    ),
    pytest.mark.timeout(1800),
]

INSTANCES = 4
WORKS = {
    "taskinstance": ("intake", "base-0", "before-0", "after-0"),
    "envbuild": ("build-0", "before-0", "after-0"),
}
RUN_SECONDS = 1.5
GRACE_SECONDS = 15
HELD_SECONDS = 40.0
"""More than the grace periods and the pause between two looks at a pod that waits."""
AWAY_SECONDS = 5.0
SETTINGS = {
    "SWEFOUNDRY_NAMESPACE_POD_TEMPLATES": json.dumps(
        {NAMESPACE: {"labels": {"kueue.x-k8s.io/queue-name": QUEUE}}}
    ),
    "SWEFOUNDRY_MAX_ACTIVE_INTAKE": "2",
    "SWEFOUNDRY_MAX_INFRA_RETRIES": "0",
    "SWEFOUNDRY_PULL_GRACE_SECONDS": str(GRACE_SECONDS),
    "SWEFOUNDRY_START_GRACE_SECONDS": str(GRACE_SECONDS),
}


@dataclass(frozen=True)
class QueuedCluster:
    """The control plane with everything that runs on it."""

    batch: FaultyCluster
    kueue: Kueue
    admitted: AdmittedPods

    async def wait_until_finished(self, names: Iterable[str]) -> None:
        """Wait until the instances have their verdicts, which are those of the script, and no pod is left."""
        names = list(names)
        await self.batch.wait_until(
            "every instance has its verdict",
            lambda statuses, _: all("finishedAt" in statuses[name] for name in names),
        )
        await self.batch.wait_until("no pod is left", lambda _, pods: not pods)
        statuses = await self.batch.statuses()
        verdicts = {name: verdict_of(statuses[name]) for name in names}
        assert verdicts == self.batch.expected(names), self.batch.describe("other verdicts")

    def runs(self, names: Iterable[str]) -> dict[str, set[str]]:
        """By work and attempt, the pods of the instances."""
        chosen = set(names)
        return {work: uids for work, uids in self.batch.runs.uids.items() if work.split()[0] in chosen}

    async def wait_until_queued(self, names: Iterable[str]) -> None:
        """Wait until no pod is admitted and every instance says that it is queued."""
        names = list(names)
        await self.batch.wait_until(
            "every instance is queued",
            lambda statuses, pods: (
                not self.admitted.current
                and all(is_gated(pod) for pod in pods)
                and all(statuses[name].get("phase") == "Queued" for name in names)
            ),
        )


@asynccontextmanager
async def queued_cluster(log: Path) -> AsyncIterator[QueuedCluster]:
    """Start everything; stop it when the block ends."""
    async with (
        faulty_cluster(log, SETTINGS, RUN_SECONDS) as batch,
        running_kueue(batch.plane, batch.cluster, NAMESPACE) as (kueue, admitted),
    ):
        yield QueuedCluster(batch, kueue, admitted)


@pytest.fixture(scope="module")
async def queued(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[QueuedCluster]:
    """Everything that runs."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    async with held_by_one_task(queued_cluster(log)) as running:
        yield running


def is_gated(pod: Json) -> bool:
    return bool(pod["spec"].get("schedulingGates"))


def every_work(names: Iterable[str]) -> set[str]:
    """The work of the instances, each at its first attempt."""
    return {f"{name} {kind} {work} 0" for name in names for kind in WORKS for work in WORKS[kind]}


def assert_done_once(queued: QueuedCluster, names: list[str]) -> None:
    """Each work was done by one pod."""
    uids = {work: len(uids) for work, uids in queued.runs(names).items()}
    assert uids == dict.fromkeys(every_work(names), 1)


async def assert_ended_despite_stops(queued: QueuedCluster, names: list[str], reason: str) -> None:
    """Each attempt had one pod, and there was another attempt only after Kueue had stopped the one before for it."""
    await queued.wait_until_finished(names)
    stopped = queued.admitted.stopped.pop(reason)
    assert not queued.admitted.stopped
    runs = queued.runs(names)
    assert {len(uids) for uids in runs.values()} == {1}
    repeats = set(runs) - every_work(names)
    assert repeats
    assert repeats <= {next_attempt(work) for work, uids in runs.items() if uids & stopped}
    await queued.batch.delete_everything()


def next_attempt(work: str) -> str:
    rest, _, number = work.rpartition(" ")
    return f"{rest} {int(number) + 1}"


async def test_pods_wait_without_a_place_and_two_at_a_time_are_admitted(queued: QueuedCluster) -> None:
    await queued.kueue.set_stop_policy("Hold")
    names = await queued.batch.create("admitted", INSTANCES)
    await queued.wait_until_queued(names)
    ready = [condition(status, "Ready") for status in (await queued.batch.statuses()).values()]
    reasons = {item["reason"] for item in ready}
    assert reasons == {"Queued"}
    assert all(f"Kueue has not admitted it to the queue {QUEUE} yet" in item["message"] for item in ready)
    assert len(queued.runs(names)) == INSTANCES  # two intakes have a place at a time, and these hold none
    sample = queued.batch.operator.metrics()
    assert total(sample, "swefoundry_pod_places", 'role="intake"', 'state="active"') == 0
    assert total(sample, "swefoundry_pod_places", 'role="intake"', 'state="unplaced"') == INSTANCES
    await queued.kueue.set_stop_policy("None")
    await queued.wait_until_finished(names)
    assert_done_once(queued, names)
    assert queued.admitted.most == PODS_AT_A_TIME
    assert not queued.admitted.stopped
    await queued.batch.delete_everything()


async def test_a_queue_that_is_held_for_long_costs_no_work(queued: QueuedCluster) -> None:
    names = await queued.batch.create("held", INSTANCES)
    await queued.batch.wait_for_runs(INSTANCES + 2)
    await queued.kueue.set_stop_policy("Hold")
    await queued.wait_until_queued(names)
    before = queued.runs(names)
    await asyncio.sleep(HELD_SECONDS)
    statuses = await queued.batch.statuses()
    assert {verdict_of(statuses[name]) for name in names} == {("Queued", None, "Queued")}
    assert queued.runs(names) == before
    await queued.kueue.set_stop_policy("None")
    await queued.wait_until_finished(names)
    assert_done_once(queued, names)
    assert not queued.admitted.stopped
    await queued.batch.delete_everything()


async def test_pods_of_a_queue_that_is_drained_are_replaced(queued: QueuedCluster) -> None:
    names = await queued.batch.create("drained", INSTANCES)
    await queued.batch.wait_until(
        "two pods run", lambda _, pods: sum(map(is_running, pods)) >= PODS_AT_A_TIME
    )
    await queued.kueue.set_stop_policy("HoldAndDrain")
    await queued.wait_until_queued(names)
    await queued.kueue.set_stop_policy("None")
    await assert_ended_despite_stops(queued, names, "WorkloadEvictedDueToClusterQueueStopped")


async def test_preempted_pods_are_replaced_when_there_is_quota_again(queued: QueuedCluster) -> None:
    names = await queued.batch.create("preempted", INSTANCES)
    for number in range(2):
        await queued.batch.wait_until(
            "two pods run", lambda _, pods: sum(map(is_running, pods)) >= PODS_AT_A_TIME
        )
        async with queued.kueue.urgent_pods(f"urgent-{number}"):
            await queued.wait_until_queued(names)
    await assert_ended_despite_stops(queued, names, "WorkloadEvictedDueToPreempted")


async def test_a_kueue_that_is_away_costs_no_work(queued: QueuedCluster) -> None:
    """Without its webhooks the API server refuses to create pods, and to remove their finalizers."""
    names = await queued.batch.create("away", INSTANCES)
    await queued.batch.wait_for_runs(INSTANCES + 2)
    queued.kueue.kill()
    await asyncio.sleep(AWAY_SECONDS)
    assert "failed calling webhook" in queued.batch.log_text()
    await queued.kueue.start()
    await queued.wait_until_finished(names)
    assert_done_once(queued, names)
    assert not queued.admitted.stopped
    await queued.batch.delete_everything()


def is_running(pod: Json) -> bool:
    return any("running" in item["state"] for item in pod["status"].get("containerStatuses", []))
