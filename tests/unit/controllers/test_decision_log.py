"""The operator's log: one line for each decision that changed something, none for a reconcile that changed nothing."""

import logging
from datetime import timedelta

from builders import NOW, a_build, a_pod, a_queued, a_task, digest
from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import Simulation
from swefoundry.api.types import Attempt
from swefoundry.controllers.decision_log import LogLine, log_decisions, pod_lines, status_lines, wait_lines
from swefoundry.controllers.taskinstance.steps import Evaluated
from swefoundry.structured_log import TextFormatter
from swefoundry.workloads.decide import CollectResult, FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.lifecycle import PodStarted
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult

ATTEMPT = Attempt(work="before-0", number=1, pod="pod-before-0-1", uid="u", node="n1")
IDENTITY = {"work": "before-0", "attempt": 1, "pod": "pod-before-0-1"}
LOST = ATTEMPT.model_copy(
    update={"outcome": "Infrastructure", "reason": "NodeLost", "message": "no news", "seconds": 3.0}
)
LOST_LINE = LogLine(
    "pod ended",
    {
        **IDENTITY,
        "node": "n1",
        "outcome": "Infrastructure",
        "reason": "NodeLost",
        "exitCode": None,
        "seconds": 3.0,
        "message": "no news",
    },
)


def test_an_adopted_pod_is_logged_differently_from_a_started_one():
    adopted = Wait("before-0", "Running", adopted=ATTEMPT.model_copy(update={"memory_factor": 2}))
    assert pod_lines([PodStarted(ATTEMPT), adopted], NOW) == [
        LogLine("pod started", {**IDENTITY, "memoryFactor": None, "adopted": None}),
        LogLine("pod started", {**IDENTITY, "memoryFactor": 2, "adopted": True}),
    ]


def test_a_lost_pod_is_logged_with_its_fault_and_the_delay_of_the_retry():
    planned = Attempt(work="before-0", number=2, pod="", not_before=NOW + timedelta(seconds=10))
    retry = {"work": "before-0", "attempt": 2, "delaySeconds": 10.0, "memoryFactor": None}
    assert pod_lines([RetryAttempt("before-0", LOST, planned)], NOW) == [
        LOST_LINE,
        LogLine("retry planned", retry),
    ]


def test_a_failed_work_is_logged_with_the_number_of_its_attempts():
    fault = PodFault(FaultCategory.INFRASTRUCTURE, "NodeLost")
    assert pod_lines([FailAttempt("before-0", LOST, fault)], NOW) == [
        LOST_LINE,
        LogLine("work failed", {"work": "before-0", "attempts": 2, "reason": "NodeLost"}),
    ]


def test_a_pod_with_a_record_is_logged_with_its_exit_code():
    move = CollectResult("before-0", a_pod("before-0", 1), PodResult(1, {}, 12.0))
    [line] = pod_lines([Evaluated(move, None, False)], NOW)
    assert line == LogLine(
        "pod ended",
        {
            **IDENTITY,
            "node": "node-1",
            "outcome": "Finished",
            "reason": None,
            "exitCode": 1,
            "seconds": 12.0,
            "message": None,
        },
    )


def a_round(**fields):
    return {"number": 1, "strategy": "recipe", "label": "3.11", "draft": digest("d"), **fields}


def test_rounds_are_logged_when_they_start_and_when_they_end():
    none, one = a_build().status, a_build({"rounds": [a_round()]}).status
    ended = a_build({"rounds": [a_round(outcome="StepFailed", seconds=9, message="no gcc")]}).status
    about = {"round": 1, "strategy": "recipe", "label": "3.11"}
    started = LogLine("round started", {**about, "draft": digest("d")})
    end = LogLine(
        "round ended", {**about, "outcome": "StepFailed", "image": None, "seconds": 9, "message": "no gcc"}
    )
    assert status_lines(none, one) == [started]
    assert status_lines(one, ended) == [end]
    assert status_lines(none, ended) == [started, end]
    assert status_lines(ended, ended) == []


def a_ready(reason, **fields):
    stamp = {"status": "False", "message": "", "lastTransitionTime": "2026-01-01T11:00:00Z"}
    return {"conditions": [{"type": "Ready", "reason": reason} | stamp], **fields}


def test_a_verdict_and_the_phase_it_leads_to_are_logged():
    before = a_task(a_ready("Validating", phase="Validating")).status
    tests = {"failToPass": 1, "passToPass": 2}
    end = a_ready("Fail2Pass", phase="Validated", duration="9s")
    after = a_task({**end, "verdict": "fail2pass", "tests": tests, "evidence": digest("e")}).status
    assert status_lines(before, after) == [
        LogLine(
            "verdict reached",
            {"verdict": "fail2pass", "failToPass": 1, "passToPass": 2, "bundle": digest("e")},
        ),
        LogLine(
            "phase changed",
            {
                "previous": "Validating",
                "phase": "Validated",
                "reason": "Fail2Pass",
                "message": "",
                "duration": "9s",
            },
        ),
    ]
    assert status_lines(after, after) == []


def test_another_reason_of_the_same_phase_is_logged():
    old = a_build(a_ready("Drafting", phase="Drafting")).status
    new = a_build(a_ready("WaitingForSibling", phase="Drafting")).status
    about = {"phase": "Drafting", "reason": "WaitingForSibling", "message": "", "duration": None}
    assert status_lines(old, new) == [LogLine("reason changed", about)]


def test_waits_are_logged_for_debugging_alone(caplog):
    caplog.set_level(logging.DEBUG, "swefoundry.decisions")
    task = a_task()
    results = [a_queued("before-0"), Wait("after-0", "Unschedulable", "no node")]
    log_decisions(task, task.status, results, NOW)
    assert [line.message for line in wait_lines(results)] == ["waiting for a free pod slot", "waiting"]
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("DEBUG", "waiting for a free pod slot"),
        ("DEBUG", "waiting"),
    ]


async def test_every_step_of_an_instance_is_in_the_log(server, proxy, seeded, caplog):
    caplog.set_level(logging.INFO, "swefoundry.decisions")
    server.create("taskinstances", "here", manifest())
    await Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded))).run()
    lines = [record for record in caplog.records if record.name == "swefoundry.decisions"]
    texts = [TextFormatter().format(record).partition(" msg=")[2] for record in lines]
    assert all("namespace=here name=task-one" in line for line in texts)
    kinds = [(record.fields["kind"], record.message, record.fields.get("work")) for record in lines]
    for work in ("build-0", "before-0", "after-0"):
        assert kinds.count(("EnvBuild", "pod started", work)) == 1
        assert kinds.count(("EnvBuild", "pod ended", work)) == 1
    for work in ("intake", "base-0", "before-0", "after-0"):
        assert kinds.count(("TaskInstance", "pod started", work)) == 1
        assert kinds.count(("TaskInstance", "pod ended", work)) == 1
    phases = [
        (record.fields["previous"], record.fields["phase"])
        for record in lines
        if record.message == "phase changed" and record.fields["kind"] == "TaskInstance"
    ]
    assert phases == [
        ("Pending", "Intake"),
        ("Intake", "Preparing"),
        ("Preparing", "Validating"),
        ("Validating", "Validated"),
    ]
    [verdict] = [record.fields for record in lines if record.message == "verdict reached"]
    assert (verdict["verdict"], verdict["failToPass"], verdict["passToPass"]) == ("fail2pass", 1, 1)
    # The simulation ends with two rounds of reconciles that change nothing: they have written no line.
    assert len(lines) == len(set(texts))
