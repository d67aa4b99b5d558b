"""A release of the chart with two models of the gateway, the second one reached through the proxy."""

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
"""Has no usual form of a key, so that a redaction by pattern would miss it."""
SECRET, AUTHORITIES = "llm", "authorities"
NEAR, FAR = "near-model", "far-model"
HEADERS = {
    NEAR: {"X-Gateway-Team": "lab", "X-Gateway-Route": "near"},
    FAR: {"X-Gateway-Team": "lab", "X-Gateway-Route": "far"},
}
CONFIGURED_TOKENS = 16_000
"""The context length in the settings; the endpoint's own may be smaller."""


def namespace_without_ca(release: str) -> str:
    """The release's task namespace that does not trust the gateway's CA."""
    return f"{release}-no-ca"


@contextmanager
def gateway_release(release: str, gateway: Gateway, folder: Path) -> Iterator[None]:
    """A release with two task namespaces, of which one trusts the gateway's CA."""
    namespaces = [release, namespace_without_ca(release)]
    try:
        default_bundle = chart_release.read_from_main("configmap", "lab-ca")
        for namespace in namespaces:
            chart_release.create_task_namespace(namespace)
            kubectl("create", "secret", "generic", SECRET, "-n", namespace, f"--from-literal=api-key={KEY}")
            bundle = (
                with_certificate(gateway.authority, default_bundle)
                if namespace == release
                else default_bundle
            )
            chart_release.apply_copy(bundle, AUTHORITIES, namespace)
        chart_release.upgrade(release, folder, release_values(release, namespaces, gateway), "--install")
        yield
    finally:
        for namespace in namespaces:
            kubectl("delete", "ti", "--all", "-n", namespace, "--timeout=300s", may_fail=True)
        helm("uninstall", release, "-n", release, "--ignore-not-found", "--wait", "--timeout", "600s")
        kubectl("delete", "namespace", *namespaces, "--wait=false", "--ignore-not-found")


def with_certificate(certificate: str, bundle: Json) -> Json:
    """The ConfigMap with one more certificate."""
    existing = base64.b64decode(bundle["binaryData"]["ca.crt"])
    combined = base64.b64encode(existing + b"\n" + certificate.encode()).decode()
    return bundle | {"binaryData": {"ca.crt": combined}}


def release_values(release: str, namespaces: list[str], gateway: Gateway) -> Json:
    """Chart values for such a gateway, as docs/models.md describes them."""
    ports = [int(url.split(":")[2].split("/")[0]) for url in (gateway.near, gateway.proxy)]
    model = {
        "contextTokens": CONFIGURED_TOKENS,
        "outputTokens": 1000,
        "inputUsd": 1,
        "outputUsd": 2,
        "patienceSeconds": 2,
    }

    return chart_release.values_for_release(release) | {
        "namespaces": namespaces,
        "caConfigMap": AUTHORITIES,
        "scriptedModel": {"enabled": False},
        "logLevel": "DEBUG",
        "extraEnv": [{"name": "SWEFOUNDRY_RETRY_SECONDS", "value": "1"}],
        "agents": {
            "models": [
                {"name": NEAR, "baseUrl": gateway.near, "extraHeaders": HEADERS[NEAR]} | model,
                {"name": FAR, "baseUrl": gateway.far, "extraHeaders": HEADERS[FAR]} | model,
            ],
            "secret": SECRET,
            "env": {
                "HTTPS_PROXY": gateway.proxy,
                "HTTP_PROXY": gateway.proxy,
                "NO_PROXY": lab().address,
            },
            "egress": {"cidrs": [f"{lab().address}/32"], "ports": ports},
        },
    }


@contextmanager
def watched_pods(namespace: str, path: Path) -> Iterator[Path]:
    """Write every version of every task pod to a file until the block ends."""
    command = ["get", "pods", "-n", namespace, "-l", "swefoundry.dev/role", "-w", "-o", "json"]
    with (
        path.open("w") as file,
        subprocess.Popen([path_of("kubectl"), *command], env=environment(), stdout=file) as watch,
    ):
        try:
            yield path
        finally:
            watch.terminate()
