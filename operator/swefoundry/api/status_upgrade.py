"""EnvBuild statuses of the release before: read for one release, and rewritten by the first reconcile.

The deprecated fields stay in the schema so long: the API server removes fields that no schema names, before anybody can
read them.
"""

from collections.abc import Mapping
from typing import Any

AGENT_FIELDS = {"asked": "draftsRequested", "rung": "modelIndex", "ended": "endReason"}
"""Of `status.agents`: former name and name."""

STATUS_FIELDS = {"remembered": "environmentRecord"}
"""Of `status`."""


def is_outdated(status: Mapping[str, Any]) -> bool:
    """Whether a stored status has a former field, or counts its rounds from 0."""
    agents = status.get("agents") or {}
    renamed = any(name in agents for name in AGENT_FIELDS) or any(name in status for name in STATUS_FIELDS)
    return renamed or _counts_from_zero(status)


def upgraded(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status with today's field names, and rounds that count from 1."""
    if not is_outdated(status):
        return dict(status)
    first = int(_counts_from_zero(status))
    result = _renamed(status, STATUS_FIELDS)
    if status.get("rounds"):
        result["rounds"] = [item | {"number": item["number"] + first} for item in status["rounds"]]
    if status.get("agents"):
        agents = _renamed(status["agents"], AGENT_FIELDS)
        if agents.get("drafting") is not None:
            agents["drafting"] += first
        result["agents"] = agents
    return result


def _counts_from_zero(status: Mapping[str, Any]) -> bool:
    """By the first round; before it, by a former name: `asked` was written with the first request."""
    rounds = status.get("rounds")
    if rounds:
        return isinstance(rounds[0], Mapping) and rounds[0].get("number") == 0
    agents = status.get("agents")
    return isinstance(agents, Mapping) and "asked" in agents


def _renamed(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    result = {name: value for name, value in fields.items() if name not in names}
    for former, name in names.items():
        if former in fields:
            result.setdefault(name, fields[former])
    return result
