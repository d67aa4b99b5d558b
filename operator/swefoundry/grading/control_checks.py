"""Results of the controls that compare runs which exist anyway. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from swefoundry.contracts.controls import ControlName, ControlResult, control_result
from swefoundry.contracts.digests import Digest
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


def _problem(runs: Iterable[ControlRun]) -> str:
    return next((run.problem for run in runs if run.problem), "")


def _listed(codes: Iterable[int | None]) -> str:
    return ", ".join("none" if code is None else str(code) for code in codes)


def _named(tests: Collection[str]) -> str:
    shown = ", ".join(sorted(tests)[:TESTS_NAMED])
    more = f" and {len(tests) - TESTS_NAMED} more" if len(tests) > TESTS_NAMED else ""
    return f"{pluralize(len(tests), 'test')} ({shown}{more})"
