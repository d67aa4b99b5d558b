"""The chart with several operators that share the work."""

import pytest

from swefoundry.settings import Settings
from unit.chart.rendering import Object, environment, of_kind, only, render, render_error

BOTH = ("swefoundry-shard-0", "swefoundry-shard-1")


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    return render(sharding={"count": 2}, namespaces=["tasks"])


def selector(shard: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "swefoundry",
        "app.kubernetes.io/instance": "swefoundry",
        "app.kubernetes.io/component": "operator",
        "swefoundry.dev/shard": shard,
    }


def test_each_shard_is_a_deployment_that_selects_its_own_pods(objects: list[Object]) -> None:
    assert {
        body["metadata"]["name"]: body["spec"]["selector"]["matchLabels"]
        for body in of_kind(objects, "Deployment")
    } == {"swefoundry-shard-0": selector("0"), "swefoundry-shard-1": selector("1")}
    for name, shard in zip(BOTH, "01", strict=True):
        body = only(objects, "Deployment", name)
        pod_labels = body["spec"]["template"]["metadata"]["labels"]
        assert selector(shard).items() <= pod_labels.items()
        assert body["metadata"]["labels"]["swefoundry.dev/shard"] == shard


def test_the_shards_differ_in_their_number_and_their_lease_alone(objects: list[Object]) -> None:
    first, second = (environment(objects, name) for name in BOTH)
    assert {name: (first[name], second[name]) for name in first if first[name] != second[name]} == {
        "SWEFOUNDRY_SHARD": ("0", "1"),
        "SWEFOUNDRY_LEASE": (
            "swefoundry/swefoundry-shard-0-leader",
            "swefoundry/swefoundry-shard-1-leader",
        ),
    }
    assert first.keys() == second.keys()
    assert (first["SWEFOUNDRY_SHARDS"], first["SWEFOUNDRY_MAX_ACTIVE_BUILD"]) == ("2", "4")


def test_the_variables_of_a_shard_are_its_settings(
    objects: list[Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(objects, BOTH[1]).items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.shard, settings.shards) == (1, 2)


def test_they_may_write_the_leases_of_all_shards_and_label_instances(objects: list[Object]) -> None:
    leases = only(objects, "Role", "swefoundry-leader")["rules"][1]
    assert (leases["resourceNames"], leases["verbs"]) == (
        ["swefoundry-shard-0-leader", "swefoundry-shard-1-leader"],
        ["get", "patch"],
    )
    instances = only(objects, "Role", "swefoundry")["rules"][0]
    assert (instances["resources"], instances["verbs"]) == (
        ["taskinstances"],
        ["get", "list", "watch", "delete", "patch"],
    )


def test_one_service_has_the_metrics_of_all_shards(objects: list[Object]) -> None:
    (service,) = of_kind(objects, "Service")
    assert service["spec"]["selector"] == {
        name: value for name, value in selector("0").items() if name != "swefoundry.dev/shard"
    }


def test_a_shard_with_one_replica_has_no_disruption_budget_which_would_mean_nothing(
    objects: list[Object],
) -> None:
    assert of_kind(objects, "PodDisruptionBudget") == []


def test_each_shard_with_two_replicas_has_a_disruption_budget_of_its_own() -> None:
    objects = render(sharding={"count": 2}, replicas=2)
    assert {body["metadata"]["name"]: body["spec"] for body in of_kind(objects, "PodDisruptionBudget")} == {
        name: {"maxUnavailable": 1, "selector": {"matchLabels": selector(shard)}}
        for name, shard in zip(BOTH, "01", strict=True)
    }


def test_the_alert_for_leaders_counts_shards() -> None:
    objects = render(sharding={"count": 3}, metrics={"alerts": {"enabled": True}})
    rules = [
        rule
        for group in only(objects, "PrometheusRule", "swefoundry")["spec"]["groups"]
        for rule in group["rules"]
    ]
    (expression,) = [rule["expr"] for rule in rules if rule["alert"] == "SwefoundryNoLeader"]
    assert expression == 'sum(swefoundry_leader{namespace="swefoundry"}) < 3'


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"sharding": {"count": 5}}, "maxActive.build: 4 is less than sharding.count (5)"),
        ({"sharding": {"count": 2}, "maxUnplaced": 1}, "maxUnplaced: 1 is less than sharding.count (2)"),
        (
            {"sharding": {"count": 2}, "maxActive": {"total": 1}},
            "maxActive.total: 1 is less than sharding.count (2)",
        ),
        ({"sharding": {"count": 0}}, "sharding"),
        ({"sharding": {"count": 65}}, "sharding"),
    ],
)
def test_more_shards_than_places_or_buckets_are_refused(values: Object, error: str) -> None:
    assert error in render_error(**values)


def test_one_shard_is_the_installation_without_shards() -> None:
    assert render(sharding={"count": 1}) == render()
    assert "SWEFOUNDRY_SHARDS" not in environment(render())
