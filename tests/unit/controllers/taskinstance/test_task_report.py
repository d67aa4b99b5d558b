"""Status of a TaskInstance after each step."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import IMAGE, LAYERS, NOW, PREPARED, a_build, a_pod, a_queued, a_task, digest
from swefoundry.api import conditions as kinds
from swefoundry.api.taskinstance import Evaluation, Image, ResultSets, TaskInstanceStatus
from swefoundry.api.types import Attempt
from swefoundry.contracts.intake import IntakeResult
from swefoundry.controllers.steps import NoOp, RunWork
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.status import report
from swefoundry.controllers.taskinstance.steps import (
    CreateEnvBuild,
    EnvBuildCreated,
    EnvBuildDeleted,
    Evaluated,
    Fail,
    Judge,
    Judged,
    WaitForEnvBuild,
)
from swefoundry.grading.verdict import Verdict
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import CollectResult, FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult

GO_ON = RunWork(())
LATER = NOW + timedelta(minutes=5)
READY = {"prepared": PREPARED, "image": IMAGE, "startedAt": NOW.isoformat()}


def observed(status=None, build=None, now=NOW):
    return Observation(a_task(status), (), build, Settings(), now)


def after(view, step, *results):
    return report(view, step, results)


def conditions_of(status):
    return {item.type: (item.status, item.reason) for item in status.conditions}


def message(status):
    return {item.type: item.message for item in status.conditions}["Ready"]


def collect(work, code=0):
    return CollectResult(Work.parse(work), a_pod(work), PodResult(code, {}, 12.0))


def an_attempt(work="before-0", **fields):
    return Attempt(work=work, number=0, pod=f"pod-{work}-0", uid="u").model_copy(update=fields)


def evaluated(stage, code, network_open=False, repeat=0):
    work = f"{stage}-{repeat}"
    evaluation = Evaluation(stage=stage, repeat=repeat, code=code, evidence=digest("e"))
    return Evaluated(collect(work, code), evaluation, network_open)


def judged(verdict, note="", tests_unknown=""):
    tests = None if tests_unknown else ResultSets(fail_to_pass=1, pass_to_pass=2)
    return Judged(verdict, tests, digest("c"), tests_unknown, note)


NOTED = PREPARED | {"notes": ["submodules that were not fetched: helper"]}


def test_what_intake_applied_and_completed_is_kept():
    record = IntakeResult(
        nonce="n",
        code=0,
        source=digest("a"),
        facts=digest("b"),
        patches={"gold": digest("c")},
        notes=["x" * 600],
    )
    prepared = after(observed(), GO_ON, IntakeFinished(collect("intake"), record)).prepared
    assert (prepared.patches, prepared.notes) == ({"gold": digest("c")}, ["x" * 512])


def test_what_intake_did_not_fetch_is_named_when_there_is_no_valid_instance():
    noted = observed(READY | {"prepared": NOTED})
    failed = after(noted, Fail("EnvironmentNotBuilt", "EnvBuild task-one: DraftsExhausted: 3 drafts"))
    assert message(failed).endswith("3 drafts; submodules that were not fetched: helper")
    assert message(after(noted, Judge(), judged(Verdict.FAIL2FAIL))).endswith("not fetched: helper")
    assert "helper" not in message(after(noted, Judge(), judged(Verdict.FAIL2PASS)))


def test_a_new_task_is_in_phase_intake():
    status = after(observed(), GO_ON, PodStarted(an_attempt("intake")))
    assert (status.phase, status.started_at, status.observed_generation) == ("Intake", NOW, 1)
    assert conditions_of(status) == {
        "Ready": ("False", "Intake"),
        "Reconciling": ("True", "Intake"),
        "Succeeded": ("Unknown", "Intake"),
        "Validated": ("Unknown", "Intake"),
    }
    assert status.running == [an_attempt("intake")]


def test_a_suspended_task_is_in_phase_suspended_once_its_pods_have_ended():
    held = Wait("before-0", "Suspended", "spec.suspend is true: no new pod is started")
    assert after(observed(READY), GO_ON, held).phase == "Suspended"
    busy = observed(READY | {"running": [an_attempt("after-0").to_json_dict()]})
    assert after(busy, GO_ON, held).phase == "Validating"


def test_short_waits_cost_no_write():
    first = after(observed(READY), GO_ON, Wait("before-0", "Running"))
    again = Observation(a_task(first.to_json_dict()), (), None, Settings(), LATER)
    assert after(again, GO_ON, Wait("before-0", "Pending")) == first
    pull = Wait("before-0", "ImagePullTransient", "i/o timeout")
    assert message(after(again, GO_ON, pull)) == "before-0: ImagePullTransient (i/o timeout)"


def test_a_prepared_source_is_in_the_status():
    record = IntakeResult(
        nonce="n",
        code=0,
        source=digest("a"),
        facts=digest("b"),
        layers=LAYERS,
        language="python",
        test_files=2,
    )
    status = after(
        observed({"running": [an_attempt("intake").to_json_dict()]}),
        GO_ON,
        IntakeFinished(collect("intake"), record),
    )
    assert status.prepared is not None and status.prepared.test_files == 2
    assert (status.running, status.phase) == ([], "Preparing")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (10, "TestPatchDoesNotApply"),
        (11, "GoldPatchDoesNotApply"),
        (12, "SourceMismatch"),
        (13, "SourceUnreachable"),
        (90, "InternalDefect"),
        (0, "InternalDefect"),
    ],
)
def test_a_rejected_row_is_stalled_with_its_reason(code, reason):
    record = IntakeResult(nonce="n", code=code, message="hunk 2 of a.py")
    status = after(observed(), GO_ON, IntakeFinished(collect("intake", code), record))
    assert conditions_of(status) == {
        "Ready": ("False", reason),
        "Stalled": ("True", reason),
        "Succeeded": ("False", reason),
        "Validated": ("Unknown", reason),
    }
    assert (message(status), status.phase, status.finished_at) == ("hunk 2 of a.py", "Failed", NOW)
    assert status.note == reason


def test_a_message_of_any_length_fits_into_the_status():
    record = IntakeResult(nonce="n", code=10, message="long/" * 700)
    status = after(observed(), GO_ON, IntakeFinished(collect("intake", 10), record))
    assert TaskInstanceStatus.model_validate(status.to_json_dict()) == status


def test_the_message_of_an_unfinished_envbuild_is_shown():
    ready = {"type": "Ready", "status": "False", "reason": "Building", "message": "round 1: in progress"}
    build = a_build({"conditions": [ready | {"lastTransitionTime": NOW.isoformat()}], "rounds": []})
    status = after(observed({"prepared": PREPARED}, build), WaitForEnvBuild())
    assert (status.phase, message(status)) == ("Preparing", "EnvBuild task-one: round 1: in progress")


def test_the_envbuild_is_named_even_when_its_creation_was_not_recorded():
    assert after(observed({"prepared": PREPARED}, a_build()), WaitForEnvBuild()).env_build == "task-one"
    ordered = after(observed({"prepared": PREPARED}), CreateEnvBuild(), EnvBuildCreated("task-one"))
    assert (ordered.env_build, ordered.phase) == ("task-one", "Preparing")


def test_image_and_seconds_are_taken_over_from_the_finished_envbuild_only():
    fields = {"image": digest("b"), "imageName": "r/i:t", "strategy": "recipe", "podSeconds": 90}
    unfinished = after(observed({"prepared": PREPARED}, a_build(fields)), WaitForEnvBuild())
    assert (unfinished.image, unfinished.environment_seconds) == (None, None)
    build = a_build(fields | {"finishedAt": NOW.isoformat()})
    status = after(observed({"prepared": PREPARED}, build), GO_ON)
    assert (status.image, status.strategy) == (Image(name="r/i:t", digest=digest("b")), "recipe")
    assert status.environment_seconds == 90
    assert status.phase == "Validating"


def test_a_missing_envbuild_keeps_the_image():
    assert after(observed(READY), GO_ON).image == Image(**IMAGE)


def test_an_evaluation_is_a_cell_of_the_matrix_in_its_order():
    status = after(
        observed(READY), GO_ON, evaluated("after", 0), evaluated("before", 1), evaluated("base", 0)
    )
    assert [(item.stage, item.code) for item in status.evaluations] == [
        ("base", 0),
        ("before", 1),
        ("after", 0),
    ]
    again = Observation(a_task(status.to_json_dict()), (), None, Settings(), NOW)
    assert len(after(again, GO_ON, evaluated("before", 1)).evaluations) == 3


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_a_success_of_the_operator_and_one_validates(verdict):
    status = after(observed(READY, now=LATER), Judge(), judged(verdict))
    valid = verdict is Verdict.FAIL2PASS
    reason = conditions_of(status)["Ready"][1]
    assert conditions_of(status) == {
        "Ready": ("True", reason),
        "Succeeded": ("True", reason),
        "Validated": ("True" if valid else "False", reason),
    }
    assert reason.lower() == verdict.value
    assert (status.phase, status.verdict) == ("Validated" if valid else "Rejected", verdict.value)
    assert (status.duration, status.evidence, status.tests) == (
        "5m00s",
        digest("c"),
        ResultSets(fail_to_pass=1, pass_to_pass=2),
    )


def test_a_failed_step_is_stalled():
    status = after(
        observed(READY), Fail("EnvironmentNotBuilt", "EnvBuild task-one: DraftsExhausted: 3 drafts")
    )
    assert conditions_of(status)["Stalled"] == ("True", "EnvironmentNotBuilt")
    assert "Reconciling" not in conditions_of(status)


def test_a_deleted_envbuild_fails_the_task_with_the_remedy():
    status = after(observed(READY), GO_ON, EnvBuildDeleted("task-one"))
    assert conditions_of(status)["Stalled"] == ("True", "EnvironmentNotBuilt")
    assert message(status).endswith("delete and re-create the TaskInstance")


def test_a_fault_that_the_task_caused_is_a_cell_without_a_code():
    fault = PodFault(FaultCategory.LIMIT, "OOMKilled", "killed for memory")
    status = after(observed(READY), GO_ON, FailAttempt(Work.parse("before-0"), an_attempt(), fault))
    assert [(item.stage, item.code, item.fault) for item in status.evaluations] == [
        ("before", None, "OOMKilled")
    ]
    assert status.finished_at is None


@pytest.mark.parametrize(
    ("category", "reason"),
    [
        (FaultCategory.INFRASTRUCTURE, "InfrastructureFault"),
        (FaultCategory.ENVIRONMENT, "EnvironmentNotBuilt"),
        (FaultCategory.CONFIGURATION, "Misconfigured"),
    ],
)
def test_a_fault_outside_of_the_task_is_no_verdict(category, reason):
    fault = PodFault(category, "Whatever", "a sentence")
    status = after(observed(READY), GO_ON, FailAttempt(Work.parse("before-0"), an_attempt(number=4), fault))
    assert conditions_of(status)["Stalled"] == ("True", reason)
    assert message(status) == "before-0: Whatever after 5 attempts: a sentence"
    assert (status.verdict, status.evaluations) == (None, [])


def test_a_fault_at_intake_is_never_a_cell():
    fault = PodFault(FaultCategory.LIMIT, "OOMKilled", "killed for memory")
    status = after(observed(), GO_ON, FailAttempt(Work.parse("intake"), an_attempt("intake"), fault))
    assert conditions_of(status)["Stalled"] == ("True", "ResourceLimit")


def test_a_task_that_ended_starts_nothing_and_lists_no_running_pod():
    view = observed(READY | {"running": [an_attempt("after-0").to_json_dict()]})
    status = after(view, GO_ON, evaluated("base", 0, network_open=True), PodStarted(an_attempt()))
    assert conditions_of(status)["Stalled"] == ("True", "NetworkNotIsolated")
    assert status.running == []


def test_infrastructure_faults_are_counted_and_memory_kills_are_not():
    planned = an_attempt(number=1, uid=None)
    lost = RetryAttempt(
        Work.parse("before-0"), an_attempt(outcome="Infrastructure", reason="NodeLost"), planned
    )
    killed = RetryAttempt(
        "base-0", an_attempt("base-0", outcome="Limit", reason="OOMKilled"), an_attempt("base-0")
    )
    status = after(observed(READY), GO_ON, lost, killed)
    assert status.infra_retries == 1
    assert [item.work for item in status.running] == ["base-0", "before-0"]
    assert [item.reason for item in status.attempts] == ["NodeLost", "OOMKilled"]


def test_the_last_five_attempts_are_shown():
    results = [evaluated("base", 0, repeat=number) for number in range(7)]
    status = after(observed(READY), GO_ON, *results)
    assert [item.work for item in status.attempts] == ["base-2", "base-3", "base-4", "base-5", "base-6"]


def test_no_op_leaves_the_status_unchanged():
    view = observed(READY, now=LATER)
    assert after(view, NoOp()) == view.task.status


def test_a_verdict_without_test_files_has_a_note():
    status = after(observed(READY), GO_ON, judged(Verdict.PASS2PASS, "no test file was named"))
    assert all(item.message.endswith("; no test file was named") for item in status.conditions)


def test_a_valid_row_whose_tests_are_not_known_says_why():
    why = "after #0: the runner counted 3 tests, and 0 could be read from the log"
    status = after(observed(READY), GO_ON, judged(Verdict.FAIL2PASS, tests_unknown=why))
    assert (status.verdict, status.tests, status.tests_unknown) == ("fail2pass", None, why)
    assert status.note == "SetsUnknown"
    assert message(status) == (
        f"the tests fail before the fix and pass after it; the sets of tests are not known: {why}"
    )


def test_a_row_whose_tests_depend_on_the_date_says_so():
    result = replace(judged(Verdict.FAIL2PASS), date_dependent=True)
    status = after(observed(READY), GO_ON, result)
    assert (status.verdict, status.note) == ("fail2pass", "DateDependent")
    assert message(status) == (
        "the tests fail before the fix and pass after it; "
        "the tests depend on the date, and the test command sets the clock"
    )


@pytest.mark.parametrize(
    ("before", "after_code", "cause"),
    [
        (23, 0, "before: the test command ended with 0 although its report has failed tests"),
        (1, 24, "after: the test command ended with a failure although every test in its report passed"),
        (
            22,
            0,
            "before: the test command reached the time limit: a hang that the fix mends, or a slow machine",
        ),
    ],
)
def test_an_inconclusive_row_says_which_evaluation_is_the_cause(before, after_code, cause):
    evaluations = [
        Evaluation(stage="before", repeat=0, code=before).to_json_dict(),
        Evaluation(stage="after", repeat=0, code=after_code).to_json_dict(),
    ]
    view = observed(READY | {"evaluations": evaluations})
    expected = "an evaluation ended without a result"
    assert message(after(view, GO_ON, judged(Verdict.INCONCLUSIVE))) == "; ".join(
        filter(None, (expected, cause))
    )


def test_transition_times_move_only_when_a_status_does():
    first = after(observed(READY), GO_ON)
    status = after(
        Observation(a_task(first.to_json_dict()), (), None, Settings(), LATER),
        GO_ON,
        judged(Verdict.PASS2PASS),
    )
    moved = {item.type: item.last_transition_time for item in status.conditions}
    assert moved == {"Ready": LATER, "Succeeded": LATER, "Validated": LATER}
    going = after(
        Observation(a_task(first.to_json_dict()), (), None, Settings(), LATER),
        GO_ON,
        a_queued("base-0"),
    )
    assert {item.last_transition_time for item in going.conditions} == {NOW}


def test_a_task_that_is_valid_again_is_not_stalled():
    stalled = {
        "type": "Stalled",
        "status": "True",
        "reason": "InvalidSpec",
        "lastTransitionTime": NOW.isoformat(),
    }
    status = after(observed(READY | {"conditions": [stalled]}), GO_ON)
    assert kinds.status_of(status.conditions, "Stalled") == "Unknown"
    assert kinds.status_of(status.conditions, "Reconciling") == "True"


def test_a_status_is_unchanged_by_a_round_trip_through_json():
    status = after(observed(READY), Judge(), evaluated("base", 0), judged(Verdict.FAIL2PASS))
    assert TaskInstanceStatus.model_validate(status.to_json_dict()) == status
