"""Running totals of model usage, updated while the cache changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.api import labels
from swefoundry.contracts.models import Usage
from swefoundry.controllers.envbuild.usage_index import (
    NO_USAGE,
    OtherUsage,
    UsageIndex,
    UsageTotals,
    usage_totals,
)
from swefoundry.kube.cache import Cache, key_of
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role

A, B, C = (Key("EnvBuild", space, name) for space, name in (("here", "a"), ("here", "b"), ("there", "c")))
BUDGET = {"llmTokens": 1000, "llmUsd": "0.5"}


class Cluster:
    """A cache that is told of objects, each with a newer version than all before."""

    def __init__(self):
        self.cache, self.woken = Cache(), []
        self.usage_index = UsageIndex(self.cache, self.woken.append)
        self.version = 0

    def build(self, key, tokens=0, micro_usd=0, running=(), uid="1", budget=BUDGET):
        status = {"usage": {"inputTokens": tokens, "microUsd": micro_usd}}
        status["running"] = [{"work": work} for work in running]
        meta = {"namespace": key.namespace, "name": key.name, "uid": f"{key.name}-{uid}"}
        self.put({"kind": key.kind, "metadata": meta, "spec": {"budget": budget}, "status": status})

    def pod(self, key, role=Role.AGENT, uid="1"):
        owner = {"kind": key.kind, "name": key.name, "uid": f"{key.name}-{uid}", "controller": True}
        meta = {"namespace": key.namespace, "name": pod_of(key, role).name, "labels": {labels.ROLE: role}}
        self.put({"kind": "Pod", "metadata": meta | {"uid": "pod", "ownerReferences": [owner]}})

    def put(self, body):
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        assert self.cache.put(body)


def pod_of(key, role=Role.AGENT):
    return Key("Pod", key.namespace, f"{key.name}-{role.value}-0")


def spent(tokens=0, micro_usd=0):
    return Usage(input_tokens=tokens, micro_usd=micro_usd)


@pytest.fixture
def cluster():
    return Cluster()


def test_totals_reserve_the_rest_of_the_budget_while_an_agent_pod_runs():
    body = {
        "metadata": {"namespace": "there"},
        "spec": {"budget": BUDGET},
        "status": {"usage": {"inputTokens": 300, "outputTokens": 100, "microUsd": 200_000}},
    }
    used = Usage(input_tokens=300, output_tokens=100, micro_usd=200_000)
    assert usage_totals(body, runs=False) == UsageTotals(used)
    assert usage_totals(body, runs=True) == UsageTotals(used, spent(600, 300_000))
    assert usage_totals({"spec": {}}, runs=True).reserved == spent(1_000_000, 1_000_000)


def test_an_invalid_object_counts_as_zero():
    assert usage_totals({"spec": {"budget": {"llmTokens": "many"}}}, runs=True) == NO_USAGE
    assert usage_totals({"spec": {}, "status": {"usage": {"inputTokens": -1}}}, runs=False) == NO_USAGE


def test_totals_exclude_the_asking_envbuild_per_namespace_and_overall(cluster):
    cluster.build(A, 100, 1)
    cluster.build(B, 200, 2)
    cluster.build(C, 400, 4)
    assert cluster.usage_index.excluding(A) == OtherUsage(
        UsageTotals(spent(200, 2)), UsageTotals(spent(600, 6))
    )
    assert cluster.usage_index.excluding(C) == OtherUsage(NO_USAGE, UsageTotals(spent(300, 3)))


def test_an_agent_pod_that_is_not_in_a_status_reserves_its_budget(cluster):
    cluster.build(B, 200)
    cluster.pod(B)
    held = UsageTotals(spent(200), spent(800, 500_000))
    assert cluster.usage_index.excluding(A) == OtherUsage(held, held)
    cluster.build(B, 200, running=["agent-0"])
    cluster.cache.drop(pod_of(B))
    assert cluster.usage_index.excluding(A) == OtherUsage(held, held)


def test_pods_of_other_roles_and_of_predecessors_reserve_nothing(cluster):
    cluster.build(B, 200, uid="2")
    cluster.pod(B, uid="1")
    assert cluster.usage_index.excluding(A).overall == UsageTotals(spent(200))
    cluster.pod(B, Role.BUILD, uid="2")
    assert cluster.usage_index.excluding(A).overall == UsageTotals(spent(200))


def test_waiting_keys_are_woken_once_a_budget_is_freed(cluster):
    cluster.build(A, running=["agent-0"])
    cluster.usage_index.wait_for_budget(B)
    cluster.build(A, running=["agent-0", "build-0"])
    cluster.build(C, 100)
    assert cluster.woken == []
    cluster.build(A, 300, 1)  # it may not use the other 700 any more
    assert cluster.woken == [B]
    cluster.cache.drop(C)
    assert cluster.woken == [B]


KEYS = st.sampled_from([A, B, C])
UIDS = st.sampled_from("12")
AMOUNTS = st.integers(0, 2000)
RUNNING = st.sampled_from([(), ("agent-0",), ("build-0",)])
CHANGES = st.one_of(
    st.tuples(st.just("build"), KEYS, AMOUNTS, AMOUNTS, RUNNING, UIDS),
    st.tuples(st.just("pod"), KEYS, st.sampled_from([Role.AGENT, Role.BUILD]), UIDS),
    st.tuples(st.just("drop"), KEYS),
    st.tuples(st.just("drop pod"), KEYS),
)


@given(st.lists(CHANGES, max_size=30))
def test_the_totals_always_equal_a_count_over_the_cache(changes):
    cluster = Cluster()
    for what, key, *rest in changes:
        match what:
            case "drop":
                cluster.cache.drop(key)
            case "drop pod":
                cluster.cache.drop(pod_of(key))
            case _:
                getattr(cluster, what)(key, *rest)
        for each in (A, B, C):
            assert cluster.usage_index.excluding(each) == counted(cluster.cache, each)


def counted(cache, but):
    """The sums from nothing."""
    here = everywhere = NO_USAGE
    for body in cache.bodies("EnvBuild"):
        if key_of(body) == but:
            continue
        pods = cache.children(body["metadata"]["uid"], "Pod")
        runs = any(pod["metadata"]["labels"][labels.ROLE] == Role.AGENT for pod in pods)
        one = usage_totals(body, runs or any(item["work"] == "agent-0" for item in body["status"]["running"]))
        everywhere = everywhere.plus(one)
        if body["metadata"]["namespace"] == but.namespace:
            here = here.plus(one)
    return OtherUsage(here, everywhere)
