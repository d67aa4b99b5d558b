"""Client for the few requests that the lab itself makes to the API server."""

import ssl
from datetime import datetime
from typing import Any

import httpx

from swefoundry_lab.layout import API_PORT, Lab


def connect(lab: Lab) -> httpx.Client:
    """A client with the rights of the person at the terminal."""
    context = ssl.create_default_context(cafile=str(lab.pki / "ca.crt"))
    context.load_cert_chain(lab.pki / "admin.crt", lab.pki / "admin.key")
    return httpx.Client(base_url=f"https://127.0.0.1:{API_PORT}", verify=context, timeout=5, trust_env=False)


def is_ready(api: httpx.Client) -> bool:
    """Whether the API server says that it is."""
    return get(api, "/readyz") is not None


def get(api: httpx.Client, path: str) -> Any:
    """An object, or None when it or the server is not there (yet)."""
    try:
        answer = api.get(path)
    except httpx.TransportError:
        return None
    if answer.status_code != httpx.codes.OK:
        return None
    return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text


def node_names(api: httpx.Client) -> list[str]:
    """All nodes that the cluster knows."""
    return [item["metadata"]["name"] for item in get(api, "/api/v1/nodes")["items"]]


def is_node_ready(api: httpx.Client, node: str, since: datetime) -> bool:
    """Whether a node's kubelet reports Ready and has said so since it was started.

    Until its lease runs out, a node looks Ready although its kubelet is gone.
    """
    found = get(api, f"/api/v1/nodes/{node}")
    conditions = found["status"].get("conditions", []) if found else []
    return any(
        c["type"] == "Ready"
        and c["status"] == "True"
        and datetime.fromisoformat(c["lastHeartbeatTime"]) >= since
        for c in conditions
    )
