"""Two replicas of the operator: the leader is killed and stopped during a batch, and no result changes."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.chart_release import installed, values_for_release
from cluster.commands import kubectl
from cluster.fault_injection import (
    UNDISTURBED_VERDICTS,
    an_instance,
    assert_undisturbed_verdicts,
    kill_operator,
    lab_only,
    name_of,
    recorded_pods,
)
from cluster.sample_instances import Json, apply, get, unique, wait_until

pytestmark = [pytest.mark.cluster, lab_only]

FULL_NAME = "replicated"
SHORT_LEASE = {"LEASE_SECONDS": "9", "LEASE_RENEW_SECONDS": "7", "LEASE_RETRY_SECONDS": "0.5"}
"""So that a takeover takes little more than half of its usual time."""

KILLS = 5
RESTARTED_BY_KUBELET = frozenset({1})
"""Kills after which the kubelet restarts the container, which leads still; after the others the pod is deleted."""

MAX_LEAD_SECONDS = 5.0


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A release with two replicas in a namespace of its own."""
    name = unique(FULL_NAME)
    values = values_for_release(FULL_NAME)
    lease = [{"name": f"SWEFOUNDRY_{setting}", "value": value} for setting, value in SHORT_LEASE.items()]
    values |= {
        "replicas": 2,
        "scriptedModel": {"enabled": False},
        "extraEnv": [*values.get("extraEnv", []), *lease],
    }
    with installed(name, tmp_path_factory.mktemp("values"), values):
        yield name


def leading_pod(namespace: str) -> Json:
    """The pod that the Lease names; empty while there is none."""
    lease = get("lease", f"{FULL_NAME}-leader", namespace)
    pod, _, uid = lease["spec"]["holderIdentity"].partition("_")
    body = get("pod", pod, namespace) if pod else {}
    return body if body and body["metadata"]["uid"] == uid else {}


def container_id(pod: Json) -> str:
    (status,) = pod["status"]["containerStatuses"]
    return str(status["containerID"].rpartition("/")[2])


def wait_for_leader(namespace: str) -> Json:
    leader: Json = wait_until(lambda: leading_pod(namespace), bool)
    return leader


def kill_leader(namespace: str, restart: bool) -> None:
    """Kill the leader's process; unless it is to be restarted, delete its pod, too."""
    leader = wait_for_leader(namespace)
    kill_operator(container_id(leader))
    if not restart:
        kubectl("delete", "pod", name_of(leader), "-n", namespace, "--grace-period=0", "--force")


def test_no_pod_starts_twice_when_leaders_are_killed_and_replaced(release: str) -> None:
    rng = random.Random(20260103)
    tasks = [an_instance(case, "sleep 2; sh check.sh", release) for case in UNDISTURBED_VERDICTS]
    expected = {name_of(task): case for task, case in zip(tasks, UNDISTURBED_VERDICTS, strict=True)}
    with recorded_pods() as recorder:
        for number in range(KILLS):
            if tasks:  # so that instances are at different stages
                apply(tasks.pop())
            time.sleep(rng.uniform(0, MAX_LEAD_SECONDS))
            kill_leader(release, restart=number in RESTARTED_BY_KUBELET)
        kubectl("rollout", "restart", f"deploy/{FULL_NAME}", "-n", release)
        assert_undisturbed_verdicts(recorder, expected, namespace=release)
        assert all(recorder.numbers_of(name) == {"0"} for name in expected)  # pods run on
    kubectl("rollout", "status", f"deploy/{FULL_NAME}", "-n", release, "--timeout=600s")
    spec: dict[str, Any] = get("lease", f"{FULL_NAME}-leader", release)["spec"]
    assert spec["leaseTransitions"] >= KILLS - len(RESTARTED_BY_KUBELET)
