"""State of a round after each result, and the outcome that its probes give. Pure.

::

    after = 0 and none passed     NoResult
    after = 0 and before = 1|25   Accepted
    after = 0 and before = 20|21  AcceptedError2Pass
    after = 0 and before = 0      BothPassed
    after = 0 and before = 22     Accepted where a test hung, else BeforeUnclear
    after = 0 and before = 23|24  FailuresIgnored | ExitUnexplained
    after = 0 and before else     BeforeUnclear
    after = 1 | 20 | 21 | 22      AfterFailed | NotRunnable | NoResult | TimeLimit
    after = 23 | 24 | 25          FailuresIgnored | ExitUnexplained | Aborted
"""

from collections.abc import Iterable, Iterator, Sequence

from swefoundry.api.envbuild import ProbeResult, Round
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.evaluation import SOURCE_SHADOWED_EXIT, EvaluationResult
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.envbuild.steps import CheckoutFinished
from swefoundry.drafts.reuse import label_with_change_count
from swefoundry.grading.hangs import explains_time_limit
from swefoundry.grading.verdict import CONTRADICTIONS
from swefoundry.text.log_excerpt import log_excerpt
from swefoundry.workloads.pod_outcomes import PodFault

MESSAGE_LIMIT = 2048
ERROR2PASS_REFUSED = (
    "the tests cannot run before the fix and pass after it, and spec.environment.acceptError2Pass is false"
)
LABEL_LIMIT = 200
SUMMARY_LIMIT = 400
"""Characters of log lines in a condition's message, which people read in a terminal."""

BUILD_OUTCOMES = {
    ExitCode.DOCKERFILE_INVALID: RoundOutcome.DOCKERFILE_INVALID,
    ExitCode.BASE_IMAGE_MISSING: RoundOutcome.BASE_IMAGE_MISSING,
    ExitCode.STEP_FAILED: RoundOutcome.STEP_FAILED,
    ExitCode.ADDRESS_UNREACHABLE: RoundOutcome.ADDRESS_UNREACHABLE,
    ExitCode.BUILD_TIME_LIMIT: RoundOutcome.BUILD_TIME_LIMIT,
    ExitCode.DISK_FULL: RoundOutcome.BUILD_DISK_FULL,
    ExitCode.POLICY_REFUSED: RoundOutcome.POLICY_REFUSED,
    ExitCode.PUSH_FAILED: RoundOutcome.PUSH_FAILED,
}

AFTER_OUTCOMES = {
    ExitCode.TESTS_FAILED: RoundOutcome.AFTER_FAILED,
    ExitCode.NOT_RUNNABLE: RoundOutcome.NOT_RUNNABLE,
    ExitCode.NO_RESULT: RoundOutcome.NO_RESULT,
    ExitCode.TIME_LIMIT: RoundOutcome.TIME_LIMIT,
    ExitCode.ABORTED: RoundOutcome.ABORTED,
    ExitCode.FAILURES_IGNORED: RoundOutcome.FAILURES_IGNORED,
    ExitCode.EXIT_UNEXPLAINED: RoundOutcome.EXIT_UNEXPLAINED,
}

BEFORE_OUTCOMES = {
    ExitCode.TESTS_FAILED: RoundOutcome.ACCEPTED,
    ExitCode.ABORTED: RoundOutcome.ACCEPTED,
    ExitCode.NO_RESULT: RoundOutcome.ACCEPTED_ERROR2PASS,
    ExitCode.NOT_RUNNABLE: RoundOutcome.ACCEPTED_ERROR2PASS,
    ExitCode.OK: RoundOutcome.BOTH_PASSED,
    ExitCode.FAILURES_IGNORED: RoundOutcome.FAILURES_IGNORED,
    ExitCode.EXIT_UNEXPLAINED: RoundOutcome.EXIT_UNEXPLAINED,
}
"""Outcome of a round whose `after` passed, by the code of `before`."""

OOM_KILLED = "OOMKilled"
"""The fault of a pod that was killed for its memory, again with twice the limit."""

FAULT_OUTCOMES = {
    OOM_KILLED: RoundOutcome.OUT_OF_MEMORY,
    "DeadlineExceeded": RoundOutcome.TIME_LIMIT,
    "EntrypointMissing": RoundOutcome.NOT_RUNNABLE,
}


def after_checkout(current: Round, result: CheckoutFinished) -> Round:
    """The round after its checkout: with an image, with one to run the rebuild command in, or ended."""
    record = result.record
    if result.composed is None:
        message = result.message[:MESSAGE_LIMIT]
        return current.model_copy(update={"outcome": RoundOutcome.CHECKOUT_FAILED, "message": message})
    files = record.added + record.changed + record.removed
    seconds = current.seconds + result.move.result.seconds
    label = label_with_change_count(current.label, files)[:LABEL_LIMIT]
    images = {"composed": result.composed, "image": result.composed if result.complete else None}
    return current.model_copy(update={"label": label, "seconds": seconds} | images)


def after_build(current: Round, record: BuildResult) -> Round:
    """The round after its build: with an image, or ended by a named failure."""
    seconds = current.seconds + record.duration_ms / 1000
    if record.code == ExitCode.OK and record.image is not None:
        return current.model_copy(update={"image": record.image, "evidence": record.log, "seconds": seconds})
    outcome = BUILD_OUTCOMES.get(ExitCode(record.code), RoundOutcome.INFRASTRUCTURE)
    message = "\n".join(part for part in (record.message, _time_limit_hint(record), record.tail) if part)
    return current.model_copy(
        update={
            "outcome": outcome,
            "message": message[:MESSAGE_LIMIT],
            "evidence": record.log,
            "seconds": seconds,
        }
    )


def _time_limit_hint(record: BuildResult) -> str:
    """What to change after a time limit: it may be too short, or the node too full; empty for other ends."""
    if record.code != ExitCode.BUILD_TIME_LIMIT:
        return ""
    hint = "The limit is build.timeoutSeconds in the chart's values."
    spent = None if record.measured is None else record.measured.cpu_seconds
    if spent is None or record.duration_ms <= 0:
        return hint
    used = spent / (record.duration_ms / 1000)
    return f"{hint} It used {used:.2f} CPUs on average; build.cpu is what a build has even on a full node."


def after_fault(current: Round, fault: PodFault) -> Round:
    """The round whose build or checkout pod reached a limit."""
    outcomes = {
        OOM_KILLED: RoundOutcome.BUILD_OUT_OF_MEMORY,
        "EphemeralStorageExceeded": RoundOutcome.BUILD_DISK_FULL,
        "DeadlineExceeded": RoundOutcome.BUILD_TIME_LIMIT,
    }
    outcome = outcomes.get(fault.reason, RoundOutcome.INFRASTRUCTURE)
    if current.parent is not None and current.composed is None:
        outcome = RoundOutcome.CHECKOUT_FAILED
    return current.model_copy(
        update={"outcome": outcome, "message": f"{fault.reason}: {fault.message}"[:MESSAGE_LIMIT]}
    )


def after_probe(current: Round, probe: ProbeResult, excerpt: str) -> Round:
    """The round with one more probe.

    Its message comes from the log of `after`, because `before` is to fail; but for a `before` that contradicts itself.
    """
    others = [item for item in current.probes if item.stage is not probe.stage]
    if probe.stage is Stage.BEFORE:
        explains = probe.code in CONTRADICTIONS and not current.message
    else:
        explains = probe.code != ExitCode.OK or _all_skipped(probe)
    message = excerpt[:MESSAGE_LIMIT] if explains else current.message
    ordered = sorted([*others, probe], key=lambda item: list(Stage).index(item.stage))
    return current.model_copy(update={"probes": ordered, "message": message})


def with_outcome(current: Round, stages: Sequence[Stage], error2pass: bool = True) -> Round:
    """The round with its outcome, once every wanted probe has ended; ``error2pass``: whether that is accepted."""
    found = {item.stage: item for item in current.probes}
    if any(stage not in found for stage in stages):
        return current
    if any(item.raw_exit == SOURCE_SHADOWED_EXIT for item in found.values()):
        return current.model_copy(update={"outcome": RoundOutcome.SOURCE_SHADOWED})
    if (refused := _refused_tolerance(found)) is not None:
        message = f"the draft tolerates the failure of {refused}, which does not fail before the fix"
        return current.model_copy(update={"outcome": RoundOutcome.AFTER_FAILED, "message": message})
    outcome = _compare_probes(found) if Stage.AFTER in stages else _outcome_of_base_run(found[Stage.BASE])
    if outcome is RoundOutcome.ACCEPTED_ERROR2PASS and not error2pass:
        return current.model_copy(
            update={"outcome": RoundOutcome.BEFORE_UNCLEAR, "message": ERROR2PASS_REFUSED}
        )
    return current.model_copy(update={"outcome": outcome})


def _refused_tolerance(found: dict[Stage, ProbeResult]) -> str | None:
    """A tolerated test that fails after the fix and not before it: the fix, or the environment, broke it."""
    if Stage.AFTER not in found:
        return None
    only_after = set(found[Stage.BEFORE].not_failing) - set(found[Stage.AFTER].not_failing)
    return min(only_after, default=None)


def _compare_probes(found: dict[Stage, ProbeResult]) -> RoundOutcome:
    before, after = found[Stage.BEFORE], found[Stage.AFTER]
    if after.fault is not None:
        return FAULT_OUTCOMES.get(after.fault, RoundOutcome.NO_RESULT)
    if after.code != ExitCode.OK:
        return AFTER_OUTCOMES.get(ExitCode(after.code or 0), RoundOutcome.NO_RESULT)
    if _all_skipped(after):
        return RoundOutcome.NO_RESULT
    if before.code is None:
        return RoundOutcome.BEFORE_UNCLEAR
    if before.code == ExitCode.TIME_LIMIT and explains_time_limit(
        before.running, before.seconds, after.seconds
    ):
        return RoundOutcome.ACCEPTED
    return BEFORE_OUTCOMES.get(ExitCode(before.code), RoundOutcome.BEFORE_UNCLEAR)


def _all_skipped(probe: ProbeResult) -> bool:
    """Whether the command ended with 0 and no test passed, as where what the tests need is not installed."""
    return probe.code == ExitCode.OK and probe.passed == 0


def _outcome_of_base_run(base: ProbeResult) -> RoundOutcome:
    """Without patches: the command runs and reports at least one test, passed or failed."""
    if base.fault is not None:
        return FAULT_OUTCOMES.get(base.fault, RoundOutcome.NO_RESULT)
    if _all_skipped(base):
        return RoundOutcome.NO_RESULT
    if base.code in (ExitCode.OK, ExitCode.TESTS_FAILED) and (base.tests or 0) > 0:
        return RoundOutcome.ACCEPTED
    return AFTER_OUTCOMES.get(ExitCode(base.code or ExitCode.NO_RESULT), RoundOutcome.NO_RESULT)


def ended_rounds(rounds: Iterable[Round]) -> Iterator[tuple[Round, RoundOutcome]]:
    """Every round that ended, with its outcome."""
    return ((item, item.outcome) for item in rounds if item.outcome is not None)


def newly_ended_rounds(old: Iterable[Round], new: Iterable[Round]) -> Iterator[tuple[Round, RoundOutcome]]:
    """Every round that ended between two statuses, with its outcome."""
    ended = {item.number for item, _ in ended_rounds(old)}
    return ((item, outcome) for item, outcome in ended_rounds(new) if item.number not in ended)


def best_judged_round(rounds: Sequence[Round]) -> Round | None:
    """The newest round whose image lets the row be judged."""
    return next((item for item in reversed(rounds) if has_conclusive_probes(item)), None)


def has_conclusive_probes(item: Round) -> bool:
    """Whether every probe of the round gave a result: then the row, not the environment, may be at fault.

    A reused image does not count: it was made for another commit.
    """
    codes = [probe.code for probe in item.probes]
    conclusive = {ExitCode.OK, ExitCode.TESTS_FAILED}
    built_for_it = item.image is not None and item.parent is None
    return built_for_it and len(codes) > 1 and all(code in conclusive for code in codes)


def missing_result_message(record: EvaluationResult, seconds: int) -> str:
    """Why a test command gave no result that can be used, which its log does not tell; empty when it gave one."""
    shown = "" if record.raw_exit is None else f" (exit code {record.raw_exit})"
    match record.code:
        case ExitCode.OK if record.tests is not None and record.tests.passed == 0:
            return f"no test passed: {record.tests.skipped} skipped, of {record.tests.total}"
        case ExitCode.TIME_LIMIT:
            return f"the test command did not end within {seconds} s (spec.validation.timeoutSeconds)"
        case ExitCode.NOT_RUNNABLE:
            return f"the test command could not be started{shown}"
        case ExitCode.NO_RESULT:
            return f"the test command ended without a result{shown}: {record.report_note or 'no tests ran'}"
        case ExitCode.FAILURES_IGNORED | ExitCode.EXIT_UNEXPLAINED:
            return record.report_note or f"{CONTRADICTIONS[record.code]}{shown}"
        case ExitCode.ABORTED:
            return record.report_note or ""
        case _:
            return ""


def outcome_summary(current: Round) -> str:
    """Outcome, first line of the message and its most diagnostic other lines, for a condition's message."""
    lines = [line.strip() for line in (current.message or "").splitlines() if line.strip()]
    excerpt = log_excerpt("\n".join(lines[1:]), SUMMARY_LIMIT).splitlines()
    summary = " | ".join([*lines[:1], *excerpt])
    return f"{current.outcome}: {summary}" if summary else str(current.outcome)
