"""Run this checkout's operator on this machine instead of the installed one.

The installed Deployment is scaled to zero, because two operators would start every pod twice. The settings are those of
the Deployment; environment variables of the same names take precedence. The process is restarted when a source file
changes; all state is in the cluster and the registry, so a restart loses nothing.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from swefoundry_lab.command import run
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import SOURCES

PACKAGE = SOURCES.parent / "operator" / "swefoundry"
PREFIX = "SWEFOUNDRY_"

NOT_SETTINGS = ("SWEFOUNDRY_CLUSTER", "SWEFOUNDRY_LAB_DIR", "SWEFOUNDRY_NAMESPACE", "SWEFOUNDRY_REGISTRY")
"""Variables with the same prefix that the lab and the command line read."""

STOP_SECONDS = 30
"""Time until a stopping process is killed; the same as the grace period of a pod."""


def run_operator(release: str, namespace: str, console: Console) -> None:
    """Run the operator until it is interrupted, and restart it when its code changes."""
    from watchfiles import PythonFilter, run_process

    deployment = _kubectl("deployment", release, namespace)
    settings = local_settings(deployment, _nodes(), _api_address())
    overrides = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    signal.signal(signal.SIGINT, interrupt_once)
    with _scaled_down(release, namespace, deployment["spec"]["replicas"] or 1, console):
        os.environ |= settings | overrides | {"PYTHONPATH": str(PACKAGE.parent)}
        console.print(f"Running {PACKAGE} with the settings of {namespace}/{release}; stop it with Ctrl-C.")
        run_process(
            PACKAGE,
            target=f"{sys.executable} -m swefoundry",
            target_type="command",
            watch_filter=PythonFilter(extra_extensions=(".j2", ".md", ".yaml")),
            callback=lambda changes: console.print(f"Restarting: {len(changes)} files changed."),
            sigint_timeout=STOP_SECONDS,
        )


def interrupt_once(number: int, frame: FrameType | None) -> None:
    """Handle SIGINT as Python does, and ignore further ones: the operator stops before the Deployment is scaled up."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def local_settings(deployment: Mapping[str, Any], nodes: list[Mapping[str, Any]], api: str) -> dict[str, str]:
    """The installed operator's settings, with changes for a process outside the cluster."""
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    settings = {
        item["name"]: item["value"]
        for item in container["env"]
        if item["name"].startswith(PREFIX) and item.get("value")
    }
    settings.pop("SWEFOUNDRY_REGISTRY_AUTH_FILE", None)  # a mounted Secret; see `docker login`
    docker = Path.home() / ".docker" / "config.json"
    if "SWEFOUNDRY_REGISTRY_SECRET" in settings and docker.is_file():
        settings["SWEFOUNDRY_REGISTRY_AUTH_FILE"] = str(docker)
    settings.setdefault("SWEFOUNDRY_CANARY", api)
    return settings | _local_registry(settings, nodes)


def _local_registry(settings: Mapping[str, str], nodes: list[Mapping[str, Any]]) -> dict[str, str]:
    """Settings with the registry's address if this machine cannot resolve its name, as in the lab."""
    name = settings["SWEFOUNDRY_REGISTRY_PUSH"]
    host, _, port = name.partition(":")
    if _resolves(host):
        return {}
    address = f"{nodes[0]['status']['addresses'][0]['address']}:{port or 443}"
    return {
        "SWEFOUNDRY_REGISTRY_PUSH": address,
        "SWEFOUNDRY_REGISTRY_PULL": settings.get("SWEFOUNDRY_REGISTRY_PULL", name),
        "SWEFOUNDRY_BUILD_MIRRORS": settings.get("SWEFOUNDRY_BUILD_MIRRORS", "{}").replace(name, address),
    }


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except socket.gaierror:
        return False


@contextmanager
def _scaled_down(release: str, namespace: str, replicas: int, console: Console) -> Iterator[None]:
    """Scale the Deployment to zero until the block ends."""
    scale = ["kubectl", "scale", f"deployment/{release}", "--namespace", namespace]
    console.print(f"Scaling deployment {namespace}/{release} to zero.")
    run([*scale, "--replicas=0"])
    try:
        selector = f"app.kubernetes.io/instance={release},app.kubernetes.io/component=operator"
        run(["kubectl", "wait", "pod", "-n", namespace, "-l", selector, "--for=delete", "--timeout=90s"])
        yield
    finally:
        console.print(f"Scaling deployment {namespace}/{release} back to {replicas}.")
        run([*scale, f"--replicas={replicas}"])


def _kubectl(kind: str, name: str, namespace: str) -> Any:
    result = subprocess.run(
        ["kubectl", "get", kind, name, "--namespace", namespace, "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise LabError(
            f"swefoundry must be installed first: `make install`, or docs/install.md.\n{result.stderr}"
        )
    return json.loads(result.stdout)


def _nodes() -> list[Mapping[str, Any]]:
    return list(json.loads(run(["kubectl", "get", "nodes", "--output", "json"]))["items"])


def _api_address() -> str:
    """Address of the Kubernetes API for pods: the default canary."""
    spec = _kubectl("service", "kubernetes", "default")["spec"]
    return f"{spec['clusterIP']}:{spec['ports'][0]['port']}"
