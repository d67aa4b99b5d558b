"""Fields that people set for task pods: whose value wins, which ones an object may set, and what stays ours."""

import pytest

from swefoundry import errors
from swefoundry.api import reasons
from swefoundry.contracts.pod_template import PodTemplate, Toleration
from swefoundry.settings import OperatorPodTemplate, Settings
from swefoundry.workloads.applied_template import template_of, with_template
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.pod_spec import ContainerTemplate, pod_manifest

SPOT = {"key": "spot", "operator": "Exists"}
GPU = {"key": "gpu", "operator": "Equal", "value": "none", "effect": "NoSchedule"}
ALL_FIELDS = [
    "nodeSelector",
    "tolerations",
    "affinity",
    "runtimeClassName",
    "priorityClassName",
    "labels",
    "annotations",
]


def an_owner(namespace="here", **template):
    return Owner(
        "TaskInstance",
        namespace,
        "task-one",
        "uid-of-task",
        pod_template=PodTemplate.model_validate(template) if template else None,
    )


def settings(operator=None, namespaces=None, allowed=ALL_FIELDS):
    return Settings(
        pod_template=OperatorPodTemplate.model_validate(operator or {}),
        namespace_pod_templates={
            name: OperatorPodTemplate.model_validate(value) for name, value in (namespaces or {}).items()
        },
        instance_pod_fields=allowed,
    )


def merged(*args, owner):
    return template_of(owner, settings(*args)).to_json_dict()


def a_manifest(**template):
    ref = AttemptRef(an_owner(), Role.EVALUATION, "before-0", 0, "nonce")
    return pod_manifest(ref, ContainerTemplate("image", {}, {}, {}, 60, **template))


def test_without_any_template_a_pod_is_as_it_was():
    assert with_template(a_manifest(), template_of(an_owner(), Settings())) == a_manifest()


def test_maps_are_merged_by_key_the_namespace_over_the_operator_and_the_object_over_both():
    operator = {"nodeSelector": {"pool": "sandbox", "zone": "a", "disk": "ssd"}}
    namespaces = {
        "here": {"nodeSelector": {"zone": "b", "disk": "nvme"}},
        "there": {"nodeSelector": {"x": "y"}},
    }
    owner = an_owner(nodeSelector={"disk": "hdd"})
    assert merged(operator, namespaces, owner=owner) == {
        "nodeSelector": {"pool": "sandbox", "zone": "b", "disk": "hdd"}
    }


def test_tolerations_are_joined():
    assert merged({"tolerations": [SPOT]}, {"here": {"tolerations": [SPOT, GPU]}}, owner=an_owner()) == {
        "tolerations": [SPOT, GPU]
    }


def test_of_affinities_each_part_is_replaced_as_a_whole():
    operator = {"affinity": {"nodeAffinity": {"a": [1]}, "podAffinity": {"b": [2]}}}
    assert merged(operator, owner=an_owner(affinity={"nodeAffinity": {"c": [3]}})) == {
        "affinity": {"nodeAffinity": {"c": [3]}, "podAffinity": {"b": [2]}}
    }


@pytest.mark.parametrize("field", ["runtimeClassName", "priorityClassName"])
def test_of_classes_the_last_one_wins(field):
    namespaces = {"here": {field: "of-namespace"}}
    assert merged({field: "of-operator"}, owner=an_owner()) == {field: "of-operator"}
    assert merged({field: "of-operator"}, namespaces, owner=an_owner()) == {field: "of-namespace"}
    assert merged({field: "x"}, namespaces, owner=an_owner(**{field: "own"})) == {field: "own"}


def test_an_object_may_choose_nodes_and_nothing_else_by_default():
    assert Settings().instance_pod_fields == ["nodeSelector", "affinity"]


def test_a_field_that_is_not_allowed_is_named_with_the_remedy():
    owner = an_owner(nodeSelector={"a": "b"}, priorityClassName="high")
    with pytest.raises(errors.PermanentError) as refused:
        template_of(owner, Settings())
    assert refused.value.reason == reasons.MISCONFIGURED
    assert str(refused.value) == (
        "spec.podTemplate.priorityClassName: objects may not set this field (they may set: nodeSelector, affinity); "
        "remove it, or let the operator's administrator add it to instancePodFields (SWEFOUNDRY_INSTANCE_POD_FIELDS)"
    )


def test_the_operator_and_the_namespace_may_set_fields_that_objects_may_not():
    assert merged(
        {"priorityClassName": "low"}, {"here": {"labels": {"team": "x"}}}, [], owner=an_owner()
    ) == {"priorityClassName": "low", "labels": {"team": "x"}}


def test_an_empty_field_is_not_set():
    assert template_of(an_owner(tolerations=[]), settings(allowed=[])).to_json_dict() == {}


def test_a_pod_gets_the_fields_and_keeps_its_own():
    template = PodTemplate(
        node_selector={"pool": "sandbox"},
        tolerations=[Toleration(**SPOT)],
        priority_class_name="low",
        labels={"team": "x"},
        annotations={"example.org/a": "b"},
    )
    plain, pod = a_manifest(), with_template(a_manifest(), template)
    spec = plain["spec"] | {
        "nodeSelector": {"pool": "sandbox"},
        "tolerations": [SPOT, *plain["spec"]["tolerations"]],
        "priorityClassName": "low",
    }
    labels = {"team": "x", **plain["metadata"]["labels"]}
    annotations = {"example.org/a": "b", **plain["metadata"]["annotations"]}
    metadata = plain["metadata"] | {"labels": labels, "annotations": annotations}
    assert pod == plain | {"metadata": metadata, "spec": spec}


def test_the_runtime_class_of_a_template_wins_over_the_one_of_evaluations():
    pod = with_template(a_manifest(runtime_class="gvisor"), PodTemplate(runtime_class_name="kata"))
    assert pod["spec"]["runtimeClassName"] == "kata"


def test_nodes_where_an_attempt_failed_are_avoided_whatever_the_affinity():
    def preferred(key):
        return {"weight": 100, "preference": {"matchExpressions": [{"key": key}]}}

    own = a_manifest(avoid_nodes=("node-1",))["spec"]["affinity"]["nodeAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    template = PodTemplate.model_validate(
        {
            "affinity": {
                "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred("zone")]},
                "podAntiAffinity": {},
            }
        }
    )
    assert with_template(a_manifest(avoid_nodes=("node-1",)), template)["spec"]["affinity"] == {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred("zone"), *own]},
        "podAntiAffinity": {},
    }


def test_another_node_than_the_one_where_it_failed_counts_for_more_than_one_without_a_gpu():
    affinity = a_manifest(avoid_nodes=("node-1",))["spec"]["affinity"]["nodeAffinity"]
    (terms,) = affinity.values()
    others = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["node-1"]}
    assert [term["weight"] for term in terms] == [50, 100]
    assert terms[1]["preference"] == {"matchExpressions": [others]}


def test_labels_of_ours_cannot_be_overridden_by_an_older_definition_without_the_rule():
    template = PodTemplate(labels={"swefoundry.dev/role": "agent"})
    assert with_template(a_manifest(), template)["metadata"]["labels"]["swefoundry.dev/role"] == "evaluation"
