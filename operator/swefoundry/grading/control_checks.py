"""Results of the controls that compare runs which exist anyway. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from swefoundry.contracts.controls import ControlName, ControlResult, control_result
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.grading.result_sets import merge_repeats
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses
from swefoundry.text.plurals import pluralize

TESTS_NAMED = 3
"""Tests that a message names."""

FAILING = frozenset({CaseStatus.FAILED, CaseStatus.ERROR})


@dataclass(frozen=True)
class ControlRun:
    """One run of a stage, as controls compare it."""

    code: int | None
    """Canonical exit code; None when a fault prevented a result."""
    statuses: CaseStatuses
    evidence: Digest | None = None
    problem: str = ""
    """Why the statuses are not known; empty when they are."""
    number: int = 0
    """What a control varies: for `Cpu`, the number of CPUs that were asked for."""
    fault: str | None = None
    record: EvaluationResult | None = None


def null_patch(before: Sequence[ControlRun]) -> ControlResult:
    """Compare the runs of `before`, the probe's among them: the same tree must give the same outcome twice."""
    runs = [run for run in before if run.code is not None]
    if len(runs) < 2:
        return control_result(
            ControlName.NULL_PATCH,
            "Unknown",
            "`before` has one result only; set validation.minRepeats to 2 or more",
        )
    evidence = runs[-1].evidence
    codes = [run.code for run in runs]
    if len(set(codes)) > 1:
        return control_result(
            ControlName.NULL_PATCH,
            "Failed",
            f"runs of `before` end with different codes: {_listed(codes)}",
            evidence,
        )
    if problem := _problem(runs):
        return control_result(ControlName.NULL_PATCH, "Unknown", f"`before`: {problem}", evidence)
    merged, unstable = merge_repeats([run.statuses for run in runs])
    if unstable:
        found = f"{len(runs)} runs of `before` disagree on {_named(unstable)}"
        return control_result(ControlName.NULL_PATCH, "Failed", found, evidence)
    agreed = pluralize(len(merged), "test") if merged else f"code {codes[0]}; no test was reported"
    return control_result(
        ControlName.NULL_PATCH, "Passed", f"{len(runs)} runs of `before` agree on {agreed}", evidence
    )


def reversed_gold(difference: str | None) -> ControlResult:
    """Compare `before` with `after` without the gold patch; ``difference`` is None when intake did not compare."""
    if difference is None:
        return control_result(ControlName.REVERSED_GOLD, "Unknown", "intake did not compare the trees")
    if difference:
        return control_result(ControlName.REVERSED_GOLD, "Failed", difference)
    return control_result(
        ControlName.REVERSED_GOLD, "Passed", "`after` without the gold patch is the tree of `before`"
    )


def base_tests(base: Sequence[ControlRun], tolerated: Collection[str] = ()) -> ControlResult:
    """Read what the changed test files did before the test patch: tests that failed there need another cause."""
    name = ControlName.BASE_TESTS
    evidence = next((run.evidence for run in base if run.evidence), None)
    if problem := _problem(base):
        return control_result(name, "Unknown", f"`base`: {problem}", evidence)
    statuses, _ = merge_repeats([run.statuses for run in base])
    failing = {test for test, status in statuses.items() if status in FAILING} - set(tolerated)
    if all(status is CaseStatus.ERROR for status in statuses.values()):
        codes = _listed(run.code for run in base) if base else "none"
        return control_result(name, "Unknown", f"`base`: no test could run (codes: {codes})", evidence)
    if failing:
        found = f"{_named(failing)} failed in `base`, where neither patch is applied"
        return control_result(name, "Failed", found, evidence)
    return control_result(name, "Passed", f"no test of {len(statuses)} failed in `base`", evidence)


def shuffled(after: Sequence[ControlRun], runs: Sequence[ControlRun]) -> ControlResult:
    """Compare `after` in the collected order of the tests with a run in another order."""
    name = ControlName.SHUFFLED
    for run in runs:
        if run.record is None or not run.record.shuffled:
            kept = "the order of the tests cannot be changed: the command runs no pytest that the runner can reach"
            return _not_varied(name, after, run, kept)
        varied = f"{pluralize(len(run.statuses), 'test')} in another order"
        return _varied_result(name, after, run, varied, "in another order")
    return control_result(name, "Unknown", "no run in another order")


def cpu(after: Sequence[ControlRun], runs: Sequence[ControlRun]) -> ControlResult:
    """Compare `after` with runs on given numbers of CPUs; those that the node does not have say nothing."""
    name = ControlName.CPU
    if problem := next((found for run in runs if (found := _no_result([*after, run]))), ""):
        return control_result(name, "Unknown", problem)
    limited = [run for run in runs if run.record is not None and run.record.cpus == run.number]
    counts = ", ".join(str(run.number) for run in limited)
    if not limited:
        return control_result(name, "Unknown", "no run whose number of CPUs the node has")
    for run in limited:
        if difference := _difference(after, run):
            found = f"with {pluralize(run.number, 'CPU')}: {difference}"
            return control_result(name, "Failed", found, run.evidence)
    agreed = f"with {counts} CPUs: the outcome is that of `after`"
    return control_result(name, "Passed", agreed, limited[0].evidence)


def clock(after: Sequence[ControlRun], runs: Sequence[ControlRun]) -> ControlResult:
    """Compare `after` with a run whose clock is one year later."""
    name = ControlName.CLOCK
    for run in runs:
        if run.record is None or not run.record.later_clock:
            kept = "the programs of the image show the real time: their C library does not load libfaketime"
            return _not_varied(name, after, run, kept)
        return _varied_result(name, after, run, "one year later", "one year later")
    why = "intake left no layer with libfaketime: it ran before this control was asked for"
    return control_result(name, "Unknown", why)


def _not_varied(name: ControlName, after: Sequence[ControlRun], run: ControlRun, why: str) -> ControlResult:
    """Return the result of a run in which the runner could not change what the control changes."""
    return control_result(name, "Unknown", _no_result([*after, run]) or why, run.evidence)


def _varied_result(
    name: ControlName, after: Sequence[ControlRun], run: ControlRun, agreeing: str, differing: str
) -> ControlResult:
    """Compare the run with `after`; the texts say what was changed, where the outcome is the same and where not."""
    if problem := _no_result([*after, run]):
        return control_result(name, "Unknown", problem, run.evidence)
    if difference := _difference(after, run):
        return control_result(name, "Failed", f"{differing}: {difference}", run.evidence)
    return control_result(name, "Passed", f"{agreeing}: the outcome is that of `after`", run.evidence)


def _no_result(runs: Iterable[ControlRun]) -> str:
    """Return why the last of the runs cannot be compared with those before; empty when it can."""
    for run in runs:
        if run.code is None:
            return f"a pod gave no result ({run.fault or 'no record'})"
        if run.problem:
            return run.problem
    return ""


def _difference(after: Sequence[ControlRun], run: ControlRun) -> str:
    """Return how the run differs from the matrix, whose unstable tests do not count; empty when it does not."""
    codes = [each.code for each in after]
    if run.code not in codes:
        return f"code {run.code} instead of {_listed(sorted({*codes}, key=str))}"
    reference = [each.statuses for each in after]
    differing = merge_repeats([*reference, run.statuses])[1] - merge_repeats(reference)[1]
    return f"{_named(differing)} had another outcome" if differing else ""


def _problem(runs: Iterable[ControlRun]) -> str:
    return next((run.problem for run in runs if run.problem), "")


def _listed(codes: Iterable[int | None]) -> str:
    return ", ".join("none" if code is None else str(code) for code in codes)


def _named(tests: Collection[str]) -> str:
    shown = ", ".join(sorted(tests)[:TESTS_NAMED])
    more = f" and {len(tests) - TESTS_NAMED} more" if len(tests) > TESTS_NAMED else ""
    return f"{pluralize(len(tests), 'test')} ({shown}{more})"
