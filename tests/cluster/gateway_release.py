"""A release of the chart whose agents ask the gateway: a ladder of two models, the second behind the proxy."""

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from cluster import chart_release
from cluster.commands import environment, helm, kubectl, path_of
from cluster.fault_injection import lab
from cluster.gateway import Gateway
from cluster.sample_instances import Json

KEY = f"lab+{uuid4().hex}/key"
"""Nothing that looks like a key: only who knows it can take it out of a text."""
SECRET, AUTHORITIES = "llm", "authorities"
NEAR, FAR = "near-model", "far-model"
HEADERS = {
    NEAR: {"X-Gateway-Team": "lab", "X-Gateway-Route": "near"},
    FAR: {"X-Gateway-Team": "lab", "X-Gateway-Route": "far"},
}
CONFIGURED_TOKENS = 16_000
"""The context that the settings speak of."""


def untrusting_namespace(release: str) -> str:
    """The task namespace of the release that knows only the usual authorities."""
    return f"{release}-stranger"


@contextmanager
def gateway_release(release: str, models: Gateway, folder: Path) -> Iterator[None]:
    """A release with two task namespaces, of which one knows the gateway's authority."""
    namespaces = [release, untrusting_namespace(release)]
    try:
        usual = chart_release.read_from_main("configmap", "lab-ca")
        for namespace in namespaces:
            chart_release.make_namespace(namespace)
            kubectl("create", "secret", "generic", SECRET, "-n", namespace, f"--from-literal=api-key={KEY}")
            trusted = with_certificate(models.authority, usual) if namespace == release else usual
            chart_release.apply_copy(trusted, AUTHORITIES, namespace)
        chart_release.upgrade(release, folder, release_values(release, namespaces, models), "--install")
        yield
    finally:
        for namespace in namespaces:
            kubectl("delete", "ti", "--all", "-n", namespace, "--timeout=120s", fails=True)
        helm("uninstall", release, "-n", release, "--ignore-not-found", "--wait", "--timeout", "120s")
        kubectl("delete", "namespace", *namespaces, "--wait=false", "--ignore-not-found")


def with_certificate(certificate: str, bundle: Json) -> Json:
    """The ConfigMap with one certificate more."""
    known = base64.b64decode(bundle["binaryData"]["ca.crt"])
    both = base64.b64encode(known + b"\n" + certificate.encode()).decode()
    return bundle | {"binaryData": {"ca.crt": both}}


def release_values(release: str, namespaces: list[str], models: Gateway) -> Json:
    """What docs/models.md tells people with such a gateway to write."""
    ports = [int(url.split(":")[2].split("/")[0]) for url in (models.near, models.proxy)]
    rest = {"contextTokens": CONFIGURED_TOKENS, "outputTokens": 1000, "inputUsd": 1, "outputUsd": 2}
    impatient = rest | {"patienceSeconds": 2}
    return chart_release.values_for_release(release) | {
        "namespaces": namespaces,
        "caConfigMap": AUTHORITIES,
        "scriptedModel": {"enabled": False},
        "logLevel": "DEBUG",
        "extraEnv": [{"name": "SWEFOUNDRY_RETRY_SECONDS", "value": "1"}],
        "agents": {
            "models": [
                {"name": NEAR, "baseUrl": models.near, "extraHeaders": HEADERS[NEAR]} | impatient,
                {"name": FAR, "baseUrl": models.far, "extraHeaders": HEADERS[FAR]} | impatient,
            ],
            "secret": SECRET,
            "env": {
                "HTTPS_PROXY": models.proxy,
                "HTTP_PROXY": models.proxy,
                "NO_PROXY": lab().address,
            },
            "egress": {"cidrs": [f"{lab().address}/32"], "ports": ports},
        },
    }


@contextmanager
def watched_pods(namespace: str, path: Path) -> Iterator[Path]:
    """Every version of every task pod is written to a file."""
    command = ["get", "pods", "-n", namespace, "-l", "swefoundry.dev/role", "-w", "-o", "json"]
    with (
        path.open("w") as file,
        subprocess.Popen([path_of("kubectl"), *command], env=environment(), stdout=file) as watch,
    ):
        try:
            yield path
        finally:
            watch.terminate()
