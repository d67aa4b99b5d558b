"""Result of the control `MutatedGold`: which hunks of the gold patch the tests notice. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from swefoundry.contracts.controls import ControlName, ControlResult, control_result
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.mutants import Mutant
from swefoundry.grading.control_checks import ControlRun
from swefoundry.grading.testcase_status import CaseStatus
from swefoundry.text.plurals import pluralize

NOTICED_CODES = frozenset(
    {
        ExitCode.TESTS_FAILED,
        ExitCode.NOT_RUNNABLE,
        ExitCode.NO_RESULT,
        ExitCode.TIME_LIMIT,
        ExitCode.ABORTED,
    }
)
PASSING = frozenset({CaseStatus.PASSED, CaseStatus.XFAILED})
HUNKS_NAMED = 5
"""Hunks that a message names."""


@dataclass(frozen=True)
class Mutation:
    """What the runs of the mutants gave; those without a result are left out."""

    hunks: int
    """Hunks of the gold patch that could be left out."""
    noticed: int = 0
    """Mutants with which the tests fail."""
    unnoticed: tuple[Mutant, ...] = ()
    """Mutants with which the tests pass."""
    evidence: Digest | None = None
    """Of the first unnoticed mutant, else of the first one."""

    @property
    def ran(self) -> int:
        return self.noticed + len(self.unnoticed)

    @property
    def strength(self) -> int | None:
        """Noticed mutants in percent, rounded down: 100 means all."""
        return 100 * self.noticed // self.ran if self.ran else None


def judge_mutants(
    hunks: int, mutants: Sequence[Mutant], runs: Sequence[ControlRun], fail_to_pass: Collection[str]
) -> Mutation:
    """Compare each run, whose number is that of its mutant, with what `after` gave."""
    if hunks == 1:
        return Mutation(hunks, noticed=1)
    noticed = [run for run in runs if _is_noticed(run, fail_to_pass)]
    unnoticed = [run for run in runs if run.code == ExitCode.OK and run not in noticed]
    first = next(iter([*unnoticed, *noticed]), None)
    return Mutation(
        hunks,
        len(noticed),
        tuple(mutants[run.number] for run in unnoticed),
        first.evidence if first else None,
    )


def mutated_gold(mutation: Mutation | None) -> ControlResult:
    """Name the hunks that no test needs; None stands for an intake that left no mutants."""
    name = ControlName.MUTATED_GOLD
    if mutation is None:
        why = "intake made no trees without a hunk: it ran before this control was asked for, or cannot for this source"
        return control_result(name, "Unknown", why)
    if not mutation.ran:
        return control_result(
            name, "Unknown", f"no run with one of {pluralize(mutation.hunks, 'hunk')} left out"
        )
    if mutation.hunks == 1:
        return control_result(
            name, "Passed", "the gold patch has one hunk, without which the tests fail in `before`"
        )
    of_all = f"{mutation.ran} of {pluralize(mutation.hunks, 'hunk')} left out one at a time"
    if not mutation.unnoticed:
        return control_result(name, "Passed", f"{of_all}: the tests fail each time", mutation.evidence)
    named = ", ".join(mutant.location for mutant in mutation.unnoticed[:HUNKS_NAMED])
    more = len(mutation.unnoticed) - HUNKS_NAMED
    named += f" and {more} more" if more > 0 else ""
    return control_result(
        name, "Failed", f"{of_all}: the tests pass without that of {named}", mutation.evidence
    )


def _is_noticed(run: ControlRun, fail_to_pass: Collection[str]) -> bool:
    if run.code is None:
        return False
    statuses = {} if run.problem else run.statuses
    failing = bool(statuses) and any(statuses.get(test) not in PASSING for test in fail_to_pass)
    return run.code in NOTICED_CODES or failing
