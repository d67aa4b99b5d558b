"""Two shards of the operator: each has the instances of its own repositories, and goes on while the other is away."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.chart_release import Values, installed, upgrade, values_for_release
from cluster.commands import kubectl
from cluster.fault_injection import (
    assert_undisturbed_verdicts,
    lab_only,
    name_of,
    recorded_pods,
    repository_for,
)
from cluster.sample_instances import Json, a_task, apply, get, unique, wait_until, wait_until_finished
from swefoundry.api import labels
from swefoundry.api.shards import bucket_of

pytestmark = [pytest.mark.cluster, lab_only]

FULL_NAME = "sharded"
CASES = ("fail2pass", "pass2pass")
"""Of the instances of each shard."""
LOGGED_NAME = re.compile(r"name=(shard-[01]-[a-z0-9]+-[0-9a-f]{6})\b")


@pytest.fixture(scope="module")
def values() -> Values:
    return values_for_release(FULL_NAME) | {
        "replicas": 1,
        "sharding": {"count": 2},
        "scriptedModel": {"enabled": False},
        "logLevel": "INFO",
        "logFormat": "text",
    }


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, values: Values) -> Iterator[str]:
    """A release with two shards in a namespace of its own."""
    name = unique(FULL_NAME)
    with installed(name, tmp_path_factory.mktemp("values"), values):
        yield name


def shard_of(task: Json) -> int:
    return int(bucket_of(task["spec"]["repo"])) % 2


def instances_of(shard: int, namespace: str) -> dict[str, Json]:
    """An instance for each case, of as many repositories, which this shard gets; the keys are the cases."""
    found = {}
    for case in CASES:
        name = unique(f"shard-{shard}-{case}")
        while int(bucket_of(f"lab/{name}")) % 2 != shard:
            name = unique(f"shard-{shard}-{case}")
        found[case] = a_task(name, repository_for(case, name), "sleep 2; sh check.sh", namespace)
    return found


def scale(namespace: str, shard: int, replicas: int) -> None:
    deployment = f"deploy/{FULL_NAME}-shard-{shard}"
    kubectl("scale", deployment, "-n", namespace, f"--replicas={replicas}")
    kubectl("rollout", "status", deployment, "-n", namespace, "--timeout=600s")


def logged_instances(namespace: str, shard: int) -> set[str]:
    """The instances of this test whose reconciles have left lines in the log of a shard."""
    lines = kubectl("logs", f"deploy/{FULL_NAME}-shard-{shard}", "-n", namespace).splitlines()
    return {name for line in lines if "level=INFO" in line for name in LOGGED_NAME.findall(line)}


def buckets(names: list[str], namespace: str) -> set[tuple[str, str | None]]:
    """Name and bucket of the instances and their EnvBuilds."""
    bodies = [get(kind, name, namespace)["metadata"] for name in names for kind in ("ti", "eb")]
    return {(meta["name"], meta.get("labels", {}).get(labels.BUCKET)) for meta in bodies}


def test_each_shard_ends_its_own_instances_and_one_goes_on_while_the_other_is_away(release: str) -> None:
    tasks = [task for shard in (0, 1) for task in instances_of(shard, release).values()]
    cases = dict(zip(map(name_of, tasks), CASES * 2, strict=True))
    own = [[name_of(task) for task in tasks if shard_of(task) == shard] for shard in (0, 1)]
    with recorded_pods() as recorder:
        apply(*tasks)
        wait_until(lambda: all(get("ti", name, release).get("status") for name in own[1]), bool)
        scale(release, 1, 0)
        for name in own[0]:
            wait_until_finished(name, namespace=release)
        away = [get("ti", name, release)["status"] for name in own[1]]
        assert not any("finishedAt" in status for status in away)
        scale(release, 1, 1)
        for name in own[1]:
            wait_until_finished(name, namespace=release)
        expected = {(name_of(task), bucket_of(task["spec"]["repo"])) for task in tasks}
        assert buckets([name_of(task) for task in tasks], release) == expected
        assert [logged_instances(release, shard) for shard in (0, 1)] == [set(names) for names in own]
        assert_undisturbed_verdicts(recorder, cases, namespace=release)


def test_another_number_of_shards_is_refused_while_the_shards_run(
    release: str, values: Values, tmp_path: Path
) -> None:
    one = values | {"sharding": {"count": 1}}
    with pytest.raises(AssertionError, match=r"sharding.count: 2 is installed.*--replicas 0"):
        upgrade(release, tmp_path, one)
    for shard in (0, 1):
        scale(release, shard, 0)
    selector = f"app.kubernetes.io/instance={release},app.kubernetes.io/component=operator"
    wait_until(
        lambda: kubectl("get", "pods", "-n", release, "-l", selector, "-o", "name"), lambda out: not out
    )
    upgrade(release, tmp_path, one)
    assert kubectl("get", "deploy", "-n", release, "-l", selector, "-o", "name").split() == [
        f"deployment.apps/{FULL_NAME}"
    ]
