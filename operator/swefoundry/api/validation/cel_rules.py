"""Python equivalents of the CRD's CEL rules, for offline lint, and the fix suggested per field.

The API server evaluates the CEL rule; lint evaluates the Python function. A test compares the two on a real API server.
"""

import re
from collections.abc import Callable

from swefoundry.contracts.pod_template import RESERVED_PREFIXES
from swefoundry.contracts.wire import JsonObject

PASSWORD = re.compile(r"https?://[^/@]*:[^/@]*@")


def _exactly_one_of(*names: str) -> Callable[[JsonObject], bool]:
    return lambda node: sum(name in node for name in names) == 1


def _no_password(node: JsonObject) -> bool:
    return not PASSWORD.match(str(node.get("url", "")))


def _fixed_has_a_draft(node: JsonObject) -> bool:
    return "fixed" not in node.get("strategies", []) or "draft" in node


def _draft_is_used(node: JsonObject) -> bool:
    strategies = node.get("strategies", [])
    return "draft" not in node or not strategies or "fixed" in strategies


def _parent_is_used(node: JsonObject) -> bool:
    strategies = node.get("strategies", [])
    return "parentRef" not in node or not strategies or "reuse" in strategies


def _task_commit(spec: JsonObject) -> bool:
    return "baseCommit" in spec or ("source" in spec and "git" not in spec["source"])


def _build_commit(spec: JsonObject) -> bool:
    return "baseCommit" in spec or "git" not in spec.get("source", {})


def _repeats_are_in_order(node: JsonObject) -> bool:
    least, most = node.get("minRepeats", 1), node.get("repeats", 5)
    if not (isinstance(least, int) and isinstance(most, int)):
        return True  # reported by the schema
    return least <= most or most < 1 or least > 20


def _both_layers(node: JsonObject) -> bool:
    return {"before", "after"} <= set(node.get("layers", {}))


def _no_reserved_key(field: str) -> Callable[[JsonObject], bool]:
    return lambda node: not any(str(key).startswith(RESERVED_PREFIXES) for key in node.get(field) or {})


PYTHON_EQUIVALENTS: dict[str, Callable[[JsonObject], bool]] = {
    "[has(self.git), has(self.archive), has(self.artifact)].filter(x, x).size() == 1": _exactly_one_of(
        "git", "archive", "artifact"
    ),
    "[has(self.inline), has(self.configMapRef), has(self.artifact)].filter(x, x).size() == 1": (
        _exactly_one_of("inline", "configMapRef", "artifact")
    ),
    "has(self.inline) != has(self.configMapRef)": _exactly_one_of("inline", "configMapRef"),
    "!self.url.matches('^https?://[^/@]*:[^/@]*@')": _no_password,
    "!has(self.strategies) || !('fixed' in self.strategies) || has(self.draft)": _fixed_has_a_draft,
    "!has(self.draft) || !has(self.strategies) || self.strategies == [] || "
    "'fixed' in self.strategies": _draft_is_used,
    "!has(self.parentRef) || !has(self.strategies) || self.strategies == [] || "
    "'reuse' in self.strategies": _parent_is_used,
    "has(self.baseCommit) || (has(self.source) && !has(self.source.git))": _task_commit,
    "has(self.baseCommit) || !has(self.source.git)": _build_commit,
    "!has(self.minRepeats) || !has(self.repeats) || self.minRepeats <= self.repeats": _repeats_are_in_order,
    "has(self.layers.before) && has(self.layers.after)": _both_layers,
    "!has(self.labels) || self.labels.all(key, !(key.startsWith('app.kubernetes.io/') || "
    "key.startsWith('swefoundry.dev/')))": _no_reserved_key("labels"),
    "!has(self.annotations) || self.annotations.all(key, !(key.startsWith('app.kubernetes.io/') || "
    "key.startsWith('swefoundry.dev/')))": _no_reserved_key("annotations"),
}

FIX_BY_FIELD = {
    "instanceId": "Write letters, digits, '.', '_' and '-', such as pallets__click-2622.",
    "repo": "Write owner/name, such as pallets/click.",
    "baseCommit": "Write the full commit id in quotes: 40 (or 64) lower-case hexadecimal digits.",
    "url": "Write an http:// or https:// URL.",
    "sha256": "Write the 64 lower-case hexadecimal digits that `sha256sum` prints.",
    "digest": "Write sha256: and 64 lower-case hexadecimal digits.",
    "artifact": "Write sha256: and 64 lower-case hexadecimal digits.",
    "diffId": "Write sha256: and 64 lower-case hexadecimal digits.",
    "createdAt": "Write a time with its zone, such as 2023-06-01T00:00:00Z.",
    "version": 'Write it in quotes, without spaces, such as "8.1".',
    "language": "Write lower case, such as python.",
    "cpu": 'Write it in quotes, such as "2", "0.5" or 500m.',
    "memory": "Write a number and its unit, such as 2Gi.",
    "ephemeralStorage": "Write a number and its unit, such as 4Gi.",
    "goldPatch": "Write one of inline, configMapRef and artifact below it.",
    "testPatch": "Write one of inline, configMapRef and artifact below it.",
    "problemStatement": "Write one of inline and configMapRef below it.",
    "timeoutSeconds": "Write a whole number of seconds.",
    "reports": "Write globs relative to /testbed, such as junit.xml.",
    "aptPackages": "Write names of Debian packages, such as libxml2-dev.",
    "baseImage": "Write an image name, such as python:3.11-slim.",
    "key": "Write letters, digits, '.', '_' and '-'.",
    "llmUsd": 'Write dollars in quotes, with at most six decimals, such as "0.50".',
    "minRepeats": "Write a number from 1 to that of repeats.",
    "name": "Write lower-case letters, digits, '-' and '.'.",
}
"""By field name: what to write instead."""
