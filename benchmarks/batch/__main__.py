"""`python benchmarks/batch`: when the instances of a batch end, with the operator's policy of f3b3550 and with today's.

A simulation: pods are durations, nodes are CPU and memory (node_model.py), and places and requests are the operator's
own (PodLimiter, resource_estimates). A seed draws durations and use of 61 rows (rows.tsv), the same for all policies.
First-come is the order before: whoever has waited longest gets one place, and asks again for its next pod behind all
others. Tables: places alone, on nodes without limits; two CPUs; three unlike nodes; nodes that pull images; the
estimate of the time left.

Options: --seeds N (20), --table NAME.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from statistics import geometric_mean, mean, median

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "operator")]

from estimates import FRACTIONS, estimate_errors  # noqa: E402
from node_model import Node  # noqa: E402
from shape import Row, make_rows  # noqa: E402
from simulation import F3B3550, TODAY, Policy, Simulation  # noqa: E402

from swefoundry.workloads.attempt import Role  # noqa: E402
from swefoundry.workloads.pod_limiter import PlaceLimits  # noqa: E402

ROOMY = dict.fromkeys(Role, 1000)
SIX_EVALUATIONS = PlaceLimits({Role.INTAKE: 4, Role.BUILD: 2, Role.EVALUATION: 6, Role.AGENT: 8})
PLACES = {
    "6, one limit for all": PlaceLimits(ROOMY, total=6),
    "16, one limit for all": PlaceLimits(ROOMY, total=16),
    "6 of evaluations (4 intake, 2 build)": SIX_EVALUATIONS,
    "16 of evaluations (8 intake, 4 build)": PlaceLimits(
        {Role.INTAKE: 8, Role.BUILD: 4, Role.EVALUATION: 16, Role.AGENT: 8}
    ),
}
USES = (150, 300, 600)
"""Medians of what evaluations use, in thousandths of a CPU."""
PULL_SECONDS = (10, 40)
UNLIKE_BATCHES = 4
"""Batches of 61 rows on the unlike nodes at a time: one ends before they are full."""
Reduction = Callable[[Sequence[float]], float]
MEASURES: dict[str, Reduction] = {"mean": mean, "median": median, "first": min, "last": max}

Nodes = Callable[[], list[Node]]


def without_limits() -> list[Node]:
    """Every pod that is created gets a node."""
    return [Node(inf, inf)]


def two_cpus() -> list[Node]:
    """The lab: two CPUs and 8 GiB, less what the system's pods request."""
    return [Node(1900, 7000)]


def unlike() -> list[Node]:
    """Nodes of two, four and eight CPUs."""
    return [Node(1900, 7000, 0), Node(3900, 15000, 1), Node(7900, 31000, 2)]


def four_alike() -> list[Node]:
    """Four nodes of four CPUs."""
    return [Node(3900, 15000, number) for number in range(4)]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--table", choices=TABLES, action="append", help="only this table")
    arguments = parser.parse_args()
    for name in arguments.table or TABLES:
        TABLES[name](range(arguments.seeds))


def _print_places(seeds: Sequence[int]) -> None:
    batches = [make_rows(HERE / "rows.tsv", seed) for seed in seeds]
    _print_head("places", "first-come", "finish-first")
    for name, limits in PLACES.items():
        sides = (limits, Policy("first-come")), (limits, TODAY)
        print("\n".join(_lines(name, batches, without_limits, *sides)))


def _print_two_cpus(seeds: Sequence[int]) -> None:
    _print_head("two CPUs", "f3b3550", "today")
    for use in USES:
        batches = [make_rows(HERE / "rows.tsv", seed, use) for seed in seeds]
        sides = (SIX_EVALUATIONS, F3B3550), (SIX_EVALUATIONS, TODAY)
        print("\n".join(_lines(f"evaluations use {use}m", batches, two_cpus, *sides)))


def _print_unlike(seeds: Sequence[int]) -> None:
    _print_head("unlike nodes", "f3b3550", "today")
    for use in USES:
        batches = [_several(seed, use) for seed in seeds]
        sides = (PlaceLimits(ROOMY), F3B3550), (PlaceLimits(ROOMY), TODAY)
        print("\n".join(_lines(f"evaluations use {use}m", batches, unlike, *sides)))


def _print_pulls(seeds: Sequence[int]) -> None:
    _print_head("four nodes, pulls", "any node", "nodes with the image")
    batches = [make_rows(HERE / "rows.tsv", seed) for seed in seeds]
    sides = (PlaceLimits(ROOMY), TODAY), (PlaceLimits(ROOMY), Policy(prefer_image=True))
    for pull in PULL_SECONDS:
        print("\n".join(_lines(f"pull of {pull} s", batches, four_alike, *sides, pull_seconds=pull)))


def _print_head(what: str, before: str, after: str) -> None:
    print(f"\n| {what} | verdict after (s) | {before} | {after} | ratio |\n|---|---|---|---|---|")


def _several(seed: int, use: float) -> list[Row]:
    return [
        row.renamed(f"{part}-")
        for part in range(UNLIKE_BATCHES)
        for row in make_rows(HERE / "rows.tsv", UNLIKE_BATCHES * seed + part, use)
    ]


def _lines(
    name: str,
    batches: Sequence[Sequence[Row]],
    nodes: Nodes,
    *sides: tuple[PlaceLimits, Policy],
    pull_seconds: float = 0,
) -> list[str]:
    before, after = (
        [_ends(Simulation(rows, *side, nodes(), pull_seconds)) for rows in batches] for side in sides
    )
    lines = []
    for measure, reduce in MEASURES.items():
        old, new = [reduce(ends) for ends in before], [reduce(ends) for ends in after]
        ratio = geometric_mean(now / then for now, then in zip(new, old, strict=True))
        lines.append(f"| {name} | {measure} | {mean(old):,.0f} | {mean(new):,.0f} | {ratio:.2f} |")
    return lines


def _ends(simulation: Simulation) -> list[float]:
    finished = simulation.run()
    return [finished[row.name] for row in simulation.rows if row.valid]


def _print_estimates(seeds: Sequence[int]) -> None:
    print(
        "\n| cluster | work done | runs with an estimate | mean error | mean deviation |\n|---|---|---|---|---|"
    )
    for name, nodes in (("without limits", without_limits), ("two CPUs", two_cpus)):
        runs = [
            estimate_errors(make_rows(HERE / "rows.tsv", seed), SIX_EVALUATIONS, nodes()) for seed in seeds
        ]
        for fraction in FRACTIONS:
            errors = [run[fraction] for run in runs if fraction in run]
            numbers = f"{mean(map(abs, errors)):.0%} | {mean(errors):+.0%}" if errors else "- | -"
            print(f"| {name} | {fraction:.0%} | {len(errors)} of {len(runs)} | {numbers} |")


TABLES: dict[str, Callable[[Sequence[int]], None]] = {
    "places": _print_places,
    "two-cpus": _print_two_cpus,
    "unlike": _print_unlike,
    "pulls": _print_pulls,
    "estimates": _print_estimates,
}

if __name__ == "__main__":
    main()
