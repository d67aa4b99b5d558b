"""Agent pods are told to end, and the operator is killed, at random moments of many conversations: no turn is paid
for twice, and every conversation ends as if nobody had disturbed it.

The conversations end in garbage on purpose: nothing is built, so that there is time for many of them.
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

pytestmark = [pytest.mark.cluster, lab_only]

AT_ONCE = 14
MOST_CONVERSATIONS = 5 * AT_ONCE
"""On a fast machine, the first conversations end before there were enough kills: then others begin."""
KILLS = 50
OPERATOR_KILLS = 6
KILLS_EACH = 4
"""A lost pod is replaced six times."""
LONGEST_SECONDS = 300
OLDEST_SECONDS = 10.0
"""How old some pods may grow before they are told to end; others end while they start."""
LOOKS = 6
TURNS = LOOKS + 1 + 3 * (1 + 3)
"""The explorer looks and reports; the environment manager of each of three models is asked, and asked again."""

CALLS: list[Json] = [
    {"calls": [{"name": "grep", "arguments": {"pattern": f"word {number}"}}], "delay": 0.8}
    for number in range(LOOKS)
]
CASE = AgentCase(
    [
        rule("explorer", *CALLS, explorer_report() | {"delay": 0.8}),
        rule("environment", UNREADABLE_ANSWER | {"delay": 0.5}),
    ]
)


def test_fifty_kills_at_random_moments_ask_no_turn_twice() -> None:
    # Arrange
    moments = random.Random(20260102)
    killed: Counter[str] = Counter()
    ended: list[str] = []
    # Act
    with scripted.in_cluster() as model, ExitStack() as stack:
        while killed.total() < KILLS and len(ended) < MOST_CONVERSATIONS:
            made = [an_agent_instance(f"killed-{len(ended) + number}", CASE) for number in range(AT_ONCE)]
            for instance in made:
                stack.enter_context(model.loaded(instance.name, instance.script))
            apply(*(instance.manifest for instance in made))
            disturb({instance.name for instance in made}, moments, killed)
            for instance in made:
                wait_until_finished(instance.name)
            ended += [instance.name for instance in made]
        told = {name: model.request_report(containing=f"lab/{name}") for name in ended}
    # Assert
    assert killed.total() >= KILLS, killed
    assert {name: one["answered_twice"] for name, one in told.items() if one["answered_twice"]} == {}
    assert {name: one["answered"] for name, one in told.items()} == dict.fromkeys(ended, TURNS)
    builds = {name: get("eb", name)["status"] for name in ended}
    assert {condition(build, "Ready")["reason"] for build in builds.values()} == {"AgentsMalformed"}
    assert {build["usage"]["turns"] for build in builds.values()} == {TURNS}
    delete(*ended)


def disturb(names: set[str], moments: random.Random, killed: Counter[str]) -> None:
    """Tell agent pods to end, and kill the operator, until it was often enough or all have ended."""
    of_instance: Counter[str] = Counter()
    limit = time.monotonic() + LONGEST_SECONDS
    while killed.total() < KILLS and time.monotonic() < limit and under_way(names):
        grown = moments.uniform(0, OLDEST_SECONDS)
        victims = [
            pod for pod in agent_pods(names) if of_instance[owner(pod)] < KILLS_EACH and age(pod) >= grown
        ]
        if victims:
            victim = moments.choice(victims)
            of_instance[owner(victim)] += 1
            killed["agents"] += 1
            name = victim["metadata"]["name"]
            kubectl("delete", "pod", name, "-n", "swefoundry", "--wait=false", "--ignore-not-found")
        if killed["agents"] >= (killed["operator"] + 1) * (KILLS - OPERATOR_KILLS) / (OPERATOR_KILLS + 1):
            kill_operator(operator_container())
            replace_operator_pod()
            killed["operator"] += 1
        time.sleep(moments.uniform(0.1, 0.8))


def under_way(names: set[str]) -> bool:
    found = json.loads(kubectl("get", "ti", *names, "-n", "swefoundry", "-o", "json"))["items"]
    return any("finishedAt" not in item.get("status", {}) for item in found)


def agent_pods(names: set[str]) -> list[Json]:
    selector = f"swefoundry.dev/role=agent,swefoundry.dev/owner in ({','.join(sorted(names))})"
    found = kubectl("get", "pods", "-n", "swefoundry", "-l", selector, "-o", "json")
    return [pod for pod in json.loads(found)["items"] if is_running(pod)]


def owner(pod: Json) -> str:
    return str(pod["metadata"]["labels"]["swefoundry.dev/owner"])


def age(pod: Json) -> float:
    """Seconds that its container has run."""
    (container,) = pod["status"]["containerStatuses"]
    return (datetime.now(UTC) - parse_timestamp(container["state"]["running"]["startedAt"])).total_seconds()
