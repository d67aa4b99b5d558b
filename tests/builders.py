"""Objects for tests: builders that state only what matters."""

from datetime import UTC, datetime
from typing import Any

from swefoundry.api import labels
from swefoundry.api.resource import EnvBuild, TaskInstance, parse_env_build, parse_task_instance
from swefoundry.contracts.stages import Stage
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.lifecycle import Queued
from swefoundry.workloads.place_requests import QueuePosition
from swefoundry.workloads.pod_snapshot import PodSnapshot, read_snapshot

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
NONCE = "0123456789abcdef0123456789abcdef"
Json = dict[str, Any]


def digest(letter: str) -> str:
    """A digest that is easy to tell from another."""
    return "sha256:" + letter * 64


def a_layer(letter: str = "e") -> Json:
    """A layer of a stage."""
    return {"digest": digest(letter), "size": 100, "diffId": digest(letter)}


LAYERS = {stage.value: a_layer(letter) for stage, letter in zip(Stage, "123", strict=True)}
PREPARED = {"source": digest("a"), "layers": LAYERS, "facts": digest("f"), "testFiles": 1}
IMAGE = {"name": "registry/task:one", "digest": digest("b")}


def a_queued(work: str, number: int = 12, waiting: int = 340, unplaced: bool = False) -> Queued:
    """Work that waits for a place."""
    parsed = Work.parse(work)
    return Queued(parsed, QueuePosition(number, waiting, parsed.role, unplaced))


def a_task(status: Json | None = None, **spec: Any) -> TaskInstance:
    """A TaskInstance."""
    return parse_task_instance(task_body(status, **spec))


def task_body(status: Json | None = None, **spec: Any) -> Json:
    """A TaskInstance as the API gives it."""
    defaults = {
        "instanceId": "owner__name-1",
        "repo": "owner/name",
        "baseCommit": "1" * 40,
        "goldPatch": {"inline": "gold"},
        "testPatch": {"inline": "tests"},
    }
    return {
        "apiVersion": labels.API_VERSION,
        "kind": "TaskInstance",
        "metadata": _meta("task-one", "uid-of-task"),
        "spec": defaults | spec,
        "status": status or {},
    }


def a_build(status: Json | None = None, **spec: Any) -> EnvBuild:
    """An EnvBuild made for a TaskInstance."""
    defaults = {
        "repo": "owner/name",
        "source": {"artifact": {"digest": digest("a")}},
        "facts": digest("f"),
        "acceptance": {"layers": LAYERS},
    }
    body = {
        "apiVersion": labels.API_VERSION,
        "kind": "EnvBuild",
        "metadata": _meta("task-one", "uid-of-build"),
        "spec": defaults | spec,
        "status": status or {},
    }
    return parse_env_build(body)


def a_pod(work: str = "before-0", attempt: int = 0, status: Json | None = None, **meta: Any) -> PodSnapshot:
    """A task pod."""
    return read_snapshot(pod_body(work, attempt, status, **meta))


def pod_body(work: str = "before-0", attempt: int = 0, status: Json | None = None, **meta: Any) -> Json:
    """A task pod as the API gives it."""
    own = _meta(f"pod-{work}-{attempt}", f"uid-of-{work}-{attempt}")
    own["labels"] = {labels.WORK: work, labels.ATTEMPT: str(attempt), labels.ROLE: "evaluation"}
    own["annotations"] = {labels.NONCE: NONCE}
    own["finalizers"] = [labels.FINALIZER]
    return {"kind": "Pod", "metadata": own | meta, "spec": {"nodeName": "node-1"}, "status": status or {}}


def terminated(exit_code: int, message: str = "", reason: str = "Error") -> Json:
    """Pod status with a container that ended."""
    state = {
        "exitCode": exit_code,
        "reason": reason,
        "message": message,
        "startedAt": "2026-01-01T11:59:00Z",
        "finishedAt": "2026-01-01T11:59:30Z",
    }
    return {"phase": "Running", "containerStatuses": [{"state": {"terminated": state}}]}


def waiting(reason: str, message: str = "") -> Json:
    """Pod status with a container that waits."""
    state = {"reason": reason, "message": message}
    return {"phase": "Pending", "containerStatuses": [{"state": {"waiting": state}}]}


def _meta(name: str, uid: str) -> Json:
    return {
        "name": name,
        "namespace": "here",
        "uid": uid,
        "generation": 1,
        "resourceVersion": "10",
        "creationTimestamp": "2026-01-01T11:58:00Z",
    }
