"""The settings of an operator outside of the cluster are the installed one's, where they can hold there."""

import os
import subprocess
import sys
from typing import Any

import pytest

from swefoundry_lab import out_of_cluster
from swefoundry_lab.out_of_cluster import local_settings

NODES = [{"status": {"addresses": [{"type": "InternalIP", "address": "10.1.0.2"}]}}]
API = "10.96.0.1:443"


def deployment(**settings: str) -> dict[str, Any]:
    env: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in settings.items()]
    env += [
        {"name": "SSL_CERT_FILE", "value": "/var/run/ca.crt"},
        {"name": "POD", "valueFrom": {"fieldRef": {}}},
    ]
    return {"spec": {"template": {"spec": {"containers": [{"env": env}]}}}}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name service is asked."""
    monkeypatch.setattr(out_of_cluster, "_resolves", lambda host: host == "registry.example.org")


def test_settings_of_the_deployment_are_taken_and_nothing_else_of_its_environment() -> None:
    installed = deployment(
        SWEFOUNDRY_REGISTRY_PUSH="registry.example.org",
        SWEFOUNDRY_NAMESPACES="a,b",
        SWEFOUNDRY_CANARY="192.0.2.1:1",
    )
    assert local_settings(installed, NODES, API) == {
        "SWEFOUNDRY_REGISTRY_PUSH": "registry.example.org",
        "SWEFOUNDRY_NAMESPACES": "a,b",
        "SWEFOUNDRY_CANARY": "192.0.2.1:1",
    }


def test_the_kubernetes_api_is_the_canary_where_none_is_configured() -> None:
    installed = deployment(SWEFOUNDRY_REGISTRY_PUSH="registry.example.org")
    assert local_settings(installed, NODES, API)["SWEFOUNDRY_CANARY"] == API


def test_a_registry_whose_name_only_pods_know_is_reached_by_the_nodes_address() -> None:
    installed = deployment(
        SWEFOUNDRY_REGISTRY_PUSH="registry.lab:5000",
        SWEFOUNDRY_BUILD_MIRRORS='{"docker.io": "registry.lab:5000"}',
    )
    assert local_settings(installed, NODES, API) == {
        "SWEFOUNDRY_REGISTRY_PUSH": "10.1.0.2:5000",
        "SWEFOUNDRY_REGISTRY_PULL": "registry.lab:5000",
        "SWEFOUNDRY_BUILD_MIRRORS": '{"docker.io": "10.1.0.2:5000"}',
        "SWEFOUNDRY_CANARY": API,
    }


def test_only_the_first_sigint_interrupts() -> None:
    script = (
        "import signal; from swefoundry_lab.out_of_cluster import interrupt_once\n"
        "signal.signal(signal.SIGINT, interrupt_once)\n"
        "try: signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt: signal.raise_signal(signal.SIGINT); print('stopped')"
    )
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=paths
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "stopped\n", "")


def test_credentials_of_a_mounted_secret_are_replaced_by_those_of_docker_login(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    installed = deployment(
        SWEFOUNDRY_REGISTRY_PUSH="registry.example.org",
        SWEFOUNDRY_REGISTRY_SECRET="login",
        SWEFOUNDRY_REGISTRY_AUTH_FILE="/var/run/swefoundry/registry/config.json",
    )
    assert "SWEFOUNDRY_REGISTRY_AUTH_FILE" not in local_settings(installed, NODES, API)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("{}")
    config = str(tmp_path / ".docker" / "config.json")
    assert local_settings(installed, NODES, API)["SWEFOUNDRY_REGISTRY_AUTH_FILE"] == config
