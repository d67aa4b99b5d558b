"""`python benchmarks/searches`: builds and time of a repository's instances, by how their searches wait for each other.

A simulation: pods are durations, and the cluster runs every pod that has a place. Groups, leaders, refused images and
places are decided by the operator's own functions. *One leader* is the policy of f3b3550: all instances of a repository
wait for one search. *Recipe alone* builds each instance.

Options: --seeds N (20), --instances N (25).
"""

import argparse
import sys
from pathlib import Path
from statistics import geometric_mean, mean

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "operator")]

from instances import make_instances  # noqa: E402
from simulation import POLICIES, RunSummary, Simulation  # noqa: E402

from swefoundry.workloads.attempt import Role  # noqa: E402
from swefoundry.workloads.pod_limiter import PlaceLimits  # noqa: E402

ROOMY = dict.fromkeys(Role, 1000)
PLACES = {
    "16, one limit for all": PlaceLimits(ROOMY, total=16),
    "16 of evaluations (8 intake, 4 build)": PlaceLimits(
        {Role.INTAKE: 8, Role.BUILD: 4, Role.EVALUATION: 16, Role.AGENT: 8}
    ),
    "6 of evaluations (4 intake, 1 build)": PlaceLimits(
        {Role.INTAKE: 4, Role.BUILD: 1, Role.EVALUATION: 6, Role.AGENT: 8}
    ),
}


def main() -> None:
    """Print each policy, and its ratios to the recipe alone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--instances", type=int, default=25)
    options = parser.parse_args()
    print(
        "| places | eras | policy | builds | refused images | last verdict (s) | ratio | mean verdict, ratio |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for places, limits in PLACES.items():
        for eras in (3, 1):
            runs = {name: _run(name, limits, eras, options) for name in POLICIES}
            for name in POLICIES:
                print(_line(places, eras, name, runs[name], runs["recipe alone"]))


def _run(policy: str, limits: PlaceLimits, eras: int, options: argparse.Namespace) -> list[RunSummary]:
    seeds = range(options.seeds)
    return [Simulation(make_instances(eras, options.instances, seed), limits, policy).run() for seed in seeds]


def _line(places: str, eras: int, policy: str, runs: list[RunSummary], base: list[RunSummary]) -> str:
    last = geometric_mean(now.seconds / then.seconds for now, then in zip(runs, base, strict=True))
    average = geometric_mean(now.mean / then.mean for now, then in zip(runs, base, strict=True))
    builds, refused = mean(item.builds for item in runs), mean(item.trials for item in runs)
    seconds = mean(item.seconds for item in runs)
    counts = f"{builds:.1f} | {refused:.1f}"
    return f"| {places} | {eras} | {policy} | {counts} | {seconds:,.0f} | {last:.2f} | {average:.2f} |"


if __name__ == "__main__":
    main()
