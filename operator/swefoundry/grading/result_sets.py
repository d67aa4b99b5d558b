"""Compute the test sets of SWE-bench from the statuses of two stages.

======================  ========================  =======
set                     before (tests, no fix)    after
======================  ========================  =======
fail_to_pass            failed, error             passed
none_to_pass            not there                 passed
skip_to_pass            skipped                   passed
pass_to_pass            passed                    passed
pass_to_fail            passed                    failed, error, not there
fail_to_fail            failed, error             failed, error
======================  ========================  =======

``xfailed`` counts as passed. What else happened (skipped after, failed then gone) says nothing about the fix.
SWE-bench counts ``none_to_pass`` and ``skip_to_pass`` into FAIL_TO_PASS: :meth:`Sets.swe_bench_fail_to_pass`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

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


@dataclass(frozen=True)
class CaseSets:
    """Sorted test ids; no id is in two sets."""

    fail_to_pass: tuple[str, ...] = ()
    none_to_pass: tuple[str, ...] = ()
    skip_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    pass_to_fail: tuple[str, ...] = ()
    fail_to_fail: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    """Tests whose repeats disagree; in no other set."""

    @property
    def swe_bench_fail_to_pass(self) -> tuple[str, ...]:
        """All tests that pass only with the fix."""
        return tuple(sorted({*self.fail_to_pass, *self.none_to_pass, *self.skip_to_pass}))

    def by_name(self) -> dict[str, tuple[str, ...]]:
        """Return ``{"FAIL_TO_PASS": …}``: the sets that are not empty, and the two that every data set has."""
        named = {each.name.upper(): tuple(getattr(self, each.name)) for each in fields(self)}
        return {name: ids for name, ids in named.items() if ids or name in ("FAIL_TO_PASS", "PASS_TO_PASS")}


def compare_stages(before: Sequence[CaseStatuses], after: Sequence[CaseStatuses]) -> CaseSets:
    """Return the sets from the repeats of the two stages, one mapping per repeat."""
    failing, shaky = merge_repeats(before)
    passing, shaking = merge_repeats(after)
    unstable = shaky | shaking
    members: dict[str, list[str]] = {name: [] for name in SET_BY_TRANSITION.values()}
    for test in failing.keys() | passing.keys():
        name = SET_BY_TRANSITION.get((_coarse_status(failing, test), _coarse_status(passing, test)))
        if name is not None and test not in unstable:
            members[name].append(test)
    sorted_sets = {name: tuple(sorted(ids)) for name, ids in members.items()}
    return CaseSets(unstable=tuple(sorted(unstable)), **sorted_sets)


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
