"""TaskInstances as the API gives them, for the commands that only read."""

from typing import Any

from unit.cli.dataset_rows import PATCH, TEST_PATCH

Json = dict[str, Any]


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def condition(kind: str, status: str, reason: str, message: str) -> Json:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T12:00:00Z",
    }


def task(name: str = "octo--calc-7", status: Json | None = None, **spec: Any) -> Json:
    defaults = {
        "instanceId": name.replace("--", "__"),
        "repo": "octo/calc",
        "baseCommit": "a" * 40,
        "goldPatch": {"inline": PATCH},
        "testPatch": {"inline": TEST_PATCH},
    }
    return {
        "apiVersion": "swefoundry.dev/v1alpha1",
        "kind": "TaskInstance",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "creationTimestamp": "2026-01-01T12:00:00Z",
        },
        "spec": defaults | spec,
        "status": status or {},
    }


def finished_status(phase: str, verdict: str | None, reason: str, message: str, **more: Any) -> Json:
    kind = "Stalled" if phase == "Failed" else "Validated"
    status: Json = {
        "phase": phase,
        "conditions": [condition(kind, "True", reason, message)],
        "duration": "2m3s",
    }
    return status | ({"verdict": verdict} if verdict else {}) | more


def validated_status(**more: Any) -> Json:
    tests = {"failToPass": 1, "passToPass": 2}
    message = "the tests fail before the fix and pass after it"
    return finished_status("Validated", "fail2pass", "Fail2Pass", message, tests=tests, **more)
