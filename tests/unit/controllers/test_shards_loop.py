"""Instances of several repositories with two shards: each has one shard for life, whatever happens to its label."""

from collections import Counter

import pytest

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.seeded_registry import seed_registry
from simulated.sharded_operators import ShardedOperators
from swefoundry.api import labels
from swefoundry.api.shards import Shard, bucket_of
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads import names

PAIR = (Shard(0, 2), Shard(1, 2))
EVEN, ODD = "owner/name", "owner/other-1"
"""Repositories of the first and of the second shard."""
REPOS = {"even-1": EVEN, "odd-1": ODD, "odd-2": ODD}
PODS_PER_INSTANCE = 8


@pytest.fixture
async def cluster(server, registry_host, seeded):
    async with RegistryClient(registry_host, insecure=True) as registry:
        await seed_registry(registry, names.repository("swefoundry/tasks", ODD))
        cluster = ShardedOperators(server, registry, Kubelet(server, ScriptedPods(seeded)))
        for name, repo in REPOS.items():
            server.create("taskinstances", "here", manifest(name, repo=repo))
        yield cluster
        await cluster.stop(cluster.shards)


def task(cluster, name):
    return cluster.server.get(("taskinstances", "here", name))


def verdicts(cluster):
    return {name: task(cluster, name)["status"].get("verdict") for name in REPOS}


def names_of(keys):
    return {key.name for key in keys if key.kind == "TaskInstance"}


def assert_each_ended_once(cluster):
    """All have their verdicts, of pods that each were created once, and everything has its bucket."""
    assert verdicts(cluster) == dict.fromkeys(REPOS, "fail2pass")
    pods = Counter(
        body["metadata"]["labels"][labels.OWNER] for body in cluster.server.created if body["kind"] == "Pod"
    )
    assert {name: count for name, count in pods.items() if count > PODS_PER_INSTANCE} == {}
    for plural in ("taskinstances", "envbuilds"):
        found = {
            body["metadata"]["name"]: body["metadata"]["labels"][labels.BUCKET]
            for body in cluster.server.bodies(plural)
        }
        assert found == {name: bucket_of(repo) for name, repo in REPOS.items()}


def test_the_repositories_of_these_tests_have_different_shards():
    assert (int(bucket_of(EVEN)) % 2, int(bucket_of(ODD)) % 2) == (0, 1)


async def test_each_instance_is_brought_to_its_verdict_by_its_own_shard(cluster):
    await cluster.start(*PAIR)
    assert await cluster.run()
    assert_each_ended_once(cluster)
    first, second = cluster.shards
    assert (names_of(first.reconciled), names_of(second.reconciled)) == (
        {"even-1"},
        {"odd-1", "odd-2"},
    )
    assert first.reconciled & second.reconciled == set()
    assert (names_of(first.objects), names_of(second.objects)) == ({"even-1"}, {"odd-1", "odd-2"})
    created = [body for body in cluster.server.created if body["kind"] in ("Pod", "EnvBuild")]
    assert {
        (body["metadata"]["labels"][labels.OWNER], body["metadata"]["labels"][labels.BUCKET])
        for body in created
    } == {(name, bucket_of(repo)) for name, repo in REPOS.items()}


async def test_the_shard_of_an_instance_works_on_while_the_other_is_away(cluster):
    await cluster.start(*PAIR)
    assert not await cluster.run(rounds=4)
    await cluster.stop([cluster.shards[0]])
    assert await cluster.run()
    assert {name for name, verdict in verdicts(cluster).items() if verdict} == {"odd-1", "odd-2"}
    await cluster.start(PAIR[0])
    assert await cluster.run()
    assert_each_ended_once(cluster)


async def test_an_instance_without_a_bucket_waits_for_the_first_shard_and_is_not_lost(cluster):
    await cluster.start(PAIR[1])
    assert await cluster.run()
    assert verdicts(cluster) == dict.fromkeys(REPOS)
    await cluster.start(PAIR[0])
    assert await cluster.run()
    assert_each_ended_once(cluster)


@pytest.mark.parametrize(
    ("value", "plurals", "rounds"),
    [
        (None, ("taskinstances", "envbuilds", "pods"), 6),
        (None, ("taskinstances",), 12),
        ("0", ("taskinstances", "envbuilds"), 9),
        ("1", ("taskinstances", "envbuilds"), 12),
        ("nonsense", ("taskinstances", "envbuilds", "pods"), 12),
        ("nonsense", ("pods",), 9),
    ],
)
async def test_a_bucket_that_somebody_changes_is_set_again_and_nothing_is_done_twice(
    cluster, value, plurals, rounds
):
    await cluster.start(*PAIR)
    assert not await cluster.run(rounds)
    assert cluster.server.bodies("pods")
    for plural in plurals:
        for body in cluster.server.bodies(plural):
            place = (plural, "here", body["metadata"]["name"])
            cluster.server.patch(place, {"metadata": {"labels": {labels.BUCKET: value}}})
    assert await cluster.run()
    assert_each_ended_once(cluster)


@pytest.mark.parametrize("rounds", [3, 8, 13])
async def test_two_shards_go_on_where_one_operator_has_stopped(cluster, rounds):
    await cluster.start(Shard())
    assert not await cluster.run(rounds)
    assert cluster.server.bodies("pods")
    assert not any(
        labels.BUCKET in body["metadata"].get("labels", {}) for body in cluster.server.objects.values()
    )
    await cluster.stop(cluster.shards)
    await cluster.start(*PAIR)
    assert await cluster.run()
    assert_each_ended_once(cluster)


@pytest.mark.parametrize("after", [(Shard(0, 3), Shard(1, 3), Shard(2, 3)), (Shard(),)], ids=["three", "one"])
async def test_another_number_of_shards_goes_on_with_the_same_buckets(cluster, after):
    await cluster.start(*PAIR)
    assert not await cluster.run(rounds=8)
    await cluster.stop(cluster.shards)
    await cluster.start(*after)
    assert await cluster.run()
    assert_each_ended_once(cluster)


async def test_a_pod_whose_owner_is_gone_is_released_by_the_shard_that_gets_it(cluster):
    await cluster.start(Shard())
    assert not await cluster.run(rounds=3)
    await cluster.stop(cluster.shards)
    for name in REPOS:
        cluster.server.delete(("taskinstances", "here", name))
    await cluster.start(*PAIR)
    assert await cluster.run()
    assert cluster.server.bodies("pods") == []
