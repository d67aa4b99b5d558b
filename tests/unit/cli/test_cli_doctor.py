"""`swefoundry doctor`: one line for each requirement of an installation, with the fix."""

import json
from copy import deepcopy
from typing import Any

import pytest

from simulated.api_server import ApiServer
from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS, crd_manifest
from swefoundry.cli.diagnosis import Finding, InstalledSystem, Level, findings
from unit.cli.conftest import Run
from unit.oci import registry_server

Json = dict[str, Any]
NODE_INFO = {
    "kubeletVersion": "v1.33.1",
    "containerRuntimeVersion": "containerd://2.0.5",
    "kernelVersion": "6.8.0-60-generic",
}


def node(**info: str) -> Json:
    return {"metadata": {"name": "node-1"}, "status": {"nodeInfo": NODE_INFO | info}}


def operator(name: str = "swefoundry-1", ready: str = "True", **settings: str) -> Json:
    variables = {"NAMESPACES": "tasks,more", "REGISTRY_PUSH": "r.example", "REGISTRY_PULL": "r.example"}
    env = [{"name": f"SWEFOUNDRY_{key}", "value": value} for key, value in (variables | settings).items()]
    labels = {"app.kubernetes.io/part-of": "swefoundry", "app.kubernetes.io/component": "operator"}
    return {
        "metadata": {"name": name, "namespace": "swefoundry", "labels": labels},
        "spec": {"containers": [{"env": env}]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def shard(name: str, index: int, count: int) -> Json:
    return operator(name, SHARD=str(index), SHARDS=str(count), LEASE=f"swefoundry/shard-{index}-leader")


def namespace(level: str = "baseline") -> Json:
    return {"metadata": {"name": "tasks", "labels": {"pod-security.kubernetes.io/enforce": level}}}


POLICY: Json = {"metadata": {"name": "swefoundry-evaluation", "namespace": "tasks"}}
CRDS = {resource.name: crd_manifest(resource) for resource in RESOURCE_DEFINITIONS}


def installation(**parts: Any) -> InstalledSystem:
    good = {
        "namespace": "tasks",
        "version": "v1.33.1",
        "nodes": [node()],
        "crds": CRDS,
        "operators": [operator()],
        "namespace_object": namespace(),
        "network_policies": [POLICY],
        "registry": "r.example",
        "registry_error": "",
    }
    return InstalledSystem(**(good | parts))


def test_a_good_installation_has_a_line_for_each_requirement() -> None:
    assert findings(installation()) == [
        Finding("kubernetes", Level.OK, "v1.33.1"),
        Finding("nodes", Level.OK, "1, all with user namespaces for pods"),
        Finding("taskinstances.swefoundry.dev", Level.OK, "has every field of this program"),
        Finding("envbuilds.swefoundry.dev", Level.OK, "has every field of this program"),
        Finding("operator", Level.OK, "swefoundry/swefoundry-1 watches tasks"),
        Finding("registry of the cluster", Level.OK, "r.example"),
        Finding("models", Level.OK, "0 configured"),
        Finding("namespace", Level.OK, "tasks, Pod Security baseline"),
        Finding("network policies", Level.OK, "there; each evaluation measures whether they are enforced"),
        Finding("registry from here", Level.OK, "r.example"),
    ]


def older_crds() -> Json:
    older = deepcopy(CRDS)
    schema = older["taskinstances.swefoundry.dev"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["suspend"]
    return older


@pytest.mark.parametrize(
    ("parts", "check", "level", "found", "fix"),
    [
        ({"version": "v1.29.4"}, "kubernetes", Level.PROBLEM, "v1.29.4", "1.33 or newer"),
        (
            {"nodes": [node(kubeletVersion="v1.30.1")]},
            "nodes",
            Level.PROBLEM,
            "node-1: kubelet v1.30.1",
            "upgrade",
        ),
        (
            {"nodes": [node(containerRuntimeVersion="containerd://1.7.27")]},
            "nodes",
            Level.PROBLEM,
            "node-1: containerd 1.7.27",
            "upgrade",
        ),
        (
            {"nodes": [node(kernelVersion="5.15.0")]},
            "nodes",
            Level.PROBLEM,
            "node-1: Linux 5.15.0",
            "upgrade",
        ),
        ({"nodes": "nodes is forbidden"}, "nodes", Level.UNKNOWN, "nodes is forbidden", "may list nodes"),
        (
            {"crds": dict.fromkeys(CRDS, "not found")},
            "envbuilds.swefoundry.dev",
            Level.PROBLEM,
            "not found",
            "install the chart",
        ),
        (
            {"crds": older_crds()},
            "taskinstances.swefoundry.dev",
            Level.PROBLEM,
            "of another release: without spec.suspend",
            "kubectl apply",
        ),
        ({"operators": []}, "operator", Level.PROBLEM, "no pod was found", "describe"),
        ({"operators": [operator(ready="False")]}, "operator", Level.PROBLEM, "no pod is ready", "describe"),
        (
            {"operators": [operator(NAMESPACES="other")]},
            "operator",
            Level.PROBLEM,
            "none watches the namespace tasks",
            "add tasks to `namespaces`",
        ),
        (
            {"operators": [operator("a"), operator("b")]},
            "operator",
            Level.PROBLEM,
            "2 watch the namespace tasks",
            "start every pod twice",
        ),
        (
            {"operators": [operator("a", LEASE="swefoundry/a"), operator("b", LEASE="swefoundry/b")]},
            "operator",
            Level.PROBLEM,
            "2 watch the namespace tasks",
            "without a common Lease",
        ),
        (
            {"operators": [operator("a", LEASE="swefoundry/a"), operator("b", LEASE="swefoundry/a")]},
            "operator",
            Level.OK,
            "swefoundry/a, swefoundry/b watch, one at a time, tasks",
            "",
        ),
        (
            {"operators": [shard("a", 0, 2), shard("b", 1, 2)]},
            "operator",
            Level.OK,
            "swefoundry/a, swefoundry/b watch, as 2 shards, tasks",
            "",
        ),
        (
            {"operators": [shard("a", 0, 2), shard("b", 1, 2), shard("c", 1, 2)]},
            "operator",
            Level.OK,
            "swefoundry/a, swefoundry/b, swefoundry/c watch, as 2 shards, tasks",
            "",
        ),
        (
            {"operators": [shard("a", 0, 3), shard("b", 2, 3)]},
            "operator",
            Level.PROBLEM,
            "no pod is ready of shard 1 of 3",
            "describe",
        ),
        (
            {"operators": [shard("a", 0, 2), shard("b", 1, 3)]},
            "operator",
            Level.PROBLEM,
            "2 watch the namespace tasks",
            "start every pod twice",
        ),
        (
            {"operators": [operator("a"), shard("b", 1, 2)]},
            "operator",
            Level.PROBLEM,
            "2 watch the namespace tasks",
            "start every pod twice",
        ),
        (
            {"operators": [operator(STRATEGIES="recipe,agents", MODELS="[]")]},
            "models",
            Level.PROBLEM,
            "none, but the strategies name agents",
            "agents.models",
        ),
        (
            {"namespace_object": namespace("restricted")},
            "namespace",
            Level.PROBLEM,
            "tasks enforces restricted, which refuses builds and evaluations",
            "enforce=baseline",
        ),
        (
            {"network_policies": []},
            "network policies",
            Level.PROBLEM,
            "none for evaluations in tasks",
            "Allow",
        ),
        ({"registry": ""}, "registry from here", Level.UNKNOWN, "not asked", "--registry"),
        (
            {"registry_error": "it does not answer"},
            "registry from here",
            Level.PROBLEM,
            "r.example: it does not answer",
            "docker login",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_fix(
    parts: Json, check: str, level: Level, found: str, fix: str
) -> None:
    line = next(item for item in findings(installation(**parts)) if item.check == check)
    assert (line.level, line.found) == (level, found)
    assert fix in line.fix


@pytest.fixture
def cluster(api: ApiServer) -> ApiServer:
    """An API server with a good installation."""
    api.put("nodes", node())
    api.put("namespaces", namespace())
    for body in CRDS.values():
        api.put("customresourcedefinitions", body)
    api.put("pods", operator())
    api.put("networkpolicies", POLICY)
    return api


def test_the_command_reads_the_cluster_and_the_registry(
    run: Run, cluster: ApiServer, server: registry_server.Server
) -> None:
    done = run("doctor", "-n", "tasks", "--registry", server.host, "--insecure")
    assert done.exit_code == 0, done.output
    assert f"registry from here             ok       {server.host}" in done.stdout


def test_a_problem_is_an_exit_code(run: Run, cluster: ApiServer) -> None:
    done = run("doctor", "-n", "elsewhere", "-o", "json")
    assert done.exit_code == 1
    levels = {item["check"]: item["level"] for item in json.loads(done.stdout)}
    assert levels["operator"] == "problem" and levels["registry from here"] == "unknown"


def test_what_may_not_be_read_is_no_problem(run: Run, cluster: ApiServer) -> None:
    cluster.forced_errors["GET nodes"] = (403, "nodes is forbidden")
    done = run("doctor", "-n", "tasks")
    assert done.exit_code == 0, done.output
    assert "nodes is forbidden. Ask somebody who may list nodes" in done.stdout
