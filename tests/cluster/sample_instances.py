"""Builders for small git repositories with a bug, its fix and its tests, and for TaskInstances of them."""

import json
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cluster.commands import LAB, kubectl

NAMESPACE = "swefoundry"
GIT = "http://git.lab:8418"
TINY_DOCKERFILE = "FROM busybox:stable\nCOPY . /testbed\nWORKDIR /testbed\n"
"""A minimal environment, for tests that are shell scripts."""

TIMEOUT_SECONDS = 900
"""Time limit of all waits. It is long because the machine may be slow; only a failing test needs all of it."""

Json = dict[str, Any]
A_SHARE: Json = {"requests": {"cpu": "50m"}}
"""Resources of a container that a test creates itself: without a request, pods get no time while others compute."""

Files = Mapping[str, str | bytes | Callable[[Path], object] | None]
"""Path -> content; None deletes the file, a function creates anything but a regular file."""


@dataclass(frozen=True)
class SampleRepository:
    """URL and commit of a repository, with its test patch and gold patch."""

    url: str
    commit: str
    test_patch: str
    gold_patch: str


def make_repository(
    name: str, files: Files, tests: Files, fix: Files, private: bool = False
) -> SampleRepository:
    """Commit ``files`` to a new repository on the lab's git server and create the two patches."""
    path = f"private/{name}.git" if private else f"{name}.git"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        git(tree, "init", "-q", ".")
        write(tree, files)
        commit = commit_all(tree, "first")
        git(tree, "tag", "v1.0")
        served = LAB / "git" / path
        served.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["rm", "-rf", served], check=True)
        git(tree, "clone", "-q", "--bare", ".", str(served))
        write(tree, tests)
        commit_all(tree, "tests")
        write(tree, fix)
        commit_all(tree, "fix")
        return SampleRepository(
            url=f"{GIT}/{path}",
            commit=commit,
            test_patch=git(tree, "diff", "--binary", "HEAD~2", "HEAD~1"),
            gold_patch=git(tree, "diff", "--binary", "HEAD~1", "HEAD"),
        )


def git(tree: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "core.autocrlf=false"]
    result = subprocess.run(["git", *settings, *arguments], cwd=tree, check=True, capture_output=True)
    return result.stdout.decode()


def write(tree: Path, files: Files) -> None:
    for name, content in files.items():
        path = tree / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit_all(tree: Path, message: str) -> str:
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", message)
    return git(tree, "rev-parse", "HEAD").strip()


SHELL_BUG = {"answer.sh": "echo 41\n"}
SHELL_TESTS = {"check.sh": '[ "$(sh answer.sh)" = 42 ]\n'}
SHELL_FIX = {"answer.sh": "echo 42\n"}


def make_shell_repository(name: str, **changes: Any) -> SampleRepository:
    """A minimal repository that is fail2pass with `sh check.sh`."""
    parts = {"files": SHELL_BUG, "tests": SHELL_TESTS, "fix": SHELL_FIX} | changes
    return make_repository(name, **parts)


def unique(name: str) -> str:
    """The name with a random suffix, so that no two runs share an instance or a repository."""
    return f"{name}-{uuid.uuid4().hex[:6]}"


def a_task(
    name: str,
    repository: SampleRepository,
    command: str = "sh check.sh",
    namespace: str = NAMESPACE,
    **spec: Any,
) -> Json:
    """A TaskInstance with a fixed draft; ``spec`` replaces fields of its spec."""
    # dash ends with 2 when the script does not exist.
    draft = {"dockerfile": TINY_DOCKERFILE, "testCommand": command, "errorExitCodes": [2, 3]}
    defaults = {
        "instanceId": name,
        "repo": f"lab/{name}",
        "baseCommit": repository.commit,
        "source": {"git": {"url": repository.url}},
        "goldPatch": {"inline": repository.gold_patch},
        "testPatch": {"inline": repository.test_patch},
        "environment": {"draft": draft},
        "validation": {
            "timeoutSeconds": 60,
            "resources": {"cpu": "50m", "memory": "256Mi", "ephemeralStorage": "1Gi"},
        },
    }
    return {
        "apiVersion": "swefoundry.dev/v1alpha1",
        "kind": "TaskInstance",
        "metadata": {"name": name, "namespace": namespace},
        "spec": defaults | spec,
    }


def apply(*manifests: Json) -> None:
    body = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))


def get(kind: str, name: str, namespace: str = NAMESPACE) -> Json:
    output = kubectl("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
    return json.loads(output) if output.strip() else {}


def pods_of(name: str, namespace: str = NAMESPACE) -> list[Json]:
    selector = f"swefoundry.dev/owner={name}"
    return list(json.loads(kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "json"))["items"])


def delete(*names: str, namespace: str = NAMESPACE) -> None:
    kubectl("delete", "ti", *names, "-n", namespace, "--ignore-not-found", "--wait=false")


def wait_until_finished(
    name: str, seconds: float = TIMEOUT_SECONDS, namespace: str = NAMESPACE, kind: Literal["ti", "eb"] = "ti"
) -> Json:
    """Wait until the object is finished; return its status."""

    def read_status() -> Json:
        finished = "--for=jsonpath={.status.finishedAt}"  # fails while the API server is down
        kubectl("wait", finished, f"{kind}/{name}", "-n", namespace, "--timeout=60s", may_fail=True)
        return dict(get(kind, name, namespace).get("status", {}))

    return dict(wait_until(read_status, lambda status: "finishedAt" in status, seconds))


def wait_until(
    read: Callable[[], Any], accept: Callable[[Any], bool], seconds: float = TIMEOUT_SECONDS
) -> Any:
    """Call `read` until `accept` is true for its value; return that value."""
    limit = time.monotonic() + seconds
    while True:
        value = read()
        if accept(value):
            return value
        assert time.monotonic() < limit, (
            f"not reached within {seconds} s: {json.dumps(value, default=str)[:3000]}"
        )
        time.sleep(0.5)


def condition(status: Json, kind: str) -> Json:
    return next((item for item in status.get("conditions", []) if item["type"] == kind), {})


def verdict_of(status: Json) -> tuple[str, str | None, str]:
    """Phase, verdict and the reason of Ready."""
    return status["phase"], status.get("verdict"), condition(status, "Ready")["reason"]


def matrix_exit_codes(status: Json) -> dict[str, int | None]:
    """Canonical exit codes of the matrix, by stage."""
    return {item["stage"]: item.get("code") for item in status.get("evaluations", [])}
