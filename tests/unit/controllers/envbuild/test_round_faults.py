"""How a round ends on a fault, on a build's exit code, and what a person reads about it."""

import pytest

from builders import digest
from swefoundry.api.envbuild import ProbeResult, Round
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.controllers.envbuild.round_transitions import (
    SUMMARY_LIMIT,
    after_build,
    after_fault,
    best_judged_round,
    missing_result_message,
    newly_ended_rounds,
    outcome_summary,
    with_outcome,
)
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault

ROUND = Round(number=1, strategy="recipe", draft=digest("d"))


def a_round(**fields):
    return ROUND.model_copy(update=fields)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (ExitCode.DOCKERFILE_INVALID, RoundOutcome.DOCKERFILE_INVALID),
        (ExitCode.DISK_FULL, RoundOutcome.BUILD_DISK_FULL),
        (ExitCode.INFRASTRUCTURE, RoundOutcome.INFRASTRUCTURE),
        (ExitCode.OK, RoundOutcome.INFRASTRUCTURE),
    ],
    ids=["a Dockerfile that is not valid", "a full disk", "another code", "no image"],
)
def test_a_build_without_an_image_ends_the_round(code, outcome):
    record = BuildResult(nonce="n", code=code, message="why", log=digest("c"), duration_ms=1500)
    assert after_build(ROUND, record) == a_round(
        outcome=outcome, message="why", evidence=digest("c"), seconds=1.5
    )


def test_the_image_of_a_build_that_failed_does_not_count():
    record = BuildResult(nonce="n", code=ExitCode.STEP_FAILED, image=digest("b"))
    assert after_build(ROUND, record).outcome == RoundOutcome.STEP_FAILED


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("OOMKilled", RoundOutcome.BUILD_OUT_OF_MEMORY),
        ("EphemeralStorageExceeded", RoundOutcome.BUILD_DISK_FULL),
        ("DeadlineExceeded", RoundOutcome.BUILD_TIME_LIMIT),
        ("Evicted", RoundOutcome.INFRASTRUCTURE),
    ],
)
def test_a_fault_of_a_build_pod_ends_the_round_with_its_reason(reason, outcome):
    fault = PodFault(FaultCategory.LIMIT, reason, "why")
    assert after_fault(ROUND, fault) == a_round(outcome=outcome, message=f"{reason}: why")


FAULTS = [
    ("OOMKilled", RoundOutcome.OUT_OF_MEMORY),
    ("DeadlineExceeded", RoundOutcome.TIME_LIMIT),
    ("EntrypointMissing", RoundOutcome.NOT_RUNNABLE),
    ("Evicted", RoundOutcome.NO_RESULT),
]


@pytest.mark.parametrize(("fault", "outcome"), FAULTS)
def test_a_fault_of_the_after_probe_ends_the_round(fault, outcome):
    probes = [ProbeResult(stage=Stage.BEFORE, code=1), ProbeResult(stage=Stage.AFTER, fault=fault)]
    assert with_outcome(a_round(probes=probes), PROBE).outcome == outcome


@pytest.mark.parametrize(("fault", "outcome"), FAULTS)
def test_a_fault_of_the_base_probe_ends_the_round(fault, outcome):
    probes = [ProbeResult(stage=Stage.BASE, fault=fault)]
    assert with_outcome(a_round(probes=probes), (Stage.BASE,)).outcome == outcome


@pytest.mark.parametrize("code", [None, ExitCode.INFRASTRUCTURE])
def test_a_probe_without_a_known_code_has_no_result(code):
    after = [ProbeResult(stage=Stage.BEFORE, code=1), ProbeResult(stage=Stage.AFTER, code=code)]
    base = [ProbeResult(stage=Stage.BASE, code=code)]
    assert with_outcome(a_round(probes=after), PROBE).outcome == RoundOutcome.NO_RESULT
    assert with_outcome(a_round(probes=base), (Stage.BASE,)).outcome == RoundOutcome.NO_RESULT


def test_one_reported_test_is_enough_without_patches():
    probes = [ProbeResult(stage=Stage.BASE, code=0, tests=1)]
    assert with_outcome(a_round(probes=probes), (Stage.BASE,)).outcome == RoundOutcome.ACCEPTED


def test_newly_ended_are_the_rounds_that_the_old_status_had_open_or_not_at_all():
    first, second = a_round(outcome=RoundOutcome.STEP_FAILED), a_round(number=2)
    ended, third = (
        a_round(number=2, outcome=RoundOutcome.NO_RESULT),
        a_round(number=3, outcome=RoundOutcome.ACCEPTED),
    )
    new = [first, ended, third, a_round(number=4)]
    assert list(newly_ended_rounds([first, second], new)) == [
        (ended, RoundOutcome.NO_RESULT),
        (third, RoundOutcome.ACCEPTED),
    ]


def test_one_probe_alone_does_not_let_the_row_be_judged():
    before, after = (ProbeResult(stage=stage, code=1) for stage in (Stage.BEFORE, Stage.AFTER))
    both = a_round(image=digest("b"), probes=[before, after])
    one = a_round(number=2, image=digest("b"), probes=[before])
    assert best_judged_round([both, one]) == both


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (
            "the command ended with 0, although 2 tests failed",
            "the command ended with 0, although 2 tests failed",
        ),
        (None, "the test command ended with 0 although its report has failed tests (exit code 0)"),
    ],
)
def test_a_contradiction_is_named_once(note, message):
    record = EvaluationResult(
        nonce="n", stage=Stage.AFTER, code=ExitCode.FAILURES_IGNORED, raw_exit=0, report_note=note
    )
    assert missing_result_message(record, 60) == message


@pytest.mark.parametrize(("note", "message"), [("2 workers crashed", "2 workers crashed"), (None, "")])
def test_an_aborted_command_has_the_note_of_its_reports(note, message):
    record = EvaluationResult(nonce="n", stage=Stage.AFTER, code=ExitCode.ABORTED, report_note=note)
    assert missing_result_message(record, 60) == message


@pytest.mark.parametrize(
    ("message", "summary"),
    [
        (None, "AfterFailed"),
        ("\n \n", "AfterFailed"),
        ("first", "AfterFailed: first"),
        ("first\n\n  second  \n", "AfterFailed: first | second"),
    ],
)
def test_the_summary_is_the_outcome_and_the_lines_of_the_message(message, summary):
    assert outcome_summary(a_round(outcome=RoundOutcome.AFTER_FAILED, message=message)) == summary


def test_the_summary_of_a_long_message_is_short():
    lines = "\n".join(f"E   AssertionError: {number}" for number in range(200))
    summary = outcome_summary(a_round(outcome=RoundOutcome.AFTER_FAILED, message=f"first\n{lines}"))
    assert len(summary) < SUMMARY_LIMIT + 100
