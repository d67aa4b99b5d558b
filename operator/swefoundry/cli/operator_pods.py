"""The operator's pods, and the settings that they run with, for the commands that must agree with them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from swefoundry.cli.api_objects import KubernetesObject
from swefoundry.errors import NotFound, SwefoundryError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import PODS, ApiObject
from swefoundry.settings import PREFIX, Settings

OPERATOR_SELECTOR = "app.kubernetes.io/part-of=swefoundry,app.kubernetes.io/component=operator"

POD_SETTINGS = (
    "agent_env",
    "base_images",
    "build_mirrors",
    "ca_config_map",
    "instance_pod_fields",
    "llm_secret",
    "llm_secret_key",
    "models",
    "namespace_pod_templates",
    "node_lost_seconds",
    "operator_image",
    "pod_template",
    "registry_insecure",
    "registry_prefix",
    "registry_pull",
    "registry_push",
    "registry_secret",
    "runtime_class",
    "service_account",
    "task_user_namespaces",
)
"""Settings that decide how pods are isolated, where their images are, and what they reach."""

JSON_SETTINGS = frozenset({"agent_env", "base_images", "build_mirrors"})
"""Of these, those whose variables are JSON that a settings source decodes, and `Settings` itself does not."""


def environment_variables(pod: KubernetesObject) -> dict[str, str]:
    """Variables of the pod's containers that have a value in the manifest."""
    variables = [item for container in pod["spec"]["containers"] for item in container.get("env") or []]
    return {item["name"]: item.get("value", "") for item in variables}


def watched_namespaces(pod: KubernetesObject) -> list[str]:
    """Namespaces that the operator works in."""
    names = environment_variables(pod).get("SWEFOUNDRY_NAMESPACES", "")
    return [name for name in names.split(",") if name]


async def list_operators(kube: KubeClient, namespace: str) -> list[ApiObject]:
    """Pods of operators, everywhere or, where this user may not look there, in ``namespace``."""
    try:
        return [pod async for pod in kube.list(PODS, "", OPERATOR_SELECTOR)]
    except SwefoundryError:
        return [pod async for pod in kube.list(PODS, namespace, OPERATOR_SELECTOR)]


async def read_pod_settings(kube: KubeClient, namespace: str) -> Settings:
    """Settings for a pod in ``namespace`` that is isolated as the operator there isolates its own.

    Raises `NotFound` without an operator to take them from: a guess may lack a sandbox that somebody configured.
    """
    return _settings(await list_operators(kube, namespace), namespace)


def _settings(operators: Iterable[ApiObject], namespace: str) -> Settings:
    for pod in operators:
        if namespace in watched_namespaces(pod):
            return pod_settings(environment_variables(pod))
    raise NotFound(
        f"no operator that watches the namespace {namespace} was found, so it is not known how its pods are isolated; "
        "`swefoundry doctor` shows why"
    )


def pod_settings(variables: Mapping[str, str]) -> Settings:
    """The settings of `POD_SETTINGS` that an operator with these variables has; all others have their defaults.

    Every one is passed, because what is not passed is taken from the variables of this process.
    """
    return Settings(**{name: _setting(name, variables) for name in POD_SETTINGS})


def _setting(name: str, variables: Mapping[str, str]) -> Any:
    text = variables.get(f"{PREFIX}{name.upper()}")
    if text is None:
        return Settings.model_fields[name].default
    return json.loads(text or "{}") if name in JSON_SETTINGS else text
