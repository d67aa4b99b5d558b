"""Compute the test sets of SWE-bench from the statuses of two stages.

======================  ========================  =======
set                     before (tests, no fix)    after
======================  ========================  =======
fail_to_pass            failed, error             passed
error_to_pass           file not collected        passed
none_to_pass            not there                 passed
skip_to_pass            skipped, or its file      passed
pass_to_pass            passed                    passed
pass_to_fail            passed                    failed, error, not there
fail_to_fail            failed, error             failed, error
======================  ========================  =======

``xfailed`` counts as passed. What else happened (skipped after, failed then gone) says nothing about the fix.
SWE-bench counts ``none_to_pass`` and ``skip_to_pass`` into FAIL_TO_PASS: :meth:`CaseSets.swe_bench_fail_to_pass`.

A file, or a class of it, that cannot be collected without the fix hides its tests from ``before``; so does the end of
the process in the middle of a test. Those that passed in ``base`` are in ``pass_to_pass``. All others whose file could
not be collected are in ``error_to_pass``, apart from the tests that were seen to fail.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from swefoundry.grading.changing_ids import changing_ids
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses, worse_status


class CoarseStatus(StrEnum):
    """A status as two stages are compared."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    NONE = "none"


COARSE_STATUS = {
    CaseStatus.PASSED: CoarseStatus.PASS,
    CaseStatus.XFAILED: CoarseStatus.PASS,
    CaseStatus.FAILED: CoarseStatus.FAIL,
    CaseStatus.ERROR: CoarseStatus.FAIL,
    CaseStatus.SKIPPED: CoarseStatus.SKIP,
}

SET_BY_TRANSITION = {
    (CoarseStatus.FAIL, CoarseStatus.PASS): "fail_to_pass",
    (CoarseStatus.NONE, CoarseStatus.PASS): "none_to_pass",
    (CoarseStatus.SKIP, CoarseStatus.PASS): "skip_to_pass",
    (CoarseStatus.PASS, CoarseStatus.PASS): "pass_to_pass",
    (CoarseStatus.PASS, CoarseStatus.FAIL): "pass_to_fail",
    (CoarseStatus.PASS, CoarseStatus.NONE): "pass_to_fail",
    (CoarseStatus.FAIL, CoarseStatus.FAIL): "fail_to_fail",
}
PYTHON_FILE = re.compile(r"\.(?:py|txt|rst|md)\Z")
"""What pytest takes tests from, doctests included."""
NEW_AND_PASSING = (CoarseStatus.NONE, CoarseStatus.PASS)

PYTEST_CRASH = "pytest::internal"
"""Id of the entry that pytest writes when it crashes itself, as by `sys.exit` in a module that it imports."""


@dataclass(frozen=True)
class CaseSets:
    """Sorted test ids; no id is in two sets."""

    fail_to_pass: tuple[str, ...] = ()
    error_to_pass: tuple[str, ...] = ()
    """Tests of files that could not be collected without the fix."""
    none_to_pass: tuple[str, ...] = ()
    skip_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    pass_to_fail: tuple[str, ...] = ()
    fail_to_fail: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    """Tests whose repeats disagree, and ids that change from run to run; in no other set."""

    @property
    def swe_bench_fail_to_pass(self) -> tuple[str, ...]:
        """All tests that pass only with the fix, but for those of files that could not be collected without it."""
        return tuple(sorted({*self.fail_to_pass, *self.none_to_pass, *self.skip_to_pass}))

    def by_name(self) -> dict[str, tuple[str, ...]]:
        """Return ``{"FAIL_TO_PASS": …}``: the sets that are not empty, and the two that every data set has."""
        named = {each.name.upper(): tuple(getattr(self, each.name)) for each in fields(self)}
        return {name: ids for name, ids in named.items() if ids or name in ("FAIL_TO_PASS", "PASS_TO_PASS")}


def compare_stages(
    before: Sequence[CaseStatuses], after: Sequence[CaseStatuses], base: Sequence[CaseStatuses] = ()
) -> CaseSets:
    """Return the sets from the repeats of the stages, one mapping per repeat."""
    failing, unstable_before = merge_repeats(before)
    passing, unstable_after = merge_repeats(after)
    unstable = unstable_before | unstable_after | changing_ids([*before, *after])
    unreported = _UnreportedTests(failing, merge_repeats(base)[0])
    members: dict[str, list[str]] = {each.name: [] for each in fields(CaseSets)}
    for test in (failing.keys() | passing.keys()) - unstable:
        statuses = (_coarse_status(failing, test), _coarse_status(passing, test))
        name = unreported.set_of(test) if statuses == NEW_AND_PASSING else SET_BY_TRANSITION.get(statuses)
        if name is not None:
            members[name].append(test)
    sorted_sets = {name: tuple(sorted(ids)) for name, ids in members.items()}
    return CaseSets(**sorted_sets | {"unstable": tuple(sorted(unstable))})


class _UnreportedTests:
    """Set of a test that ``before`` did not report and that passes after the fix."""

    def __init__(self, before: CaseStatuses, base: CaseStatuses) -> None:
        self._not_collected = not before or PYTEST_CRASH in before
        self._errors = _nodes_with(CaseStatus.ERROR, before)
        self._skipped = _nodes_with(CaseStatus.SKIPPED, before)
        self._base = base

    def set_of(self, test: str) -> str:
        if _coarse_status(self._base, test) is CoarseStatus.PASS:
            return "pass_to_pass"
        if self._not_collected or self._errors.hide(test):
            return "error_to_pass"
        return "skip_to_pass" if self._skipped.hide(test) else "none_to_pass"


@dataclass(frozen=True)
class _CollectorNodes:
    """Files, and classes of files, that have one status as a whole: none of their tests is reported."""

    nodes: frozenset[str]
    folders: tuple[str, ...]
    """A Python package whose __init__.py or conftest.py fails hides everything below it; a package of Go, whose node is
    its import path, hides its own tests alone.
    """

    def hide(self, test: str) -> bool:
        parts = test.split("::")
        above = ("::".join(parts[:length]) for length in range(1, len(parts)))
        in_folder = PYTHON_FILE.search(parts[0]) is not None and parts[0].startswith(self.folders)
        return any(node in self.nodes for node in above) or in_folder


def _nodes_with(status: CaseStatus, statuses: CaseStatuses) -> _CollectorNodes:
    """Return the nodes that may hide tests. Ids of tests among them do no harm: no test is below another."""
    nodes = frozenset(test for test, found in statuses.items() if found is status)
    files = (node for node in nodes if "::" not in node)
    return _CollectorNodes(
        nodes, tuple(re.sub(r"(/__init__|/conftest)?\.py$", "", file) + "/" for file in files)
    )


def merge_repeats(repeats: Sequence[CaseStatuses]) -> tuple[CaseStatuses, set[str]]:
    """Return the worst status per test, and the tests on which the repeats disagree."""
    if not repeats:
        return {}, set()
    if len(repeats) == 1:
        return repeats[0], set()
    merged: dict[str, CaseStatus] = {}
    unstable: set[str] = set()
    for test in _all_test_ids(repeats):
        merged[test] = _worst_status(run[test] for run in repeats if test in run)
        if len({_coarse_status(run, test) for run in repeats}) > 1:
            unstable.add(test)
    return merged, unstable


def _all_test_ids(repeats: Iterable[CaseStatuses]) -> set[str]:
    return set().union(*(run.keys() for run in repeats))


def _worst_status(statuses: Iterable[CaseStatus]) -> CaseStatus:
    first, *rest = statuses
    for status in rest:
        first = worse_status(first, status)
    return first


def _coarse_status(statuses: CaseStatuses, test: str) -> CoarseStatus:
    status = statuses.get(test)
    return CoarseStatus.NONE if status is None else COARSE_STATUS[status]
