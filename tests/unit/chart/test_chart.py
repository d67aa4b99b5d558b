"""The chart's objects with different values: least privilege, hardened pods, policies for every task namespace."""

import ast
import re
from typing import Any

import pytest
import yaml

from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS, ROOT, crd_manifest
from swefoundry.workloads.pod_spec import BUILD_CAPABILITIES, ROOT_CAPABILITIES
from unit.chart.rendering import CHART, Object, environment, of_kind, only, pod_specs, render, render_error

VARIATIONS: dict[str, Object] = {
    "the default values": {},
    "two task namespaces": {"namespaces": ["tasks-a", "tasks-b"]},
    "an embedded registry": {"registry": {"embedded": {"enabled": True}}},
    "an embedded registry with a volume": {"registry": {"embedded": {"enabled": True, "persistent": True}}},
    "a scripted model": {"scriptedModel": {"enabled": True, "scripts": {"demo": "rules: []\n"}}},
    "two replicas": {"replicas": 2},
    "everything on": {
        "replicas": 3,
        "namespaces": ["tasks"],
        "registry": {"push": "r.example.org", "secret": "registry", "embedded": {"enabled": False}},
        "caConfigMap": "our-ca",
        "scriptedModel": {"enabled": True, "secret": "model-key"},
        "imagePullSecrets": [{"name": "pull"}],
        "metrics": {
            "podMonitor": True,
            "serviceMonitor": True,
            "labels": {"release": "prometheus"},
            "dashboard": {"enabled": True},
            "alerts": {"enabled": True},
        },
        "networkPolicy": {"operator": True, "gitPorts": [8418], "extraEgress": [{"ports": [{"port": 3128}]}]},
        "priorityClassName": "high",
        "podAnnotations": {"a": "b"},
        "podLabels": {"team": "x"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "serviceAccount": {"annotations": {"a": "b"}},
    },
    "everything off": {
        "crds": {"install": False},
        "rbac": {"create": False, "aggregate": False},
        "serviceAccount": {"create": False, "name": "existing"},
        "networkPolicy": {"enabled": False},
        "admissionPolicies": {"enabled": False},
        "metrics": {"port": 0},
        "userNamespaces": False,
    },
}
CLUSTER_KINDS = (
    "CustomResourceDefinition",
    "ClusterRole",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)

every_variation = pytest.mark.parametrize("objects", VARIATIONS.values(), ids=VARIATIONS, indirect=True)


@pytest.fixture(scope="module")
def objects(request: pytest.FixtureRequest) -> list[Object]:
    """The chart rendered with a variation's values."""
    return render(**request.param)


@every_variation
def test_roles_have_no_wildcards_and_no_sensitive_resources(objects: list[Object]) -> None:
    for role in of_kind(objects, "Role", "ClusterRole"):
        for rule in role["rules"]:
            granted = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert not any("*" in each for each in granted)
            assert not {"secrets", "configmaps", "pods/exec", "pods/attach", "escalate", "bind"} & set(
                granted
            )
            assert set(rule["apiGroups"]) <= {"", "swefoundry.dev", "coordination.k8s.io"}


@every_variation
def test_the_only_cluster_wide_objects_are_definitions_policies_and_roles_for_users(
    objects: list[Object],
) -> None:
    assert of_kind(objects, "ClusterRoleBinding") == []
    for body in objects:
        assert ("namespace" in body["metadata"]) == (body["kind"] not in CLUSTER_KINDS), body["metadata"]


@every_variation
def test_every_pod_is_hardened(objects: list[Object]) -> None:
    assert pod_specs(objects)
    for spec in pod_specs(objects):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["enableServiceLinks"] is False
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]


@every_variation
def test_every_object_has_the_standard_labels(objects: list[Object]) -> None:
    for body in objects:
        labels = body["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "swefoundry"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_a_single_operator_has_no_lease_and_ends_before_its_successor_starts() -> None:
    objects = render()
    spec = only(objects, "Deployment", "swefoundry")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert "SWEFOUNDRY_LEASE" not in environment(objects)
    assert of_kind(objects, "PodDisruptionBudget") == []


def test_the_operator_is_evicted_from_a_lost_node_after_30_seconds() -> None:
    objects = render(tolerations=[{"key": "gpu", "operator": "Exists"}])
    spec = only(objects, "Deployment", "swefoundry")["spec"]
    eviction = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
    assert spec["template"]["spec"]["tolerations"] == [
        {"key": "node.kubernetes.io/not-ready", **eviction},
        {"key": "node.kubernetes.io/unreachable", **eviction},
        {"key": "gpu", "operator": "Exists"},
    ]


def test_every_task_namespace_gets_roles_policies_and_an_account_without_rights() -> None:
    objects = render(namespaces=["a", "b"])
    for namespace in ("a", "b"):
        in_namespace = [body for body in objects if body["metadata"].get("namespace") == namespace]
        by_kind = {
            kind: [body["metadata"]["name"] for body in of_kind(in_namespace, kind)]
            for kind in ("Role", "RoleBinding")
        }
        assert all("swefoundry" in names for names in by_kind.values())
        assert {body["metadata"]["name"] for body in of_kind(in_namespace, "NetworkPolicy")} >= {
            "swefoundry-evaluation",
            "swefoundry-evaluation-allow",
            "swefoundry-build",
            "swefoundry-intake",
            "swefoundry-agent",
        }
        account = only(in_namespace, "ServiceAccount", "swefoundry-task")
        assert account["automountServiceAccountToken"] is False
        bound = [
            subject["name"] for body in of_kind(in_namespace, "RoleBinding") for subject in body["subjects"]
        ]
        assert "swefoundry-task" not in bound


def test_evaluation_pods_have_no_network() -> None:
    assert only(render(), "NetworkPolicy", "swefoundry-evaluation")["spec"] == {
        "podSelector": {"matchLabels": {"swefoundry.dev/role": "evaluation"}},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_build_pods_reach_dns_the_web_and_the_registry_and_accept_no_connections() -> None:
    assert only(render(), "NetworkPolicy", "swefoundry-build")["spec"] == {
        "podSelector": {"matchLabels": {"swefoundry.dev/role": "build"}},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
            {
                "to": [
                    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}},
                    {"ipBlock": {"cidr": "::/0"}},
                ],
                "ports": [{"protocol": "TCP", "port": port} for port in (80, 443, 5000)],
            },
        ],
    }


def test_evaluation_pods_with_a_network_do_not_reach_the_registry() -> None:
    policy = only(render(), "NetworkPolicy", "swefoundry-evaluation-allow")["spec"]
    assert policy["podSelector"]["matchLabels"]["swefoundry.dev/network"] == "allow"
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 80, 443}


def test_intake_pods_also_reach_the_configured_git_ports() -> None:
    policy = only(render(networkPolicy={"gitPorts": [8418]}), "NetworkPolicy", "swefoundry-intake")["spec"]
    assert policy["egress"][-1] == {"ports": [{"protocol": "TCP", "port": 8418}]}


def test_agent_pods_reach_dns_the_models_and_the_registry() -> None:
    assert only(render(), "NetworkPolicy", "swefoundry-agent")["spec"] == {
        "podSelector": {"matchLabels": {"swefoundry.dev/role": "agent"}},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
            {
                "to": [
                    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}},
                    {"ipBlock": {"cidr": "::/0"}},
                ],
                "ports": [{"protocol": "TCP", "port": port} for port in (443, 5000)],
            },
        ],
    }


def test_the_egress_of_agent_pods_can_be_limited_to_networks_ports_and_pods() -> None:
    vllm = {"to": [{"podSelector": {"matchLabels": {"app": "vllm"}}}], "ports": [{"port": 8000}]}
    egress = {"cidrs": ["10.1.0.0/16"], "ports": [8443], "rules": [vllm]}
    policy = only(render(agents={"egress": egress}), "NetworkPolicy", "swefoundry-agent")["spec"]
    assert policy["egress"][1:] == [
        {
            "to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}],
            "ports": [{"protocol": "TCP", "port": port} for port in (8443, 5000)],
        },
        vllm,
    ]


@pytest.mark.parametrize(
    ("registry", "port"),
    [
        ({"push": "r.example.org"}, 443),
        ({"push": "r.example.org", "insecure": True}, 80),
        ({"push": "r.example.org:30500"}, 30500),
        ({"embedded": {"enabled": True}}, 5000),
    ],
)
def test_the_registry_port_is_read_from_its_name(registry: Object, port: int) -> None:
    egress = only(render(registry=registry), "NetworkPolicy", "swefoundry-build")["spec"]["egress"]
    assert port in [each["port"] for each in egress[1]["ports"]]


@pytest.mark.parametrize("resource", RESOURCE_DEFINITIONS, ids=lambda resource: resource.kind)
def test_the_chart_contains_the_definitions(resource: Any) -> None:
    rendered = only(render(), "CustomResourceDefinition", resource.name)
    assert rendered["spec"] == crd_manifest(resource)["spec"]
    assert rendered["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_definitions_can_be_omitted_or_deleted_with_the_release() -> None:
    assert of_kind(render(crds={"install": False}), "CustomResourceDefinition") == []
    definitions = of_kind(render(crds={"keep": False}), "CustomResourceDefinition")
    assert len(definitions) == len(RESOURCE_DEFINITIONS)
    assert all("annotations" not in body["metadata"] for body in definitions)


def test_the_embedded_registry_has_a_service_for_pods_and_a_host_port_for_the_node() -> None:
    objects = render(registry={"embedded": {"enabled": True}})
    (container,) = only(objects, "Deployment", "swefoundry-registry")["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["ports"] == [
        {"name": "http", "containerPort": 5000, "hostPort": 30500, "hostIP": "127.0.0.1"}
    ]
    assert only(objects, "Service", "swefoundry-registry")["spec"]["ports"][0]["port"] == 5000


INVALID = {
    "a URL for a registry": ({"registry": {"push": "https://r.example.org"}}, "/registry/push"),
    "no registry at all": ({"registry": {"push": ""}}, "registry.push: which OCI registry"),
    "a misspelt value": ({"registry": {"psuh": "r"}}, "psuh"),
    "no build pods": ({"maxActive": {"build": 0}}, "/maxActive/build"),
    "a number for a text": ({"build": {"memory": 4096}}, "/build/memory"),
    "memory without a unit": ({"build": {"memory": "4096"}}, "/build/memory"),
    "one namespace outside a list": ({"namespaces": "tasks"}, "/namespaces"),
    "a namespace in capitals": ({"namespaces": ["Tasks"]}, "/namespaces/0"),
    "a canary without a port": ({"evaluation": {"canary": ["10.0.0.1"]}}, "/evaluation/canary/0"),
    "an unquoted number in the environment": ({"extraEnv": [{"name": "A", "value": 5}]}, "/extraEnv/0/value"),
    "a replica too few": ({"replicas": -1}, "/replicas"),
    "an unknown log level": ({"logLevel": "verbose"}, "/logLevel"),
    "an unknown log format": ({"logFormat": "xml"}, "/logFormat"),
    "a digest that is a tag": ({"image": {"digest": "latest"}}, "/image/digest"),
    "a strategy that needs a draft": ({"strategies": ["fixed"]}, "/strategies/0"),
    "a misspelt price": ({"agents": {"models": [{"name": "a", "inputUSD": 1}]}}, "inputUSD"),
    "a model without a name": ({"agents": {"models": [{"inputUsd": 1}]}}, "/agents/models/0"),
    "dollars in quotes": (
        {"agents": {"budgets": {"operator": {"usd": "5"}}}},
        "/agents/budgets/operator/usd",
    ),
    "a name for a port": ({"networkPolicy": {"ports": ["https"]}}, "/networkPolicy/ports/0"),
}


@pytest.mark.parametrize(("values", "path"), INVALID.values(), ids=INVALID)
def test_an_invalid_value_is_refused_with_its_path(values: Object, path: str) -> None:
    assert path in render_error(**values)


def test_the_schema_has_exactly_the_values_of_the_chart() -> None:
    def keys(schema: Object) -> Any:
        return {
            name: keys(child) if "properties" in child else None
            for name, child in schema["properties"].items()
        }

    def shape(values: Object, schema: Any) -> Any:
        return {
            name: shape(child, schema.get(name)) if schema.get(name) else None
            for name, child in values.items()
        }

    schema_keys = keys(yaml.safe_load((CHART / "values.schema.json").read_text()))
    schema_keys.pop("global")  # added by Helm
    assert shape(yaml.safe_load((CHART / "values.yaml").read_text()), schema_keys) == schema_keys


def test_the_version_is_that_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'version = "{chart["appVersion"]}"' in (ROOT / "pyproject.toml").read_text()


def test_policies_for_task_pods_are_bound_to_task_namespaces_alone() -> None:
    objects = render(namespaces=["a", "b"])
    (binding,) = of_kind(objects, "ValidatingAdmissionPolicyBinding")
    (policy,) = of_kind(objects, "ValidatingAdmissionPolicy")
    assert binding["spec"] == {
        "policyName": policy["metadata"]["name"],
        "validationActions": ["Deny"],
        "matchResources": {
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}
                ]
            }
        },
    }


def test_policies_check_what_the_operator_creates_what_runs_as_task_pods_do_and_what_has_a_role() -> None:
    (policy,) = of_kind(render(serviceAccount={"name": "robot"}), "ValidatingAdmissionPolicy")
    (condition,) = policy["spec"]["matchConditions"]
    assert condition["expression"] == (
        "request.userInfo.username == 'system:serviceaccount:swefoundry:robot' || "
        "object.spec.?serviceAccountName.orValue('') == 'swefoundry-task' || "
        "(has(object.metadata.labels) && 'swefoundry.dev/role' in object.metadata.labels)"
    )


def test_policies_allow_the_capabilities_that_task_pods_add() -> None:
    (policy,) = of_kind(render(), "ValidatingAdmissionPolicy")
    expressions = {each["name"]: each["expression"] for each in policy["spec"]["variables"]}
    lists = re.findall(r"\[[^]]*\]", expressions["capabilities"])
    assert [ast.literal_eval(each) for each in lists] == [BUILD_CAPABILITIES, ROOT_CAPABILITIES, []]


@pytest.mark.parametrize(
    ("on", "expression"),
    [
        (True, "!object.spec.?hostUsers.orValue(true)"),
        (False, "variables.role != 'build' || !object.spec.?hostUsers.orValue(true)"),
    ],
    ids=["all task pods", "builds alone"],
)
def test_a_user_namespace_is_required_of(on: bool, expression: str) -> None:
    (policy,) = of_kind(render(userNamespaces=on), "ValidatingAdmissionPolicy")
    assert expression in {each["expression"] for each in policy["spec"]["validations"]}


def test_policies_can_be_left_out() -> None:
    objects = render(admissionPolicies={"enabled": False})
    assert of_kind(objects, "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding") == []
