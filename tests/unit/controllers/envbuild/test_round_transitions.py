"""How a round ends: the table of acceptance."""

import pytest

from builders import digest
from swefoundry.api.envbuild import ProbeResult, Round
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.evaluation import EvaluationResult, ReportCounts
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.controllers.envbuild.round_transitions import (
    ERROR2PASS_REFUSED,
    after_build,
    after_fault,
    after_probe,
    missing_result_message,
    outcome_summary,
    with_outcome,
)
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault

ROUND = Round(number=1, strategy="recipe", draft=digest("d"))


def with_probes(before, after):
    probes = [ProbeResult(stage=Stage.BEFORE, code=before), ProbeResult(stage=Stage.AFTER, code=after)]
    return ROUND.model_copy(update={"image": digest("b"), "probes": probes})


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (1, 0, RoundOutcome.ACCEPTED),
        (21, 0, RoundOutcome.ACCEPTED_ERROR2PASS),
        (20, 0, RoundOutcome.ACCEPTED_ERROR2PASS),
        (0, 0, RoundOutcome.BOTH_PASSED),
        (22, 0, RoundOutcome.BEFORE_UNCLEAR),
        (None, 0, RoundOutcome.BEFORE_UNCLEAR),
        (1, 1, RoundOutcome.AFTER_FAILED),
        (0, 1, RoundOutcome.AFTER_FAILED),
        (21, 20, RoundOutcome.NOT_RUNNABLE),
        (21, 21, RoundOutcome.NO_RESULT),
        (1, 22, RoundOutcome.TIME_LIMIT),
        (1, 23, RoundOutcome.FAILURES_IGNORED),
        (1, 24, RoundOutcome.EXIT_UNEXPLAINED),
        (23, 0, RoundOutcome.FAILURES_IGNORED),
        (24, 0, RoundOutcome.EXIT_UNEXPLAINED),
        (25, 0, RoundOutcome.ACCEPTED),
        (1, 25, RoundOutcome.ABORTED),
    ],
)
def test_a_round_is_accepted_only_on_failed_before_and_passed_after(before, after, outcome):
    assert with_outcome(with_probes(before, after), PROBE).outcome == outcome


@pytest.mark.parametrize(
    ("running", "after_seconds", "outcome"),
    [
        ("t.py::test_a", 15, RoundOutcome.ACCEPTED),
        ("t.py::test_a", 16, RoundOutcome.BEFORE_UNCLEAR),
        (None, 1, RoundOutcome.BEFORE_UNCLEAR),
    ],
)
def test_a_time_limit_before_the_fix_is_accepted_where_a_test_hung(running, after_seconds, outcome):
    probes = [
        ProbeResult(stage=Stage.BEFORE, code=22, running=running, seconds=60),
        ProbeResult(stage=Stage.AFTER, code=0, seconds=after_seconds),
    ]
    current = ROUND.model_copy(update={"image": digest("b"), "probes": probes})
    assert with_outcome(current, PROBE).outcome is outcome


@pytest.mark.parametrize("code", [1, 21, 24])
def test_a_round_that_does_not_import_the_tree_says_nothing_about_the_row(code):
    shadowed = [ProbeResult(stage=stage, code=code, raw_exit=97) for stage in (Stage.BEFORE, Stage.AFTER)]
    current = ROUND.model_copy(update={"image": digest("b"), "probes": shadowed})
    assert with_outcome(current, PROBE).outcome is RoundOutcome.SOURCE_SHADOWED


@pytest.mark.parametrize(
    ("not_failing_before", "not_failing_after", "refused"),
    [
        ([], [], None),
        (["t.py::test_net"], ["t.py::test_net"], None),
        (["t.py::test_net"], [], "t.py::test_net"),
        ([], ["t.py::test_net"], None),
    ],
    ids=["fails in both", "fails in none", "fails after the fix only", "fails before the fix only"],
)
def test_a_tolerated_test_must_fail_before_the_fix_too(not_failing_before, not_failing_after, refused):
    probes = [
        ProbeResult(stage=Stage.BEFORE, code=1, not_failing=not_failing_before),
        ProbeResult(stage=Stage.AFTER, code=0, not_failing=not_failing_after),
    ]
    current = with_outcome(ROUND.model_copy(update={"tolerated": 1, "probes": probes}), PROBE)
    message = f"the draft tolerates the failure of {refused}, which does not fail before the fix"
    assert (current.outcome, current.message) == (
        (RoundOutcome.AFTER_FAILED, message) if refused else (RoundOutcome.ACCEPTED, None)
    )


def test_a_before_that_contradicts_itself_gives_the_round_its_message():
    before = ProbeResult(stage=Stage.BEFORE, code=23)
    assert after_probe(ROUND, before, "3 tests failed").message == "3 tests failed"
    failed = after_probe(ROUND, ProbeResult(stage=Stage.AFTER, code=1), "E assert")
    assert after_probe(failed, before, "3 tests failed").message == "E assert"


@pytest.mark.parametrize(
    ("before", "passed", "outcome"),
    [
        (0, 0, RoundOutcome.NO_RESULT),
        (1, 0, RoundOutcome.NO_RESULT),
        (21, 0, RoundOutcome.NO_RESULT),
        (1, 1, RoundOutcome.ACCEPTED),
        (1, None, RoundOutcome.ACCEPTED),
    ],
)
def test_an_environment_in_which_all_tests_are_skipped_after_the_fix_is_not_accepted(before, passed, outcome):
    after = ProbeResult(stage=Stage.AFTER, code=0, tests=3, failed=0, passed=passed)
    probes = [ProbeResult(stage=Stage.BEFORE, code=before), after]
    assert with_outcome(ROUND.model_copy(update={"probes": probes}), PROBE).outcome is outcome
    assert after_probe(ROUND, after, "3 skipped").message == ("3 skipped" if passed == 0 else None)


def test_a_round_with_a_missing_probe_stays_open():
    half = ROUND.model_copy(update={"probes": [ProbeResult(stage=Stage.AFTER, code=0)]})
    assert with_outcome(half, PROBE).outcome is None


@pytest.mark.parametrize("before", [20, 21])
def test_error2pass_is_accepted_apart_or_where_the_policy_says_so_not_at_all(before):
    assert with_outcome(with_probes(before, 0), PROBE).outcome == "AcceptedError2Pass"
    refused = with_outcome(with_probes(before, 0), PROBE, error2pass=False)
    assert (refused.outcome, refused.message) == ("BeforeUnclear", ERROR2PASS_REFUSED)
    assert with_outcome(with_probes(1, 0), PROBE, error2pass=False).outcome == "Accepted"


@pytest.mark.parametrize(
    ("code", "tests", "outcome"),
    [
        (0, 3, RoundOutcome.ACCEPTED),
        (1, 3, RoundOutcome.ACCEPTED),
        (0, None, RoundOutcome.NO_RESULT),
        (21, None, RoundOutcome.NO_RESULT),
        (20, None, RoundOutcome.NOT_RUNNABLE),
    ],
)
def test_without_patches_it_is_enough_that_tests_run_and_are_reported(code, tests, outcome):
    base = ROUND.model_copy(update={"probes": [ProbeResult(stage=Stage.BASE, code=code, tests=tests)]})
    assert with_outcome(base, (Stage.BASE,)).outcome == outcome


def test_tests_that_are_all_skipped_do_not_run():
    skipped = ProbeResult(stage=Stage.BASE, code=0, tests=3, passed=0)
    base = ROUND.model_copy(update={"probes": [skipped]})
    assert with_outcome(base, (Stage.BASE,)).outcome is RoundOutcome.NO_RESULT


def test_a_build_gives_the_round_its_image():
    record = BuildResult(nonce="n", code=0, image=digest("b"), log=digest("c"), duration_ms=1500)
    assert after_build(ROUND, record) == ROUND.model_copy(
        update={"image": digest("b"), "evidence": digest("c"), "seconds": 1.5}
    )


def test_a_failed_step_ends_the_round_with_an_excerpt_of_its_log():
    record = BuildResult(
        nonce="n", code=42, message="step 3 ended with code 1", tail="error: no such package"
    )
    over = after_build(ROUND, record)
    assert (over.outcome, over.message) == ("StepFailed", "step 3 ended with code 1\nerror: no such package")


@pytest.mark.parametrize(
    ("measured", "used"),
    [
        (
            MeasuredResources(cpu_seconds=108),
            " It used 0.12 CPUs on average; build.cpu is what a build has even on a full node.",
        ),
        (MeasuredResources(), ""),
        (None, ""),
    ],
)
def test_a_build_that_reached_its_time_limit_names_the_limit_and_the_cpus_that_it_had(measured, used):
    message = "The build took more than 900 s and was stopped."
    record = BuildResult(
        nonce="n", code=43, message=message, tail="compiling", duration_ms=900_000, measured=measured
    )
    hint = f"The limit is build.timeoutSeconds in the chart's values.{used}"
    assert after_build(ROUND, record).message == f"{message}\n{hint}\ncompiling"


def test_a_build_that_was_killed_for_memory_ends_the_round():
    over = after_fault(
        ROUND, PodFault(FaultCategory.LIMIT, "OOMKilled", "the container was killed because memory ran out")
    )
    assert over.outcome == "BuildOutOfMemory"


@pytest.mark.parametrize(
    ("code", "raw_exit", "message"),
    [
        (0, 0, ""),
        (1, 1, ""),
        (20, 127, "the test command could not be started (exit code 127)"),
        (20, None, "the test command could not be started"),
        (21, 0, "the test command ended without a result (exit code 0): no file matches junit.xml"),
        (22, None, "the test command did not end within 60 s (spec.validation.timeoutSeconds)"),
    ],
)
def test_an_end_without_a_result_has_a_message(code, raw_exit, message):
    note = "no file matches junit.xml" if code == 21 else None
    record = EvaluationResult(nonce="n", stage=Stage.AFTER, code=code, raw_exit=raw_exit, report_note=note)
    assert missing_result_message(record, 60) == message


def test_a_run_in_which_no_test_passed_has_a_message():
    record = EvaluationResult(nonce="n", stage=Stage.AFTER, code=0, tests=ReportCounts(total=3, skipped=3))
    assert missing_result_message(record, 60) == "no test passed: 3 skipped, of 3"


def test_the_summary_of_a_round_is_one_line_with_its_most_diagnostic_ones():
    lines = [
        "`RUN make` failed with exit code 2.",
        "",
        *(f"compiling {n}.c" for n in range(99)),
        "fatal error: x.h",
    ]
    over = ROUND.model_copy(update={"outcome": "StepFailed", "message": "\n".join(lines)})
    summary = outcome_summary(over)
    assert summary.startswith("StepFailed: `RUN make` failed with exit code 2. | ")
    assert summary.endswith(" | fatal error: x.h") and len(summary) < 500


def test_the_log_of_before_is_not_in_the_message_of_the_round():
    both = after_probe(after_probe(ROUND, ProbeResult(stage=Stage.AFTER, code=1), "after says"),
                  ProbeResult(stage=Stage.BEFORE, code=1), "before says")  # fmt: skip
    assert both.message == "after says"
    assert [probe.stage for probe in both.probes] == [Stage.BEFORE, Stage.AFTER]
