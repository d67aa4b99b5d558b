"""`swefoundry doctor --pods`: short pods measure what only pods can, and are deleted."""

import json
from typing import Any

import pytest

from simulated.api_server import ApiServer
from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS, crd_manifest
from swefoundry.cli.operator_pods import pod_settings
from swefoundry.contracts.connectivity import Connection, ConnectionKind, ConnectivityResult
from unit.cli.conftest import Run
from unit.cli.test_cli_doctor import POLICY, namespace, node, operator

Json = dict[str, Any]
DIGEST = f"sha256:{1:064}"
MODELS = json.dumps([{"name": "small", "baseUrl": "http://models.test/v1"}])
REGISTRY = Connection(kind=ConnectionKind.REGISTRY, target="r.example", image=DIGEST)
IMAGES = Connection(kind=ConnectionKind.BASE_IMAGES, target="python:3.11-slim")
ISOLATION = Connection(kind=ConnectionKind.ISOLATION, target="10.0.0.1:443, r.example")
MODEL = Connection(kind=ConnectionKind.MODEL, target="small at http://models.test/v1")
STARTED_AND_ENDED = {"startedAt": "2026-01-01T12:00:00Z", "finishedAt": "2026-01-01T12:00:02Z"}


def ended(message: str, code: int = 0, reason: str = "Completed") -> Json:
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message, **STARTED_AND_ENDED}}
    return {"phase": "Failed" if code else "Succeeded", "containerStatuses": [{"state": state}]}


def measured(*connections: Connection) -> Json:
    return ended(ConnectivityResult(nonce="", code=0, connections=list(connections)).to_json())


def waiting(reason: str, message: str) -> Json:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "containerStatuses": [{"state": state}]}


STATUSES = {
    "build": measured(REGISTRY, IMAGES),
    "evaluation": measured(ISOLATION),
    "agent": measured(MODEL),
    "pull": ended("exec: /swefoundry-doctor: no such file", 128, "StartError"),
}


@pytest.fixture
def cluster(api: ApiServer) -> ApiServer:
    """An API server with a good installation."""
    api.put("nodes", node())
    api.put("namespaces", namespace())
    for resource in RESOURCE_DEFINITIONS:
        api.put("customresourcedefinitions", crd_manifest(resource))
    api.put("pods", operator(MODELS=MODELS))
    api.put("networkpolicies", POLICY)
    return api


def answer_with(api: ApiServer, **statuses: Json) -> None:
    """Give each pod of the command its status as soon as somebody looks."""
    known = STATUSES | statuses

    async def hook(line: str) -> None:
        for key in list(api.objects) if line.startswith("GET pods/") else ():
            if key[2].startswith("doctor-"):
                api.set_status(key, known[key[2].split("-")[1]])

    api.request_hook = hook


def lines(run: Run) -> tuple[int, dict[str, tuple[str, str, str]]]:
    done = run("doctor", "-n", "tasks", "--pods", "-o", "json")
    found = json.loads(done.stdout)
    return done.exit_code, {item["check"]: (item["level"], item["found"], item["fix"]) for item in found}


def test_each_measurement_is_a_line_and_the_pods_are_gone(run: Run, cluster: ApiServer) -> None:
    answer_with(cluster)
    exit_code, report = lines(run)
    assert exit_code == 0
    assert dict(list(report.items())[-5:]) == {
        "registry from pods": ("ok", "r.example: written and read", ""),
        "base images": ("ok", "all there: python:3.11-slim", ""),
        "isolation of tests": ("ok", "not reached: 10.0.0.1:443, r.example", ""),
        "model endpoint": ("ok", "small at http://models.test/v1 answers", ""),
        "pulls": ("ok", "a node pulls from r.example", ""),
    }
    assert [body["metadata"]["name"] for body in cluster.bodies("pods")] == ["swefoundry-1"]


def test_each_pod_has_the_network_and_the_credentials_of_its_role(run: Run, cluster: ApiServer) -> None:
    answer_with(cluster)
    lines(run)
    pods = {body["metadata"]["name"].split("-")[1]: body for body in cluster.created}
    assert {name: body["metadata"]["labels"]["swefoundry.dev/role"] for name, body in pods.items()} == {
        "build": "build",
        "evaluation": "evaluation",
        "agent": "agent",
        "pull": "evaluation",
    }
    for body in pods.values():
        assert body["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "swefoundry-cli"
        assert body["spec"]["automountServiceAccountToken"] is False
        assert "finalizers" not in body["metadata"]
    (container,) = pods["pull"]["spec"]["containers"]
    assert container["image"] == f"r.example/swefoundry/doctor@{DIGEST}"


@pytest.mark.parametrize(
    ("role", "status", "check", "found", "fix"),
    [
        (
            "build",
            measured(REGISTRY.model_copy(update={"error": "401 Unauthorized", "image": None}), IMAGES),
            "registry from pods",
            "r.example: 401 Unauthorized",
            "registry.secret",
        ),
        (
            "build",
            measured(
                REGISTRY, IMAGES.model_copy(update={"error": "python:2.7 does not exist on mirror.test"})
            ),
            "base images",
            "python:2.7 does not exist on mirror.test",
            "build.mirrors",
        ),
        (
            "evaluation",
            measured(ISOLATION.model_copy(update={"error": "r.example can be reached"})),
            "isolation of tests",
            "10.0.0.1:443, r.example: r.example can be reached",
            "enforces NetworkPolicies",
        ),
        (
            "agent",
            measured(MODEL.model_copy(update={"error": "401: wrong key"})),
            "model endpoint",
            "small at http://models.test/v1: 401: wrong key",
            "agents.secret",
        ),
        (
            "pull",
            waiting("ImagePullBackOff", "x509: certificate signed by unknown authority"),
            "pulls",
            "it does not start: ImagePullBackOff x509: certificate signed by unknown authority",
            "trust its certificate",
        ),
        (
            "agent",
            ended("", 137, "OOMKilled"),
            "pod of an agent",
            "it ended with 137 (OOMKilled)",
            "docs/debugging.md",
        ),
    ],
)
def test_what_is_wrong_has_its_fix(
    run: Run, cluster: ApiServer, role: str, status: Json, check: str, found: str, fix: str
) -> None:
    answer_with(cluster, **{role: status})
    exit_code, report = lines(run)
    level, text, do = report[check]
    assert (exit_code, level, text) == (1, "problem", found)
    assert fix in do


def test_a_pod_that_does_not_start_says_what_it_waits_for(
    run: Run, cluster: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swefoundry.cli.connection_pods.POD_WAIT_SECONDS", 0.1)
    no_node = {
        "phase": "Pending",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/1 nodes are available",
            }
        ],
    }
    answer_with(cluster, build=no_node)
    _, report = lines(run)
    assert report["pod of a build"][:2] == ("problem", "it does not start: 0/1 nodes are available")
    assert "pulls" not in report


def test_without_the_right_to_create_pods_nothing_is_wrong(run: Run, cluster: ApiServer) -> None:
    cluster.forced_errors["POST pods"] = (403, "pods is forbidden")
    exit_code, report = lines(run)
    assert exit_code == 0
    level, found, fix = report["pod of a build"]
    assert level == "unknown" and "pods is forbidden" in found and "right to create" in fix


def test_without_an_operator_the_settings_of_pods_are_not_known(run: Run, cluster: ApiServer) -> None:
    for key in [key for key in cluster.objects if key[0] == "pods"]:
        del cluster.objects[key]
    _, report = lines(run)
    assert report["pods"][0] == "unknown"
    assert cluster.created == []


def test_settings_of_what_pods_reach_are_read_from_the_operators_variables() -> None:
    settings = pod_settings(
        {
            "SWEFOUNDRY_BASE_IMAGES": '{"go": ["golang:1.26"]}',
            "SWEFOUNDRY_BUILD_MIRRORS": "",
            "SWEFOUNDRY_MODELS": MODELS,
            "SWEFOUNDRY_REGISTRY_INSECURE": "true",
        }
    )
    assert settings.base_images == {"go": ["golang:1.26"]}
    assert settings.build_mirrors == {}
    assert [model.name for model in settings.models] == ["small"]
    assert settings.registry_insecure is True
