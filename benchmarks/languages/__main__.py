"""`python benchmarks/languages [LANGUAGE …]`: share of release pairs of each language that the recipe solves.

The pairs of corpus.tsv are collected, applied to the cluster with the recipe as the only strategy, and run to their
verdict. A pair is solved where its row is valid (`fail2pass` or `error2pass`). Pairs without changed tests or without a
fix are no rows and do not count; in pairs that end as `pass2pass`, the environment works, but the tests do not notice
the fix: they are counted apart.

Options: --set NAME (`rules`: the recipe's rules were written on these pairs; `unseen`: they were chosen by chance and
not looked at before), --wave N (pairs applied at a time, 6), --minutes N (for each wave, 10), --namespace NAME, --cache
FOLDER, --out FILE (JSON lines, one for each pair).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SWE = Path(sys.executable).with_name("swefoundry")
POLL_SECONDS = 5.0
VALID = ("fail2pass", "error2pass")
NO_ROW = "no row"

Json = dict[str, Any]


@dataclass(frozen=True)
class CorpusPair:
    """A line of corpus.tsv."""

    language: str
    set: str
    pair: str


@dataclass(frozen=True)
class PairResult:
    """The end of one pair."""

    language: str
    set: str
    pair: str
    ending: str
    """Its verdict; `no row` where the releases have no changed tests or no fix; `not collected` where they could not be
    had; else the reason or phase of its end.
    """
    rounds: int
    seconds: float
    """From applying to the verdict."""


def main() -> None:
    """Run the selected pairs and print a line for each, then the shares."""
    options = _options()
    rows = [line.split("\t") for line in (HERE / "corpus.tsv").read_text().splitlines() if line[:1] != "#"]
    pairs = [CorpusPair(*row) for row in rows]
    selected = [
        pair
        for pair in pairs
        if (not options.languages or pair.language in options.languages) and options.set in (None, pair.set)
    ]
    results: list[PairResult] = []
    for start in range(0, len(selected), options.wave):
        for result in run_wave(selected[start : start + options.wave], options):
            results.append(result)
            print(
                f"{result.language:10} {result.set:7} {result.pair:55} {result.ending:14} {result.rounds} rounds"
                f" {result.seconds:5.0f} s",
                flush=True,
            )
            if options.out:
                with open(options.out, "a") as out:
                    out.write(json.dumps(asdict(result)) + "\n")
    print(summary(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("languages", nargs="*")
    parser.add_argument("--set", choices=("rules", "unseen"))
    parser.add_argument("--wave", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--namespace", default="swefoundry-extra")
    parser.add_argument("--cache", default=tempfile.gettempdir())
    parser.add_argument("--out")
    return parser.parse_args()


def run_wave(pairs: Sequence[CorpusPair], options: argparse.Namespace) -> Iterator[PairResult]:
    """Collect, apply and follow some pairs together."""
    with tempfile.TemporaryDirectory() as folder:
        collected = {pair: _collected(pair, Path(folder) / str(i), options) for i, pair in enumerate(pairs)}
        manifests = {pair: path for pair, path in collected.items() if isinstance(path, Path)}
        names = {pair: _name(path) for pair, path in manifests.items()}
        for path in manifests.values():
            _kubectl("apply", "--server-side", "-n", options.namespace, "-f", str(path))
        started = time.monotonic()
        ended: dict[str, tuple[Json, float]] = {}
        while len(ended) < len(names) and time.monotonic() - started < options.minutes * 60:
            time.sleep(POLL_SECONDS)
            for name, status in _statuses(options.namespace).items():
                if name in names.values() and name not in ended and _is_finished(status):
                    ended[name] = (status, time.monotonic() - started)
        for pair in pairs:
            if pair in names:
                yield _result(pair, names[pair], ended)
            else:
                yield PairResult(**asdict(pair), ending=str(collected[pair]), rounds=0, seconds=0)
        if names:
            _kubectl(
                "delete", "ti", "-n", options.namespace, *names.values(), "--wait=true", "--timeout=120s"
            )


def _collected(pair: CorpusPair, folder: Path, options: argparse.Namespace) -> str | Path:
    """The pair's manifest, or how the pair ends without one."""
    command = [str(SWE), "collect", "releases", pair.pair, "--strategies", "recipe"]
    places = ["--out", str(folder), "--cache", options.cache, "--namespace", options.namespace]
    done = subprocess.run([*command, *places], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return next(folder.glob("*.yaml"))
    print(done.stdout + done.stderr, file=sys.stderr)
    return NO_ROW if "differ" in done.stdout + done.stderr else "not collected"


def _name(manifest: Path) -> str:
    documents = yaml.safe_load_all(manifest.read_text())
    return next(str(each["metadata"]["name"]) for each in documents if each["kind"] == "TaskInstance")


def _statuses(namespace: str) -> dict[str, Json]:
    items = json.loads(_kubectl("get", "ti", "-n", namespace, "-o", "json"))["items"]
    return {item["metadata"]["name"]: item.get("status", {}) for item in items}


def _is_finished(status: Json) -> bool:
    return bool(status.get("verdict")) or status.get("phase") == "Failed"


def _result(pair: CorpusPair, name: str, ended: dict[str, tuple[Json, float]]) -> PairResult:
    if name not in ended:
        return PairResult(**asdict(pair), ending="not finished", rounds=0, seconds=0)
    status, seconds = ended[name]
    ready = (each["reason"] for each in status.get("conditions", ()) if each["type"] == "Ready")
    ending = status.get("verdict") or next(ready, status["phase"])
    return PairResult(**asdict(pair), ending=ending, rounds=int(status.get("round") or 0), seconds=seconds)


def summary(results: Sequence[PairResult]) -> str:
    """A table: for each language and set, pairs with a row, solved in the first round, solved in all, other ends."""
    lines = ["| language | set | rows | first round | solved | other ends |", "|---|---|---|---|---|---|"]
    for language, name in sorted({(result.language, result.set) for result in results}):
        rows = [
            each
            for each in results
            if (each.language, each.set) == (language, name) and each.ending != NO_ROW
        ]
        solved = [each for each in rows if each.ending in VALID]
        others = Counter(each.ending for each in rows if each.ending not in VALID)
        text = ", ".join(f"{count} {ending}" for ending, count in sorted(others.items()))
        first = sum(each.rounds <= 1 for each in solved)
        lines.append(f"| {language} | {name} | {len(rows)} | {first} | {len(solved)} | {text} |")
    return "\n".join(lines)


def _kubectl(*arguments: str) -> str:
    return subprocess.run(["kubectl", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
