"""TaskInstances and EnvBuilds as the API returns them, for the commands that only read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

KubernetesObject = Mapping[str, Any]


def status_of(body: KubernetesObject) -> Mapping[str, Any]:
    """The status; empty before the operator has written one."""
    return body.get("status") or {}


def namespaced_name(body: KubernetesObject) -> tuple[str, str]:
    """Namespace and name, by which lists of objects are sorted."""
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def parse_time(text: str) -> datetime:
    """Time of an ISO 8601 text; UTC where it names no time zone."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
