"""Objects that instances leave behind in the cluster."""

from datetime import UTC, datetime
from typing import Any

from swefoundry.cli.leftovers.cluster import ClusterObjects, LeftoverObject, leftover_objects
from swefoundry.kube.resources import CONFIG_MAPS, PODS
from unit.cli.task_objects import Json, task

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
OLD, NEW = "2026-01-01T10:00:00Z", "2026-01-01T11:30:00Z"


def body(name: str, created: str = OLD, **meta: Any) -> Json:
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "creationTimestamp": created,
            **meta,
        }
    }


def config_map(instance: str, created: str = OLD) -> Json:
    return body(f"{instance}-gold", created, labels={"swefoundry.dev/instance": instance})


def pod(name: str, owner: str, phase: str = "Running", component: str = "open", **meta: Any) -> Json:
    manager = "swefoundry-cli" if component == "open" else "swefoundry"
    labels = {"app.kubernetes.io/managed-by": manager, "app.kubernetes.io/component": component}
    owners = [{"uid": f"uid-{owner}"}]
    return body(name, labels=labels, ownerReferences=owners, **meta) | {"status": {"phase": phase}}


def found(*, config_maps: tuple[Json, ...] = (), pods: tuple[Json, ...] = ()) -> list[LeftoverObject]:
    return leftover_objects(ClusterObjects((task("a"),), config_maps, pods), NOW)


def test_a_config_map_is_left_over_when_its_instance_is_gone() -> None:
    assert found(config_maps=(config_map("a"), config_map("b"))) == [
        LeftoverObject(CONFIG_MAPS, "default", "b-gold", "uid-b-gold", "there is no TaskInstance b", False)
    ]


def test_a_new_config_map_may_be_applied_just_before_its_instance() -> None:
    assert found(config_maps=(config_map("b", NEW),)) == []


def test_an_open_pod_is_left_over_when_it_has_ended() -> None:
    assert [each.name for each in found(pods=(pod("running", "a"), pod("over", "a", "Succeeded")))] == [
        "over"
    ]


def test_a_pod_that_our_finalizer_keeps_is_left_over_when_its_owner_is_gone() -> None:
    held = pod("held", "b", "Succeeded", "build", finalizers=["swefoundry.dev/result"])
    stored = pod("stored", "a", "Succeeded", "build", finalizers=["swefoundry.dev/result"])
    assert found(pods=(held, stored)) == [
        LeftoverObject(PODS, "default", "held", "uid-held", "its owner was deleted", True)
    ]


def test_pods_of_others_with_a_label_of_ours_are_left_alone() -> None:
    assert found(pods=(body("theirs", labels={"swefoundry.dev/role": "intake"}),)) == []
