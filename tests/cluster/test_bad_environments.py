"""Environments that cannot be built, and EnvBuilds without a TaskInstance: each outcome has a reason and a message."""

from collections.abc import Iterator

import pytest

from cluster.commands import kubectl
from cluster.sample_instances import (
    NAMESPACE,
    SHELL_BUG,
    SHELL_FIX,
    Json,
    a_task,
    apply,
    condition,
    delete,
    get,
    make_repository,
    make_shell_repository,
    pods_of,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

BASE = "FROM busybox:stable\n"
COPY = "COPY . /testbed\n"

DOCKERFILES = {
    "no-from": "RUN true\n",
    "unknown-instruction": BASE + "INSTALL make\n",
    "bad-copy": BASE + COPY + "COPY missing.txt /x\n",
    "clones": BASE + COPY + "RUN git clone https://example.org/owner/name /testbed\n",
    "base-missing": "FROM busybox:no-such-tag\n" + COPY,
    "step-fails": BASE
    + COPY
    + "RUN echo looking for libfoo && echo 'error: libfoo is not there' && exit 3\n",
    "no-shell": "FROM scratch\n" + COPY,
}

TAP = "echo 1..2; echo ok 1 - adds; echo not ok 2 - divides; exit 1\n"


def an_env_build(name: str, command: str) -> Json:
    """An EnvBuild that a user creates: a source and a draft, without patches."""
    repository = make_shell_repository(name, files=SHELL_BUG | {"run.sh": TAP})
    return {
        "apiVersion": "swefoundry.dev/v1alpha1",
        "kind": "EnvBuild",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "repo": f"lab/{name}",
            "baseCommit": repository.commit,
            "source": {"git": {"url": repository.url}},
            "environment": {
                "draft": {
                    "dockerfile": BASE + COPY + "WORKDIR /testbed\n",
                    "testCommand": command,
                    "reports": ["*.tap"],
                }
            },
            "validation": {"resources": {"cpu": "50m", "memory": "64Mi", "ephemeralStorage": "1Gi"}},
        },
    }


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, str]]:
    """Names of all objects, which are processed at the same time; each test waits for its own."""
    env_builds = ("reports", "reports-nothing")
    names_by_case = {case: unique(case) for case in (*DOCKERFILES, "no-recipe", *env_builds)}
    tests = {"check.sh": "exit 1\n"}
    apply(
        *(
            a_task(
                names_by_case[case],
                make_shell_repository(names_by_case[case]),
                environment={"draft": draft(dockerfile)},
            )
            for case, dockerfile in DOCKERFILES.items()
        ),
        a_task(
            names_by_case["no-recipe"],
            make_repository(names_by_case["no-recipe"], {"main.f90": "end\n"}, tests, SHELL_FIX),
            environment={},
        ),
        an_env_build(names_by_case["reports"], "sh run.sh > result.tap"),
        an_env_build(names_by_case["reports-nothing"], "true"),
    )
    yield names_by_case
    delete(*names_by_case.values())
    kubectl(
        "delete",
        "eb",
        *(names_by_case[case] for case in env_builds),
        "-n",
        NAMESPACE,
        "--wait=false",
        "--ignore-not-found",
    )


def draft(dockerfile: str) -> Json:
    return {"dockerfile": dockerfile, "testCommand": "sh check.sh"}


@pytest.mark.parametrize(
    ("case", "outcome", "text"),
    [
        ("no-from", "PolicyRefused", "FROM"),
        ("unknown-instruction", "PolicyRefused", "Line 2: INSTALL is not a Dockerfile instruction"),
        ("bad-copy", "DockerfileInvalid", "missing.txt"),
        ("clones", "PolicyRefused", "PolicyRefused: Line 3: `git clone` fetches a repository"),
        ("base-missing", "BaseImageMissing", "busybox:no-such-tag"),
        (
            "step-fails",
            "StepFailed",
            "failed with exit code 3. | looking for libfoo | error: libfoo is not there",
        ),
        ("no-shell", "NotRunnable", "/bin/sh"),
    ],
)
def test_a_draft_that_gives_no_environment_ends_with_its_outcome(names, case, outcome, text):
    status = wait_until_finished(names[case])
    message = condition(status, "Ready")["message"]
    assert verdict_of(status) == ("Failed", None, "EnvironmentNotBuilt"), message
    assert f"the last: {outcome}: " in message
    assert text in message
    [round_] = get("eb", names[case])["status"]["rounds"]
    assert round_["outcome"] == outcome


def test_the_error_lines_of_a_failed_step_are_in_its_round(names):
    wait_until_finished(names["step-fails"])
    [round_] = get("eb", names["step-fails"])["status"]["rounds"]
    assert round_["message"].splitlines()[1:] == ["looking for libfoo", "error: libfoo is not there"]
    assert round_["evidence"].startswith("sha256:")


def test_a_language_without_recipes_asks_for_a_draft(names):
    status = wait_until_finished(names["no-recipe"])
    assert verdict_of(status) == ("Failed", None, "EnvironmentNotBuilt")
    assert "set spec.environment.draft" in condition(status, "Ready")["message"]


def test_an_env_build_without_patches_is_accepted_when_its_tests_report(names):
    status = wait_until_finished(names["reports"], kind="eb")
    assert (status["phase"], status["acceptedOn"], condition(status, "Ready")["status"]) == (
        "Ready",
        "tests-ran",
        "True",
    )
    [round_] = status["rounds"]
    assert [(probe["stage"], probe["tests"], probe["failed"]) for probe in round_["probes"]] == [
        ("base", 2, 1)
    ]
    assert status["image"].startswith("sha256:")
    wait_until(
        lambda: pods_of(names["reports"]), lambda pods: not pods
    )  # deleted just after the status is written


def test_an_env_build_without_patches_is_refused_when_its_tests_report_nothing(names):
    status = wait_until_finished(names["reports-nothing"], kind="eb")
    assert (status["phase"], condition(status, "Stalled")["reason"]) == ("Failed", "DraftsExhausted")
    assert "NoResult" in condition(status, "Ready")["message"]
