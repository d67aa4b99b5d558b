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
from cluster.agent_stories import GARBAGE, Case, Instance, an_instance, report, says
from cluster.faults import forget_operator_pod, is_running, kill_operator, lab_only, operator_container
from cluster.instances import Json, apply, condition, delete, finished, get, kubectl
from swefoundry.pods.snapshot import moment

pytestmark = [pytest.mark.cluster, lab_only]

CONVERSATIONS = 14
KILLS = 50
OPERATOR_KILLS = 6
KILLS_EACH = 4
"""A lost pod is replaced six times; the pauses between grow to 40 seconds so far."""
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
CASE = Case(
    [says("explorer", *CALLS, report() | {"delay": 0.8}), says("environment", GARBAGE | {"delay": 0.5})]
)


def test_fifty_kills_at_random_moments_ask_no_turn_twice() -> None:
    # Arrange
    moments = random.Random(20260102)
    made = [an_instance(f"killed-{number}", CASE) for number in range(CONVERSATIONS)]
    # Act
    with scripted.in_cluster() as model, ExitStack() as stack:
        for instance in made:
            stack.enter_context(model.playing(instance.name, instance.script))
        apply(*(instance.manifest for instance in made))
        killed = disturb(made, moments)
        ended = {instance.name: finished(instance.name, seconds=600) for instance in made}
        told = {instance.name: model.told(containing=f"lab/{instance.name}") for instance in made}
    # Assert
    assert killed["agents"] + killed["operator"] >= KILLS, killed
    assert {name: one["answered_twice"] for name, one in told.items() if one["answered_twice"]} == {}
    assert {name: one["answered"] for name, one in told.items()} == dict.fromkeys(ended, TURNS)
    builds = {name: get("eb", name)["status"] for name in ended}
    assert {condition(build, "Ready")["reason"] for build in builds.values()} == {"AgentsMalformed"}
    assert {build["usage"]["turns"] for build in builds.values()} == {TURNS}
    delete(*ended)


def disturb(made: list[Instance], moments: random.Random) -> Counter[str]:
    """Tell agent pods to end, and kill the operator, until it was often enough or all have ended."""
    killed: Counter[str] = Counter()
    of_instance: Counter[str] = Counter()
    limit = time.monotonic() + LONGEST_SECONDS
    names = {instance.name for instance in made}
    while killed["agents"] + killed["operator"] < KILLS and time.monotonic() < limit and under_way(names):
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
            forget_operator_pod()
            killed["operator"] += 1
        time.sleep(moments.uniform(0.1, 0.8))
    return killed


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
    return (datetime.now(UTC) - moment(container["state"]["running"]["startedAt"])).total_seconds()
