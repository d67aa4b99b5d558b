"""`python benchmarks/reuse [PACKAGE …]`: measure the builds and the time that the reuse of environments saves.

Release pairs of real packages (pairs.txt) run twice on the cluster: with the strategy `recipe`, and with
`reuse,recipe`. The two sides of a package run one after the other, with alternating order. Each side has new task
repositories, so that no environment of an earlier run is reused. Only ratios within one run are meaningful.

Options: --pairs FILE (pairs.txt; one_package.txt has 23 releases of one package), --namespace NAME (swefoundry-extra),
--keep (leave the objects), --out FILE (JSON, one object per side).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SWE = Path(sys.executable).with_name("swefoundry")
SIDES = {"recipe": "recipe", "reuse": "reuse,recipe"}
POLL_SECONDS = 1.0
BUDGET = {"rounds": 5}

Json = dict[str, Any]


@dataclass(frozen=True)
class Measurement:
    """Result of one package with one side's strategies."""

    package: str
    side: str
    verdicts: dict[str, str]
    """By release; they must be the same on both sides."""
    builds: int
    """Builds, with failed ones."""
    reused: int
    refused: int
    """Reused images that the probe refused."""
    pod_seconds: float
    """Pod seconds of builds, checkouts and probes."""
    seconds: float
    """Time from applying all instances to the last verdict."""


def main() -> None:
    """Measure all selected packages and print the results."""
    options = _options()
    lines = [line for line in options.pairs.read_text().splitlines() if not line.startswith("#")]
    packages: dict[str, list[str]] = {}
    for line in lines:
        packages.setdefault(line.partition(":")[0], []).append(line)
    selected = {name: pairs for name, pairs in packages.items() if not options.names or name in options.names}
    run = uuid.uuid4().hex[:6]
    results = []
    for number, (package, pairs) in enumerate(selected.items()):
        sides = list(SIDES) if number % 2 == 0 else list(SIDES)[::-1]
        for side in sides:
            results.append(measure(package, side, pairs, run, options))
            print(_line(results[-1]), flush=True)
            if options.out:
                with open(options.out, "a") as out:
                    out.write(json.dumps(asdict(results[-1])) + "\n")
    print(summary(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--pairs", type=Path, default=HERE / "pairs.txt")
    parser.add_argument("--namespace", default="swefoundry-extra")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--out")
    return parser.parse_args()


def measure(
    package: str, side: str, pairs: Sequence[str], run: str, options: argparse.Namespace
) -> Measurement:
    """Apply all pairs of a package at the same time and wait for their verdicts."""
    with tempfile.TemporaryDirectory() as folder:
        pairs_file = Path(folder) / "pairs.txt"
        pairs_file.write_text("".join(f"{pair} repo=bench-{run}-{side}/{package}\n" for pair in pairs))
        template = Path(folder) / "template.yaml"
        template.write_text(json.dumps({"kind": "TaskInstance", "spec": {"budget": BUDGET}}))
        out = Path(folder) / "manifests"
        command = [
            "collect",
            "releases",
            "--file",
            str(pairs_file),
            "--out",
            str(out),
            "--template",
            str(template),
        ]
        _run([str(SWE), *command, "--strategies", SIDES[side], "--namespace", options.namespace])
        started = time.monotonic()
        _run(["kubectl", "apply", "--server-side", "-n", options.namespace, "-f", str(out)])
        tasks = _wait_until_finished(out, options.namespace)
        seconds = time.monotonic() - started
        builds = [
            _get("eb", item["status"]["envBuild"], options.namespace) for item in tasks if _has_build(item)
        ]
        if not options.keep:
            _run(["kubectl", "delete", "-n", options.namespace, "-f", str(out), "--wait=false"])
    rounds = [item for build in builds for item in build["status"].get("rounds", [])]
    reuse_rounds = [item for item in rounds if "parent" in item]
    accepted = [item for item in reuse_rounds if item["outcome"].startswith("Accepted")]
    return Measurement(
        package=package,
        side=side,
        verdicts={_release(item): item["status"].get("verdict", "none") for item in tasks},
        builds=len(rounds) - len(reuse_rounds),
        reused=len(accepted),
        refused=len(reuse_rounds) - len(accepted),
        pod_seconds=sum(build["status"].get("podSeconds", 0) for build in builds),
        seconds=seconds,
    )


def _has_build(task: Json) -> bool:
    return "envBuild" in task["status"]


def _release(task: Json) -> str:
    return str(json.loads(task["metadata"]["annotations"]["swefoundry.dev/row"])["releases"][1])


def _wait_until_finished(manifests: Path, namespace: str) -> list[Json]:
    while True:
        response = json.loads(_run(["kubectl", "get", "-n", namespace, "-f", str(manifests), "-o", "json"]))
        items = response.get("items", [response])
        tasks = [item for item in items if item["kind"] == "TaskInstance"]
        if all("finishedAt" in item.get("status", {}) for item in tasks):
            return tasks
        time.sleep(POLL_SECONDS)


def _get(kind: str, name: str, namespace: str) -> Json:
    body: Json = json.loads(_run(["kubectl", "get", kind, name, "-n", namespace, "-o", "json"]))
    return body


def _run(command: Sequence[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
    return result.stdout


def _line(item: Measurement) -> str:
    valid = sum(verdict == "fail2pass" for verdict in item.verdicts.values())
    return (
        f"{item.package:16} {item.side:7} {len(item.verdicts)} instances, {valid} valid, {item.builds:2} builds, "
        f"{item.reused} reused, {item.refused} refused, {item.pod_seconds:5.0f} pod seconds, {item.seconds:5.0f} s"
    )


def summary(results: Iterable[Measurement]) -> str:
    """Sums of both sides, their ratios, and the verdicts that differ."""
    sides = {side: [item for item in results if item.side == side] for side in SIDES}
    lines = []
    for name in ("builds", "pod_seconds", "seconds"):
        recipe, reuse = (sum(getattr(item, name) for item in sides[side]) for side in SIDES)
        ratio = f"{reuse / recipe:.2f}" if recipe else "-"
        lines.append(f"{name:12} recipe {recipe:7.0f}   reuse,recipe {reuse:7.0f}   ratio {ratio}")
    verdicts = {side: {item.package: item.verdicts for item in sides[side]} for side in SIDES}
    differences = [
        f"{package} {release}: recipe {verdict}, reuse {verdicts['reuse'].get(package, {}).get(release)}"
        for package, by_release in verdicts["recipe"].items()
        for release, verdict in by_release.items()
        if verdicts["reuse"].get(package, {}).get(release) != verdict
    ]
    return "\n".join(
        [*lines, *(f"differs: {line}" for line in differences)] if differences else [*lines, "same verdicts"]
    )


if __name__ == "__main__":
    main()
