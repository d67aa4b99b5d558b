"""`python benchmarks/batch`: when the instances of a batch end, with places given finish first or first come.

A simulation: pods are durations, and the cluster runs every pod that is created. The order of the places is the
operator's own (PodLimiter). First-come is the order before: whoever has waited longest gets one place, and asks again
for its next pod behind all others. 61 rows (rows.tsv) whose durations a seed draws; both policies get the same ones.

Options: --seeds N (20).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean, mean, median

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "operator")]

from shape import Row, make_rows  # noqa: E402
from simulation import Policy, Simulation  # noqa: E402

from swefoundry.workloads.attempt import Role  # noqa: E402
from swefoundry.workloads.pod_limiter import PlaceLimits  # noqa: E402

ROOMY = dict.fromkeys(Role, 1000)
PLACES = {
    "6, one limit for all": PlaceLimits(ROOMY, total=6),
    "16, one limit for all": PlaceLimits(ROOMY, total=16),
    "6 of evaluations (4 intake, 2 build)": PlaceLimits(
        {Role.INTAKE: 4, Role.BUILD: 2, Role.EVALUATION: 6, Role.AGENT: 8}
    ),
    "16 of evaluations (8 intake, 4 build)": PlaceLimits(
        {Role.INTAKE: 8, Role.BUILD: 4, Role.EVALUATION: 16, Role.AGENT: 8}
    ),
}
MEASURES = {"mean": mean, "median": median, "first": min, "last": max}


def main() -> None:
    """Print both policies and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    print("| places | verdict after (s) | first-come | finish-first | ratio |\n|---|---|---|---|---|")
    for name, limits in PLACES.items():
        print("\n".join(_lines(name, limits, [make_rows(HERE / "rows.tsv", seed) for seed in seeds])))


def _lines(name: str, limits: PlaceLimits, batches: Sequence[Sequence[Row]]) -> list[str]:
    before, after = (
        [_ends(rows, limits, policy) for rows in batches] for policy in ("first-come", "finish-first")
    )
    lines = []
    for measure, reduce in MEASURES.items():
        old, new = [reduce(ends) for ends in before], [reduce(ends) for ends in after]
        ratio = geometric_mean(now / then for now, then in zip(new, old, strict=True))
        lines.append(f"| {name} | {measure} | {mean(old):,.0f} | {mean(new):,.0f} | {ratio:.2f} |")
    return lines


def _ends(rows: Sequence[Row], limits: PlaceLimits, policy: Policy) -> list[float]:
    finished = Simulation(rows, limits, policy).run()
    return [finished[row.name] for row in rows if row.valid]


if __name__ == "__main__":
    main()
