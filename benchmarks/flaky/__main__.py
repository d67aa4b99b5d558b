"""`python benchmarks/flaky`: share of unstable tests that are kept out of FAIL_TO_PASS, and what that costs.

A simulated row has a test that the fix turns, one that always passes, and one that passes with probability p: in both
stages, only after the fix (before it, it fails), or only before it (after it, it passes). The product's stopping rule
decides how many pairs (`before`, `after`) are run; its sets and its verdict decide what is exported. Rows whose probe
is not accepted are drawn again, as a search for an environment would do, so the probe is a biased sample.

No cluster is needed. All draws come from `--seed`.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT / "operator")]

from swefoundry.contracts.stages import PROBE, Stage  # noqa: E402
from swefoundry.grading.result_sets import compare_stages  # noqa: E402
from swefoundry.grading.sampled_verdict import SampledRun, sampled_verdict  # noqa: E402
from swefoundry.grading.samples import Sample, outcomes_hash  # noqa: E402
from swefoundry.grading.stopping_rule import needs_more_samples  # noqa: E402
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses  # noqa: E402
from swefoundry.grading.verdict import Verdict  # noqa: E402

PROBABILITIES = tuple(number / 20 for number in range(1, 20))
MIN_REPEATS = (1, 2, 3, 4, 6, 8, 12, 16, 20)
DEFAULT_REPEATS = 5
GOAL = 0.99

UNSTABLE_TEST = "unstable"


class Kind(StrEnum):
    """Stages in which the test passes by chance."""

    BOTH = "both stages"
    AFTER = "only after the fix"
    BEFORE = "only before the fix"


Passes = tuple[tuple[bool, bool], ...]
"""Of each pair, whether the unstable test passed in `before` and in `after`."""


@dataclass(frozen=True)
class Judgement:
    """What is exported of a row."""

    verdict: Verdict
    listed_in: str
    """Set of the unstable test."""


@dataclass(frozen=True)
class Shares:
    """Results over many rows."""

    kept_out: float
    """Rows whose FAIL_TO_PASS does not have the test."""
    named: float
    """Rows that call the test unstable."""
    valid: float
    """Rows that stay fail2pass, by the test that the fix turns."""
    pairs: float
    """Mean number of pairs of the matrix."""


def main() -> None:
    """Simulate all kinds and probabilities, and print a table for each kind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000, help="simulated rows for each p and minRepeats")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for kind in Kind:
        shares = {
            (p, least): simulate(kind, p, least, options.rows, options.seed)
            for p in PROBABILITIES
            for least in MIN_REPEATS
        }
        print(f"\nA test that passes with probability p in {kind}\n" if kind is Kind.BOTH else f"\n{kind}\n")
        print("\n".join(_table("kept out of FAIL_TO_PASS, %", shares, lambda item: 100 * item.kept_out)))
        print("\n".join(_table("called unstable, %", shares, lambda item: 100 * item.named)))
        print("\n".join(_table("mean pairs", shares, lambda item: item.pairs)))
        print(f"\nrows that stay fail2pass: {min(item.valid for item in shares.values()):.0%} at least")
        print(f"minRepeats from which p is kept out in {GOAL:.0%} of the rows: {_smallest(shares)}")


def simulate(kind: Kind, p: float, least: int, rows: int, seed: int) -> Shares:
    """Draw rows of one kind and judge each."""
    draw = random.Random(f"{seed} {kind} {p} {least}")
    most = max(least, DEFAULT_REPEATS)
    found = [_row(kind, p, least, most, draw) for _ in range(rows)]
    judged = [judge(passes) for passes in found]
    return Shares(
        kept_out=sum(each.listed_in != "FAIL_TO_PASS" for each in judged) / rows,
        named=sum(each.listed_in == "UNSTABLE" for each in judged) / rows,
        valid=sum(each.verdict is Verdict.FAIL2PASS for each in judged) / rows,
        pairs=sum(len(passes) - 1 for passes in found) / rows,
    )


def _row(kind: Kind, p: float, least: int, most: int, draw: random.Random) -> Passes:
    """The accepted probe, and the pairs of the matrix that the product would run."""

    def pair() -> tuple[bool, bool]:
        before, after = draw.random() < p, draw.random() < p
        return (before and kind is not Kind.AFTER, after or kind is Kind.BEFORE)

    probe = pair()
    while not probe[1]:
        probe = pair()
    passes: Passes = (probe, *(pair() for _ in range(least)))
    while len(passes) - 1 < most and wants_another(passes):
        passes = (*passes, pair())
    return passes


@cache
def wants_another(passes: Passes) -> bool:
    """The product's rule over the codes and hashes of a row."""
    return needs_more_samples(
        [Sample(stage, _code(run), outcomes_hash(run)) for stage in PROBE for run in _runs(stage, passes)]
    )


@cache
def judge(passes: Passes) -> Judgement:
    """The product's verdict and sets."""
    before, after = (list(_runs(stage, passes)) for stage in PROBE)
    sets = compare_stages(before, after)
    runs = [
        SampledRun(stage, _code(run), run)
        for stage, all_runs in zip(PROBE, (before, after), strict=True)
        for run in all_runs
    ]
    listed = next((name for name, tests in sets.by_name().items() if UNSTABLE_TEST in tests), "none")
    return Judgement(sampled_verdict(runs, sets), listed)


def _runs(stage: Stage, passes: Passes) -> Iterator[CaseStatuses]:
    for pair in passes:
        passed = pair[PROBE.index(stage)]
        yield {
            "fix": CaseStatus.FAILED if stage is Stage.BEFORE else CaseStatus.PASSED,
            "old": CaseStatus.PASSED,
            UNSTABLE_TEST: CaseStatus.PASSED if passed else CaseStatus.FAILED,
        }


def _code(run: CaseStatuses) -> int:
    return int(CaseStatus.FAILED in run.values())


def _table(
    title: str, shares: dict[tuple[float, int], Shares], value: Callable[[Shares], float]
) -> Iterator[str]:
    yield f"{title:28}" + "".join(f"{least:8}" for least in MIN_REPEATS) + "   minRepeats"
    for p in PROBABILITIES:
        yield f"{f'p = {p:.2f}':28}" + "".join(f"{value(shares[p, least]):8.2f}" for least in MIN_REPEATS)


def _smallest(shares: dict[tuple[float, int], Shares]) -> str:
    """By p, the smallest minRepeats that reaches the goal, and for all p from 0.1 to 0.9 together."""
    by_p = {
        p: next((least for least in MIN_REPEATS if shares[p, least].kept_out >= GOAL), None)
        for p in PROBABILITIES
    }
    inner = [least for p, least in by_p.items() if 0.1 <= p <= 0.9]
    reached = [least for least in inner if least is not None]
    overall = str(max(reached)) if len(reached) == len(inner) else f"more than {MIN_REPEATS[-1]}"
    listed = ", ".join(f"{p:.2f}: {least or '-'}" for p, least in by_p.items())
    return f"{listed}\n0.10 to 0.90 together: {overall}"


if __name__ == "__main__":
    main()
