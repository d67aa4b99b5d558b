"""The operator's settings are set from the chart's values."""

import json
from decimal import Decimal

import pytest

from swefoundry.contracts.models import Model
from swefoundry.settings import OperatorPodTemplate, Settings
from unit.chart.rendering import CHART, Object, environment, render

AGENTS = {
    "models": [
        {"name": "small", "inputUsd": 0.25, "cachedUsd": 0.025, "outputUsd": 2, "contextTokens": 1000000},
        {
            "name": "large",
            "baseUrl": "http://vllm.models.svc/v1",
            "tools": False,
            "extraHeaders": {"X-Team": "swe"},
        },
    ],
    "secret": "models",
    "secretKey": "token",
    "timeoutSeconds": 600,
    "memory": "2Gi",
    "storage": "3Gi",
    "env": {"HTTPS_PROXY": "http://proxy:3128"},
    "budgets": {"namespace": {"tokens": 10000000}, "operator": {"usd": 12.5}},
}
POD_TEMPLATE = {
    "nodeSelector": {"pool": "sandbox"},
    "tolerations": [{"key": "sandbox", "operator": "Exists", "tolerationSeconds": 3600}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "runtimeClassName": "kata",
    "priorityClassName": "batch",
    "labels": {"kueue.x-k8s.io/queue-name": "tasks"},
    "annotations": {"example.org/cost": "swe"},
}
DIGEST = "sha256:" + "ab" * 32


def settings(monkeypatch: pytest.MonkeyPatch, **values: Object) -> Settings:
    """The settings that the operator reads from its environment with these values."""
    for name, value in environment(render(**values)).items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_every_variable_is_a_setting() -> None:
    everything = render(
        registry={"push": "r.example.org", "secret": "registry"},
        caConfigMap="our-ca",
        agents=AGENTS,
        build={
            "baseImages": {"python": ["p"]},
            "allowedBases": ["p"],
            "args": {"A": "b"},
            "mirrors": {"c": "d"},
        },
        evaluation={"canary": ["10.0.0.1:443"], "runtimeClass": "gvisor"},
        namespaceWeights={"a": 2},
        gitMirrors={"https://github.com/": "https://git.example.org/"},
        podTemplate=POD_TEMPLATE,
        namespacePodTemplates={"a": POD_TEMPLATE},
    )
    names = {name for name in environment(everything) if name.startswith("SWEFOUNDRY_")}
    assert names <= {f"SWEFOUNDRY_{field.upper()}" for field in Settings.model_fields}


def test_the_schema_has_every_field_of_a_model() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    properties = schema["properties"]["agents"]["properties"]["models"]["items"]["properties"]
    assert set(properties) == {info.alias for info in Model.model_fields.values()}


def test_default_values_give_the_default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch) == Settings().model_copy(
        update={
            "namespaces": ["swefoundry"],
            "registry_push": "registry.example.org:5000",
            "registry_pull": "registry.example.org:5000",
            "operator_image": "swefoundry/operator:0.1.0",
            "builder_image": "swefoundry/builder:0.1.0",
        }
    )


def test_each_value_sets_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    result = settings(
        monkeypatch,
        namespaces=["a", "b"],
        image={"repository": "r.example.org/operator", "digest": DIGEST},
        builderImage={"repository": "r.example.org/builder", "tag": "v1"},
        registry={
            "push": "r:5000",
            "pull": "localhost:5000",
            "insecure": True,
            "prefix": "t",
            "secret": "creds",
        },
        maxActive={"intake": 1, "build": 2, "evaluation": 3, "agent": 4},
        maxUnplaced=1,
        namespaceWeights={"a": 2, "b": 0.5},
        podTemplate=POD_TEMPLATE,
        namespacePodTemplates={"b": {"priorityClassName": "low"}},
        instancePodFields=["nodeSelector", "labels"],
        strategies=["recipe", "agents"],
        agents=AGENTS,
        build={
            "cpu": "2",
            "memory": "8Gi",
            "storage": "9Gi",
            "timeoutSeconds": 60,
            "baseImages": {"python": ["python:3.11-slim"]},
            "allowedBases": ["python:*", "debian:*"],
            "args": {"HTTPS_PROXY": "http://proxy:3128"},
            "mirrors": {"docker.io": "mirror:5000"},
            "hosts": ["index.example.org", "deb.example.org"],
        },
        gitMirrors={"https://github.com/": "https://git.example.org/"},
        caConfigMap="our-ca",
        evaluation={
            "canary": ["10.0.0.1:443", "10.0.0.2:80"],
            "requireIsolation": False,
            "runtimeClass": "gvisor",
        },
        userNamespaces=False,
        health={"port": 8081},
        metrics={"port": 9091},
        logLevel="DEBUG",
        logFormat="json",
        extraEnv=[{"name": "SWEFOUNDRY_WORKERS", "value": "32"}],
    )
    assert result == Settings(
        namespaces=["a", "b"],
        operator_image=f"r.example.org/operator@{DIGEST}",
        builder_image="r.example.org/builder:v1",
        registry_push="r:5000",
        registry_pull="localhost:5000",
        registry_insecure=True,
        registry_prefix="t",
        registry_secret="creds",
        registry_auth_file="/var/run/swefoundry/registry/config.json",
        max_active_intake=1,
        max_active_build=2,
        max_active_evaluation=3,
        max_active_agent=4,
        max_unplaced=1,
        namespace_weights={"a": 2, "b": 0.5},
        pod_template=OperatorPodTemplate.model_validate(POD_TEMPLATE),
        namespace_pod_templates={"b": OperatorPodTemplate(priority_class_name="low")},
        instance_pod_fields=["nodeSelector", "labels"],
        strategies=["recipe", "agents"],
        models=[
            Model(name="small", input_usd=0.25, cached_usd=0.025, output_usd=2, context_tokens=1_000_000),
            Model(
                name="large",
                base_url="http://vllm.models.svc/v1",
                tools=False,
                extra_headers={"X-Team": "swe"},
            ),
        ],
        llm_secret="models",
        llm_secret_key="token",
        agent_seconds=600,
        agent_memory="2Gi",
        agent_storage="3Gi",
        agent_env={"HTTPS_PROXY": "http://proxy:3128"},
        namespace_llm_tokens=10_000_000,
        operator_llm_usd=Decimal("12.5"),
        build_cpu="2",
        build_memory="8Gi",
        build_storage="9Gi",
        build_seconds=60,
        base_images={"python": ["python:3.11-slim"]},
        allowed_bases=["python:*", "debian:*"],
        build_args={"HTTPS_PROXY": "http://proxy:3128"},
        build_mirrors={"docker.io": "mirror:5000"},
        build_hosts=["index.example.org", "deb.example.org"],
        git_mirrors={"https://github.com/": "https://git.example.org/"},
        ca_config_map="our-ca",
        canary=["10.0.0.1:443", "10.0.0.2:80"],
        require_isolation=False,
        runtime_class="gvisor",
        task_user_namespaces=False,
        service_account="swefoundry-task",
        health_port=8081,
        metrics_port=9091,
        log_level="DEBUG",
        log_format="json",
        workers=32,
    )


def test_images_are_pushed_to_the_service_of_the_embedded_registry_and_pulled_from_its_host_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = settings(monkeypatch, registry={"embedded": {"enabled": True, "hostPort": 31000}})
    assert (result.registry_push, result.registry_pull, result.registry_insecure) == (
        "swefoundry-registry.swefoundry.svc:5000",
        "localhost:31000",
        True,
    )


def test_objects_may_set_no_pod_field_when_the_list_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, instancePodFields=[]).instance_pod_fields == []
