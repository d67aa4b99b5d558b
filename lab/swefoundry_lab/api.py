"""Client for the lab's requests to the API server."""

import ssl
from datetime import datetime
from typing import Any

import httpx

from swefoundry_lab.layout import Lab


def connect(lab: Lab) -> httpx.Client:
    """A client with the admin certificate."""
    context = ssl.create_default_context(cafile=str(lab.pki / "ca.crt"))
    context.load_cert_chain(lab.pki / "admin.crt", lab.pki / "admin.key")
    return httpx.Client(
        base_url=f"https://127.0.0.1:{lab.ports.api}", verify=context, timeout=5, trust_env=False
    )


def is_ready(api: httpx.Client) -> bool:
    """Whether the API server reports that it is ready."""
    return get(api, "/readyz") is not None


def get(api: httpx.Client, path: str) -> Any:
    """An object, or None when it does not exist or the server does not answer."""
    try:
        response = api.get(path)
    except httpx.TransportError:
        return None
    if response.status_code != httpx.codes.OK:
        return None
    return (
        response.json() if response.headers["content-type"].startswith("application/json") else response.text
    )


def node_names(api: httpx.Client) -> list[str]:
    """Names of all Node objects."""
    return [item["metadata"]["name"] for item in get(api, "/api/v1/nodes")["items"]]


def is_node_ready(api: httpx.Client, node: str, since: datetime) -> bool:
    """Whether a node is Ready with a heartbeat since its kubelet was started.

    A node without a kubelet remains Ready until its lease expires.
    """
    body = get(api, f"/api/v1/nodes/{node}")
    conditions = body["status"].get("conditions", []) if body else []
    return any(
        c["type"] == "Ready"
        and c["status"] == "True"
        and datetime.fromisoformat(c["lastHeartbeatTime"]) >= since
        for c in conditions
    )
