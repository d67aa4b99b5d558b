"""`python benchmarks/recipes [NAME | PACKAGE:OLD..NEW …]`: try the recipe's drafts for each pair and print the results.

Without names it runs the whole corpus. Options: --rounds N (5), --jobs N (1), --bases IMAGE,…, --out FILE (JSON lines,
one per pair), --logs DIR (all logs).
"""

import argparse
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parents[1] / "operator"))

from archives import CACHE, release  # noqa: E402
from dockerfile_runner import CommandResult, DockerfileRunner  # noqa: E402
from release_task import ReleaseTask, collect_source_facts, compare_releases  # noqa: E402

from swefoundry.contracts.round_outcome import RoundOutcome  # noqa: E402
from swefoundry.drafts import next_proposal  # noqa: E402
from swefoundry.drafts.proposal import StrategyInput, TriedRound  # noqa: E402
from swefoundry.text.log_excerpt import log_excerpt  # noqa: E402

BASES = ["python:3.11-slim", "python:3.9-slim", "python:3.13-slim"]


def main() -> None:
    options = _options()
    rows = [
        line.split("\t")
        for line in (HERE / "corpus.tsv").read_text().splitlines()
        if not line.startswith("#")
    ]
    explicit = [re.split(r":|\.\.(?=\d)", name) for name in options.names if ":" in name]
    names = [name for name in options.names if ":" not in name]
    listed = [row for row in rows if any(f"{row[0]}-{row[1]}".startswith(name) for name in names)]
    selected = [*listed, *explicit] if options.names else rows
    with ThreadPoolExecutor(options.jobs) as pool:
        for future in as_completed([pool.submit(_run_safely, row, options) for row in selected]):
            result = future.result()
            print(
                f"{result['pair']:42} {result['date'] or '':10} {result['verdict']:12} {result['rounds']} rounds"
                f" {result['seconds']:4.0f} s  {result['note']}",
                flush=True,
            )
            if options.out:
                with open(options.out, "a") as out:
                    out.write(json.dumps(result) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out")
    parser.add_argument("--bases", default=",".join(BASES))
    parser.add_argument("--logs", default=str(CACHE / "logs"))
    return parser.parse_args()


def _run_safely(row: list[str], options: argparse.Namespace) -> dict[str, object]:
    started = time.monotonic()
    result = {
        "pair": f"{row[0]} {row[1]} -> {row[2]}",
        "date": None,
        "verdict": "unfetched",
        "rounds": 0,
        "note": "",
    }
    try:
        result |= run_pair(row[0], row[1], row[2], options)
    except (subprocess.CalledProcessError, OSError, ValueError, KeyError) as error:
        result["note"] = str(getattr(error, "stderr", "") or error)[-200:].replace("\n", " ")
    return result | {"seconds": round(time.monotonic() - started, 1)}


def run_pair(package: str, old: str, new: str, options: argparse.Namespace) -> dict[str, object]:
    """Try the recipe's drafts for one pair of releases."""
    trees = CACHE / "trees"
    releases = [release(package, version) for version in (old, new)]
    for each in releases:
        if not (trees / f"{package}-{each.version}").exists():
            each.unpack(trees / f"{package}-{each.version}")
    task = compare_releases(trees / f"{package}-{old}", trees / f"{package}-{new}")
    date = releases[1].uploaded
    source_facts = collect_source_facts(task, old)
    if not source_facts.test_files:
        return {"date": str(date.date()), "verdict": "no-tests"}
    strategy_input = StrategyInput(
        facts=source_facts,
        language="python",
        created_at=date,
        version=old,
        base_images={"python": options.bases.split(",")},
    )
    folder = CACHE / "builds" / f"{package}-{old}"
    strategy_input, verdict = _run_rounds(strategy_input, task, folder, options)
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    tried = strategy_input.past_rounds
    labels = " | ".join(f"{each.label}: {each.outcome}" for each in tried)
    return {"date": str(date.date()), "verdict": verdict, "rounds": len(tried), "note": labels}


def _run_rounds(
    strategy_input: StrategyInput, task: ReleaseTask, folder: Path, options: argparse.Namespace
) -> tuple[StrategyInput, str]:
    logs = Path(options.logs) / folder.name
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.iterdir():
        old.unlink()
    for number in range(options.rounds):
        proposal = next_proposal(["recipe"], strategy_input)
        if proposal is None:
            return strategy_input, "exhausted"
        test_files = strategy_input.facts.test_files
        outcome, message, verdict = _run_round(
            proposal.draft, task, test_files, DockerfileRunner(folder), logs / str(number)
        )
        tried = TriedRound(
            strategy=proposal.strategy,
            label=proposal.label,
            draft=proposal.draft,
            outcome=outcome,
            message=message,
        )
        strategy_input = strategy_input.model_copy(
            update={"past_rounds": (*strategy_input.past_rounds, tried)}
        )
        if verdict:
            return strategy_input, verdict
    return strategy_input, "unsolved"


def _run_round(draft, task, files, runner, log: Path):
    log.with_suffix(".dockerfile").write_text(draft.dockerfile + "# " + draft.test_command)
    built = runner.build(draft.dockerfile, task.old)
    log.with_suffix(".build").write_text(built.log)
    if built.code:
        message = log_excerpt(built.log.rsplit("STEP ", 1)[-1])
        log.with_suffix(".excerpt").write_text(message)
        return RoundOutcome.STEP_FAILED, message, None
    testbed = runner.folder / "testbed"
    task.copy_files(testbed, task.test_changes)
    before = runner.test(draft.test_command, files)
    task.copy_files(testbed, task.gold_changes)
    for path in task.removed:
        (testbed / path).unlink(missing_ok=True)
    after = runner.test(draft.test_command, files)
    log.with_suffix(".before").write_text(before.log)
    log.with_suffix(".after").write_text(after.log)
    message = log_excerpt(after.log)
    log.with_suffix(".excerpt").write_text(message)
    return _classify(before, after, message)


def _classify(before: CommandResult, after: CommandResult, message: str):
    if after.code == 0:
        verdict = {0: "pass2pass", 1: "fail2pass", -1: "unclear"}.get(before.code, "error2pass")
        outcome = {
            "pass2pass": RoundOutcome.BOTH_PASSED,
            "fail2pass": RoundOutcome.ACCEPTED,
            "unclear": RoundOutcome.BEFORE_UNCLEAR,
        }.get(verdict, RoundOutcome.ACCEPTED_ERROR2PASS)
        return outcome, message, verdict
    outcome = {1: RoundOutcome.AFTER_FAILED, -1: RoundOutcome.TIME_LIMIT}.get(
        after.code, RoundOutcome.NO_RESULT
    )
    return outcome, message, None


if __name__ == "__main__":
    main()
