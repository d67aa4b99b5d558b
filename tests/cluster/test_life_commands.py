"""Commands for life with a cluster: `doctor --pods`, `open` and `gc`, as a user types them."""

import json
import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from cluster.commands import REGISTRY, environment, kubectl, path_of, swefoundry
from cluster.sample_instances import (
    NAMESPACE,
    Json,
    a_task,
    apply,
    delete,
    make_shell_repository,
    unique,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

DOCTOR_PODS = "app.kubernetes.io/component=doctor"
OPEN_PODS = "app.kubernetes.io/component=open"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line with kubectl on its PATH, as a user has it."""
    folder = os.path.dirname(path_of("kubectl"))
    variables = environment() | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [path_of("swefoundry"), *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env=variables,
        stdin=subprocess.DEVNULL,
    )


def leftover_pods(selector: str) -> list[str]:
    """Pods that nobody has deleted; one that is being deleted may still end."""
    pods = json.loads(kubectl("get", "pods", "-n", NAMESPACE, "-l", selector, "-o", "json"))["items"]
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def doctor_report() -> dict[str, Json]:
    """The report with pods; other tests restart the operator, whose settings it needs."""
    for _ in range(10):
        command = ("doctor", "--pods", "-n", NAMESPACE, "-o", "json", *REGISTRY)
        lines: list[Json] = json.loads(swefoundry(*command, may_fail=True))
        report = {line["check"]: line for line in lines}
        if "pods" not in report:
            return report
        time.sleep(10)
    raise AssertionError(f"no operator was found: {report}")


def test_doctor_measures_what_pods_reach_and_leaves_no_pod() -> None:
    report = doctor_report()
    assert [report[check]["level"] for check in ("registry from pods", "isolation of tests", "pulls")] == [
        "ok"
    ] * 3, report
    assert report["isolation of tests"]["found"].startswith("not reached: 10.")
    # Other images of the lab are made when tests of their languages need them.
    assert "python:3.11-slim does not exist" not in report["base images"]["found"]
    assert "swefoundry-scripted-model" in report["model endpoint"]["found"]
    assert leftover_pods(DOCTOR_PODS) == []


@pytest.fixture(scope="module")
def finished() -> Iterator[str]:
    """An instance with a verdict."""
    name = unique("opened")
    apply(a_task(name, make_shell_repository(name)))
    assert wait_until_finished(name)["verdict"] == "fail2pass"
    yield name
    delete(name)


def test_open_runs_a_command_in_the_tree_with_and_without_the_fix(finished: str) -> None:
    script = "pwd; cat answer.sh; sh check.sh; echo ended with $?; exit 7"
    trees = {}
    for stage in ("before", "after"):
        done = run("open", finished, "--stage", stage, "-n", NAMESPACE, *REGISTRY, "--", "sh", "-c", script)
        assert done.returncode == 7, done.stdout + done.stderr
        trees[stage] = done.stdout.splitlines()
    assert trees == {
        "before": ["/testbed", "echo 41", "ended with 1"],
        "after": ["/testbed", "echo 42", "ended with 0"],
    }
    assert leftover_pods(f"{OPEN_PODS},swefoundry.dev/owner={finished}") == []


def leftovers(repo: str, *options: str) -> set[str]:
    """Kinds of what nothing needs any more in the registry's repository."""
    report = json.loads(swefoundry("gc", f"lab/{repo}", "-o", "json", *REGISTRY, *options))
    assert report["busy"] == []
    return {each["kind"] for each in report["manifests"]}


def test_gc_deletes_what_a_deleted_instance_left_and_keeps_what_the_next_one_reuses() -> None:
    first, second = unique("collected"), unique("collected")
    repository = make_shell_repository(first)
    apply(a_task(first, repository))
    assert wait_until_finished(first)["verdict"] == "fail2pass"
    while_it_lives = leftovers(first)
    delete(first)
    deleted = leftovers(first, "--delete")
    left = {"build-log", "build cache", "intake"}
    assert (while_it_lives, deleted, leftovers(first)) == (set(), left, set())
    apply(a_task(second, repository, repo=f"lab/{first}", environment={"strategies": ["reuse"]}))
    assert wait_until_finished(second)["verdict"] == "fail2pass"
    delete(second)
