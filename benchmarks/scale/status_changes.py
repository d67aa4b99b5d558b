"""What each status write of an object changed, from its watch events."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

RESULTS = ("prepared", "evaluations", "controls", "rounds", "image", "verdict")
"""Fields of results; ``running`` and conditions follow from them."""


@dataclass
class StatusChanges:
    """Status writes of one kind, by the most important thing that each changed."""

    counts: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, Json] = field(default_factory=dict)
    """Last status by UID."""

    def observe(self, event: Json) -> None:
        """Count one watch event."""
        body = event["object"]
        uid, status = body["metadata"]["uid"], body.get("status", {})
        before = self._seen.get(uid, {})
        self._seen[uid] = status
        if event["type"] == "DELETED":
            del self._seen[uid]
        elif status != before:
            self.counts[changed(before, status)] += 1

    def per_instance(self, size: int) -> dict[str, float]:
        """Writes per instance, the most frequent first."""
        return {name: round(count / size, 2) for name, count in self.counts.most_common()}


def changed(before: Json, after: Json) -> str:
    """The phases when they differ, else the results, else the pods that run, else the reason or message."""
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if "phase" in names:
        return f"phase {before.get('phase', 'none')} -> {after.get('phase', 'none')}"
    if results := [name for name in RESULTS if name in names]:
        return ", ".join(results)
    if "running" in names:
        started = len(after.get("running", [])) > len(before.get("running", []))
        return "running: started" if started else "running: other"
    if "conditions" in names:
        return "reason" if _ready(before, "reason") != _ready(after, "reason") else "message"
    return ", ".join(sorted(names))


def _ready(status: Json, name: str) -> str:
    found = [item.get(name, "") for item in status.get("conditions", []) if item["type"] == "Ready"]
    return str(found[0]) if found else ""
