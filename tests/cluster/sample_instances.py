"""Small real git repositories with a bug, its fix and its tests, served to the cluster; and TaskInstances
made of them.
"""

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
"""The smallest environment: the tests are shell scripts."""

TIMEOUT_SECONDS = 900
"""Seconds until a test gives up. Generous: only what is wrong takes so long, and the machine may be slow or busy."""

Json = dict[str, Any]
Files = Mapping[str, str | bytes | Callable[[Path], object] | None]
"""Path -> content; None deletes, a function makes what is no plain file."""


@dataclass(frozen=True)
class SampleRepository:
    """A repository at a commit, the hidden tests and the fix."""

    url: str
    commit: str
    test_patch: str
    gold_patch: str


def make_repository(
    name: str, files: Files, tests: Files, fix: Files, private: bool = False
) -> SampleRepository:
    """Commit ``files`` to a new repository on the lab's git server and make the two patches."""
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
    who = ["-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "core.autocrlf=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=tree, check=True, capture_output=True)
    return done.stdout.decode()


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
    """The smallest story that is fail2pass with `sh check.sh`."""
    told = {"files": SHELL_BUG, "tests": SHELL_TESTS, "fix": SHELL_FIX} | changes
    return make_repository(name, **told)


def unique(name: str) -> str:
    """A name that no earlier run has used: an instance of its own, a repository of its own in the registry."""
    return f"{name}-{uuid.uuid4().hex[:6]}"


def a_task(
    name: str, story: SampleRepository, command: str = "sh check.sh", namespace: str = NAMESPACE, **spec: Any
) -> Json:
    """A TaskInstance with a fixed draft; ``spec`` overrides any field."""
    draft = {"dockerfile": TINY_DOCKERFILE, "testCommand": command}
    wanted = {
        "instanceId": name,
        "repo": f"lab/{name}",
        "baseCommit": story.commit,
        "source": {"git": {"url": story.url}},
        "goldPatch": {"inline": story.gold_patch},
        "testPatch": {"inline": story.test_patch},
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
        "spec": wanted | spec,
    }


def apply(*manifests: Json) -> None:
    body = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))


def get(kind: str, name: str, namespace: str = NAMESPACE) -> Json:
    found = kubectl("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
    return json.loads(found) if found.strip() else {}


def pods_of(name: str, namespace: str = NAMESPACE) -> list[Json]:
    selector = f"swefoundry.dev/owner={name}"
    return list(json.loads(kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "json"))["items"])


def delete(*names: str, namespace: str = NAMESPACE) -> None:
    kubectl("delete", "ti", *names, "-n", namespace, "--ignore-not-found", "--wait=false")


def wait_until_finished(
    name: str, seconds: float = TIMEOUT_SECONDS, namespace: str = NAMESPACE, kind: Literal["ti", "eb"] = "ti"
) -> Json:
    """The status once work has ended; the assertion shows how far it came."""

    def look() -> Json:
        ended = "--for=jsonpath={.status.finishedAt}"  # fails when the API server goes away meanwhile
        kubectl("wait", ended, f"{kind}/{name}", "-n", namespace, "--timeout=60s", fails=True)
        return dict(get(kind, name, namespace).get("status", {}))

    return dict(wait_until(look, lambda status: "finishedAt" in status, seconds))


def wait_until(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = TIMEOUT_SECONDS) -> Any:
    """Look until it is good."""
    limit = time.monotonic() + seconds
    while True:
        found = look()
        if good(found):
            return found
        assert time.monotonic() < limit, f"not so within {seconds} s: {json.dumps(found, default=str)[:3000]}"
        time.sleep(0.5)


def condition(status: Json, kind: str) -> Json:
    return next((item for item in status.get("conditions", []) if item["type"] == kind), {})


def verdict_of(status: Json) -> tuple[str, str | None, str]:
    """Phase, verdict and the reason of Ready."""
    return status["phase"], status.get("verdict"), condition(status, "Ready")["reason"]


def matrix_exit_codes(status: Json) -> dict[str, int | None]:
    """Canonical exit codes of the matrix."""
    return {item["stage"]: item.get("code") for item in status.get("evaluations", [])}
