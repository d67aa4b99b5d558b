"""Agent pods are deleted and the operator is killed at random moments of many conversations: no turn is paid for
twice, and every conversation ends as without a fault.

All conversations end with malformed answers, so that no time is spent on builds.
"""

import json
import random
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

import scripted
from cluster.agent_repositories import UNREADABLE_ANSWER, AgentCase, an_agent_instance, explorer_report, rule
from cluster.fault_injection import (
    is_running,
    kill_operator,
    lab_only,
    operator_container,
    replace_operator_pod,
)
from cluster.sample_instances import Json, apply, condition, delete, get, kubectl, wait_until_finished
from swefoundry.workloads.pod_snapshot import parse_timestamp

pytestmark = [pytest.mark.cluster, pytest.mark.alone, lab_only]

CONCURRENT = 14
MAX_CONVERSATIONS = 5 * CONCURRENT
"""On a fast machine the first conversations end before there were enough kills; then more are started."""
KILLS = 50
OPERATOR_KILLS = 6
MAX_KILLS_PER_INSTANCE = 4
"""Below six, the number of times that the operator replaces a lost pod."""
MAX_SECONDS = 300
MAX_POD_AGE_SECONDS = 10.0
"""The age at which a pod is deleted is random up to this limit, so that some pods are deleted during their start."""
TOOL_CALLS = 6
TURNS = TOOL_CALLS + 1 + 3 * (1 + 3)
"""Tool calls and report of the explorer; a request and three retries of the environment role for each of 3 models."""

CALLS: list[Json] = [
    {"calls": [{"name": "grep", "arguments": {"pattern": f"word {number}"}}], "delay": 0.8}
    for number in range(TOOL_CALLS)
]
CASE = AgentCase(
    [
        rule("explorer", *CALLS, explorer_report() | {"delay": 0.8}),
        rule("environment", UNREADABLE_ANSWER | {"delay": 0.5}),
    ]
)


def test_fifty_kills_at_random_moments_request_no_turn_twice() -> None:
    # Arrange
    rng = random.Random(20260102)
    killed: Counter[str] = Counter()
    finished: list[str] = []
    # Act
    with scripted.in_cluster() as model, ExitStack() as stack:
        while killed.total() < KILLS and len(finished) < MAX_CONVERSATIONS:
            instances = [
                an_agent_instance(f"killed-{len(finished) + number}", CASE) for number in range(CONCURRENT)
            ]
            for instance in instances:
                stack.enter_context(model.loaded(instance.name, instance.script))
            apply(*(instance.manifest for instance in instances))
            kill_until_enough({instance.name for instance in instances}, rng, killed)
            for instance in instances:
                wait_until_finished(instance.name)
            finished += [instance.name for instance in instances]
        reports = {name: model.request_report(containing=f"lab/{name}") for name in finished}
    # Assert
    assert killed.total() >= KILLS, killed
    assert {
        name: report["answered_twice"] for name, report in reports.items() if report["answered_twice"]
    } == {}
    assert {name: report["answered"] for name, report in reports.items()} == dict.fromkeys(finished, TURNS)
    builds = {name: get("eb", name)["status"] for name in finished}
    assert {condition(build, "Ready")["reason"] for build in builds.values()} == {"AgentsMalformed"}
    assert {build["usage"]["turns"] for build in builds.values()} == {TURNS}
    delete(*finished)


def kill_until_enough(names: set[str], rng: random.Random, killed: Counter[str]) -> None:
    """Delete agent pods and kill the operator until there were enough kills or all instances are finished."""
    kills_by_instance: Counter[str] = Counter()
    limit = time.monotonic() + MAX_SECONDS
    while killed.total() < KILLS and time.monotonic() < limit and any_unfinished(names):
        min_age = rng.uniform(0, MAX_POD_AGE_SECONDS)
        candidates = [
            pod
            for pod in agent_pods(names)
            if kills_by_instance[owner(pod)] < MAX_KILLS_PER_INSTANCE and age(pod) >= min_age
        ]
        if candidates:
            pod = rng.choice(candidates)
            kills_by_instance[owner(pod)] += 1
            killed["agents"] += 1
            name = pod["metadata"]["name"]
            kubectl("delete", "pod", name, "-n", "swefoundry", "--wait=false", "--ignore-not-found")
        if killed["agents"] >= (killed["operator"] + 1) * (KILLS - OPERATOR_KILLS) / (OPERATOR_KILLS + 1):
            kill_operator(operator_container())
            replace_operator_pod()
            killed["operator"] += 1
        time.sleep(rng.uniform(0.1, 0.8))


def any_unfinished(names: set[str]) -> bool:
    tasks = json.loads(kubectl("get", "ti", *names, "-n", "swefoundry", "-o", "json"))["items"]
    return any("finishedAt" not in item.get("status", {}) for item in tasks)


def agent_pods(names: set[str]) -> list[Json]:
    selector = f"swefoundry.dev/role=agent,swefoundry.dev/owner in ({','.join(sorted(names))})"
    tasks = kubectl("get", "pods", "-n", "swefoundry", "-l", selector, "-o", "json")
    return [pod for pod in json.loads(tasks)["items"] if is_running(pod)]


def owner(pod: Json) -> str:
    return str(pod["metadata"]["labels"]["swefoundry.dev/owner"])


def age(pod: Json) -> float:
    """Seconds since the pod's container was started."""
    (container,) = pod["status"]["containerStatuses"]
    return (datetime.now(UTC) - parse_timestamp(container["state"]["running"]["startedAt"])).total_seconds()
