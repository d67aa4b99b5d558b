"""The chart with several replicas of the operator."""

import pytest

from unit.chart.rendering import Object, environment, only, render

SELECTOR = {
    "matchLabels": {
        "app.kubernetes.io/name": "swefoundry",
        "app.kubernetes.io/instance": "swefoundry",
        "app.kubernetes.io/component": "operator",
    }
}


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    return render(replicas=2, namespaces=["tasks"])


def test_an_upgrade_starts_a_pod_before_it_ends_one(objects: list[Object]) -> None:
    spec = only(objects, "Deployment", "swefoundry")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (
        2,
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    )


def test_they_run_on_different_nodes_where_possible(objects: list[Object]) -> None:
    spec = only(objects, "Deployment", "swefoundry")["spec"]["template"]["spec"]
    assert spec["topologySpreadConstraints"] == [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": SELECTOR,
            "matchLabelKeys": ["pod-template-hash"],
        }
    ]


def test_a_drain_evicts_one_at_a_time(objects: list[Object]) -> None:
    budget = only(objects, "PodDisruptionBudget", "swefoundry")["spec"]
    assert budget == {"maxUnavailable": 1, "selector": SELECTOR}


def test_each_knows_the_lease_and_its_own_pod(objects: list[Object]) -> None:
    container = only(objects, "Deployment", "swefoundry")["spec"]["template"]["spec"]["containers"][0]
    assert environment(objects)["SWEFOUNDRY_LEASE"] == "swefoundry/swefoundry-leader"
    assert {
        "name": "SWEFOUNDRY_POD_UID",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}},
    } in container["env"]


def test_they_may_write_their_own_lease_in_the_namespace_of_the_release_alone(objects: list[Object]) -> None:
    role = only(objects, "Role", "swefoundry-leader")
    assert (role["metadata"]["namespace"], role["rules"]) == (
        "swefoundry",
        [
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
            {
                "apiGroups": ["coordination.k8s.io"],
                "resources": ["leases"],
                "resourceNames": ["swefoundry-leader"],
                "verbs": ["get", "patch"],
            },
        ],
    )
    binding = only(objects, "RoleBinding", "swefoundry-leader")
    assert (binding["metadata"]["namespace"], binding["roleRef"]["name"], binding["subjects"]) == (
        "swefoundry",
        "swefoundry-leader",
        [{"kind": "ServiceAccount", "name": "swefoundry", "namespace": "swefoundry"}],
    )
