"""Retries by annotation, through both real reconcilers in a simulated cluster."""

from datetime import timedelta

import pytest

from builders import NOW, a_pod
from simulated.kubelet import INDEX_DOWN, Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import SETTINGS, Crash, Simulation
from swefoundry.api import labels
from swefoundry.api.taskinstance import TaskInstanceStatus
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.controllers.status import restart
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import FailAttempt, RetryAttempt, StartPod, WorkState, next_move

TASK = ("taskinstances", "here", "task-one")
IMPATIENT = SETTINGS.model_copy(update={"max_outage_retries": 1, "max_infra_retries": 1})
LOST = "killed without a record"


def simulate(server, proxy, seeded, faults, **fields):
    """A cluster in which a task fails, and a user who retries it then."""
    server.create("taskinstances", "here", manifest())
    simulation = Simulation(
        server, proxy, Kubelet(server, ScriptedPods(seeded), faults=faults), settings=IMPATIENT, **fields
    )
    simulation.user_actions = [(lambda: phase(server) == "Failed", lambda: annotate(server, "once"))]
    return simulation


def phase(server):
    return server.one("taskinstances")["status"].get("phase")


def annotate(server, value):
    server.patch(TASK, {"metadata": {"annotations": {labels.RETRY: value}}})


def attempts(server, kind):
    """Work and attempt of every pod that an object of the kind got."""
    pods = (body["metadata"] for body in server.created if body["kind"] == "Pod")
    return [
        f"{meta['labels'][labels.WORK]}/{meta['labels'][labels.ATTEMPT]}"
        for meta in pods
        if meta["labels"][labels.OWNER_KIND] == kind
    ]


async def test_an_intake_that_failed_starts_again_with_new_attempts(server, proxy, seeded):
    simulation = simulate(server, proxy, seeded, {"intake": [LOST, LOST, LOST]})
    await simulation.run()
    status = server.one("taskinstances")["status"]
    assert (status["verdict"], status["retried"], status["firstAttempt"]) == ("fail2pass", "once", 2)
    assert status.get("note") is None
    assert [item for item in attempts(server, "taskinstance") if item.startswith("intake")] == [
        "intake/0",
        "intake/1",
        "intake/2",
        "intake/3",
    ]


async def test_an_env_build_that_failed_is_retried_with_its_task_and_keeps_its_rounds(server, proxy, seeded):
    simulation = simulate(server, proxy, seeded, {"build-0": [INDEX_DOWN, INDEX_DOWN]})
    await simulation.run()
    status = server.one("taskinstances")["status"]
    build = server.one("envbuilds")["status"]
    assert (status["verdict"], build["retried"], build["firstAttempt"]) == ("fail2pass", "once", 2)
    assert [item["outcome"] for item in build["rounds"]] == ["Accepted"]
    builds = [item for item in attempts(server, "envbuild") if item.startswith("build")]
    assert builds == ["build-0/0", "build-0/1", "build-0/2"]
    assert attempts(server, "taskinstance").count("intake/0") == 1


@pytest.mark.parametrize(
    ("code", "rounds"),
    [
        (ExitCode.BUILD_TIME_LIMIT, [("BuildTimeLimit", True), ("Accepted", None)]),
        (ExitCode.STEP_FAILED, [("StepFailed", None)]),
    ],
)
async def test_a_draft_is_tried_again_when_the_cluster_may_have_been_the_reason(
    server, proxy, seeded, code, rounds
):
    simulation = simulate(server, proxy, seeded, {})
    retry_when_builds_succeed(simulation, failing={"code": int(code)})
    await simulation.run()
    found = server.one("envbuilds")["status"]["rounds"]
    assert [(item["outcome"], item.get("retried")) for item in found] == rounds
    accepted = rounds[-1][0] == "Accepted"
    assert phase(server) == ("Validated" if accepted else "Failed")


async def test_rounds_that_are_retried_do_not_count_in_the_budget(server, proxy, seeded):
    simulation = simulate(server, proxy, seeded, {})
    server.patch(TASK, {"spec": {"budget": {"rounds": 1}}})
    retry_when_builds_succeed(simulation, failing={"code": int(ExitCode.BUILD_TIME_LIMIT)})
    await simulation.run()
    assert phase(server) == "Validated"


def retry_when_builds_succeed(simulation, failing):
    """Builds fail until the user retries."""
    script = simulation.kubelet.script
    script.build = failing

    def retry():
        script.build = {}
        annotate(simulation.server, "quiet")

    simulation.user_actions = [(lambda: phase(simulation.server) == "Failed", retry)]


@pytest.mark.parametrize("requests", range(1, 40, 3))
async def test_a_retry_survives_a_crash_at_any_write(server, proxy, seeded, requests):
    crash = Crash(requests, after_request=bool(requests % 2), writes_only=True)
    simulation = simulate(server, proxy, seeded, {"build-0": [INDEX_DOWN, INDEX_DOWN]}, crashes=[crash])
    await simulation.run()
    status = server.one("taskinstances")["status"]
    assert (status["verdict"], status["retried"]) == ("fail2pass", "once")


async def test_each_value_is_acted_on_once(server, proxy, seeded):
    simulation = simulate(server, proxy, seeded, {"intake": [LOST] * 50})
    await simulation.run()
    assert (phase(server), server.one("taskinstances")["status"]["firstAttempt"]) == ("Failed", 2)
    assert attempts(server, "taskinstance") == [f"intake/{number}" for number in range(4)]


async def test_a_verdict_is_final_whatever_the_annotation_says(server, proxy, seeded):
    simulation = simulate(server, proxy, seeded, {})
    simulation.user_actions = [(lambda: phase(server) == "Validated", lambda: annotate(server, "again"))]
    await simulation.run()
    status = server.one("taskinstances")["status"]
    assert (status["verdict"], status.get("retried")) == ("fail2pass", None)


def test_numbers_of_attempts_go_on_after_those_of_the_status_and_of_pods_that_still_exist():
    status = TaskInstanceStatus(attempts=[Attempt(work="intake", number=3, pod="p")], finished_at=NOW)
    pods = [a_pod("before-0", 5)]
    assert restart(status, "once", pods, NOW) == status.model_copy(
        update={"retried": "once", "first_attempt": 6, "started_at": NOW, "finished_at": None}
    )


def test_a_retry_has_all_retries_again():
    work = Work.parse("before-0")

    def move(number):
        lost = Attempt(work="before-0", number=number, pod="p", uid="gone")
        return next_move(work, WorkState([lost], [], NOW, IMPATIENT, first_attempt=6))

    assert next_move(work, WorkState([], [a_pod("before-0", 5)], NOW, IMPATIENT, 6)) == StartPod(work, 6)
    first = move(6)
    assert isinstance(first, RetryAttempt)
    assert first.planned.not_before == NOW + timedelta(seconds=IMPATIENT.retry_seconds)
    assert isinstance(move(7), FailAttempt)
