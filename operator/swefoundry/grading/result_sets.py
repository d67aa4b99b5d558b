"""Which tests did the fix change? The sets of SWE-bench, from the statuses of the stages.

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

from swefoundry.grading.testcase_status import Status, Statuses, worse


class Standing(StrEnum):
    """What a status says when two stages are compared."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    NONE = "none"


STANDING = {
    Status.PASSED: Standing.PASS,
    Status.XFAILED: Standing.PASS,
    Status.FAILED: Standing.FAIL,
    Status.ERROR: Standing.FAIL,
    Status.SKIPPED: Standing.SKIP,
}

SET_OF = {
    (Standing.FAIL, Standing.PASS): "fail_to_pass",
    (Standing.NONE, Standing.PASS): "none_to_pass",
    (Standing.SKIP, Standing.PASS): "skip_to_pass",
    (Standing.PASS, Standing.PASS): "pass_to_pass",
    (Standing.PASS, Standing.FAIL): "pass_to_fail",
    (Standing.PASS, Standing.NONE): "pass_to_fail",
    (Standing.FAIL, Standing.FAIL): "fail_to_fail",
}


@dataclass(frozen=True)
class Sets:
    """Test ids, sorted; no id is in two sets."""

    fail_to_pass: tuple[str, ...] = ()
    none_to_pass: tuple[str, ...] = ()
    skip_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    pass_to_fail: tuple[str, ...] = ()
    fail_to_fail: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    """Tests whose repeats disagree; they are in no other set."""

    @property
    def swe_bench_fail_to_pass(self) -> tuple[str, ...]:
        """Everything that passes only with the fix."""
        return tuple(sorted({*self.fail_to_pass, *self.none_to_pass, *self.skip_to_pass}))

    def by_name(self) -> dict[str, tuple[str, ...]]:
        """``{"FAIL_TO_PASS": …}``: the sets that are not empty, and the two that every data set has."""
        named = {each.name.upper(): tuple(getattr(self, each.name)) for each in fields(self)}
        return {name: ids for name, ids in named.items() if ids or name in ("FAIL_TO_PASS", "PASS_TO_PASS")}


def compare(before: Sequence[Statuses], after: Sequence[Statuses]) -> Sets:
    """The sets from the repeats of the two stages, one mapping per repeat."""
    failing, shaky = agree(before)
    passing, shaking = agree(after)
    unstable = shaky | shaking
    members: dict[str, list[str]] = {name: [] for name in SET_OF.values()}
    for test in failing.keys() | passing.keys():
        name = SET_OF.get((_standing(failing, test), _standing(passing, test)))
        if name is not None and test not in unstable:
            members[name].append(test)
    made = {name: tuple(sorted(ids)) for name, ids in members.items()}
    return Sets(unstable=tuple(sorted(unstable)), **made)


def agree(repeats: Sequence[Statuses]) -> tuple[Statuses, set[str]]:
    """One status per test, the worst, and the tests on whose standing the repeats disagree."""
    if not repeats:
        return {}, set()
    if len(repeats) == 1:
        return repeats[0], set()
    merged: dict[str, Status] = {}
    unstable: set[str] = set()
    for test in _ids(repeats):
        merged[test] = _worst(run[test] for run in repeats if test in run)
        if len({_standing(run, test) for run in repeats}) > 1:
            unstable.add(test)
    return merged, unstable


def _ids(repeats: Iterable[Statuses]) -> set[str]:
    return set().union(*(run.keys() for run in repeats))


def _worst(statuses: Iterable[Status]) -> Status:
    first, *rest = statuses
    for status in rest:
        first = worse(first, status)
    return first


def _standing(statuses: Statuses, test: str) -> Standing:
    status = statuses.get(test)
    return Standing.NONE if status is None else STANDING[status]
