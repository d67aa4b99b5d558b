"""`python benchmarks/agents [NAME …]`: input tokens and turns of the agents, on rows whose answers are recorded.

Needs neither a cluster nor a model, but Debian's docker-registry. Tokens are the scripted server's count: characters of
the messages and of the tools, divided by four. Ratios are to f3b3550.

Options: --root CHECKOUT (whose agents run; this one), --omit FIELDS (of answers and of the spec, that
those agents do not know), --against FILE (the run that ratios compare with), --out FILE (write this run).
"""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), *(str(ROOT / name) for name in ("operator", "images/scripted-model", "tests"))]

from replay import ROLES, Agents, Replay, replay  # noqa: E402
from rows import recorded_rows, sample_rows  # noqa: E402

from swefoundry.oci.registry_client import RegistryClient  # noqa: E402
from unit.oci import registry_server  # noqa: E402

BASELINE = HERE / "f3b3550.json"
"""Written with ``--root CHECKOUT --omit run_as_user,tolerated_failures,row_at_fault,test_instructions,
missing_images``."""


def main() -> None:
    """Replay the rows and print the tables."""
    options = _options()
    replays = asyncio.run(_replay_all(options))
    if options.out:
        options.out.write_text(json.dumps([vars(each) for each in replays], indent=1) + "\n")
    names = {each.row for each in replays}
    before = [Replay(**each) for each in json.loads(options.against.read_text()) if each["row"] in names]
    print(*_row_lines(replays), "", *_role_lines(replays, before), sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--omit", default="")
    parser.add_argument("--against", type=Path, default=BASELINE)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


async def _replay_all(options: argparse.Namespace) -> list[Replay]:
    agents = Agents.of(options.root.resolve(), frozenset(filter(None, options.omit.split(","))))
    rows = [
        row for row in (*sample_rows(), *recorded_rows()) if not options.names or row.name in options.names
    ]
    with tempfile.TemporaryDirectory() as folder, registry_server.serving(Path(folder)) as server:
        async with RegistryClient(server.host, insecure=True) as registry:
            return [await replay(row, agents, registry, Path(folder)) for row in rows]


def _row_lines(replays: list[Replay]) -> list[str]:
    lines = ["| row | rounds | turns | input tokens |", "|---|---|---|---|"]
    for each in replays:
        rounds = ", ".join([*each.outcomes, *(["ended by the analyst"] if each.ended else [])])
        turns, tokens = sum(each.turns.values()), sum(each.tokens.values())
        lines.append(f"| {each.row} | {rounds} | {turns} | {tokens:,} |")
    return lines


def _role_lines(replays: list[Replay], before: list[Replay]) -> list[str]:
    lines = ["| per solved row | turns | ratio | input tokens | ratio |", "|---|---|---|---|---|"]
    for role in (*ROLES, "all"):
        now, then = _per_solved_row(replays, role), _per_solved_row(before, role)
        turns, tokens = _ratio(now.turns, then.turns), _ratio(now.tokens, then.tokens)
        lines.append(f"| {role} | {now.turns:.1f} | {turns} | {now.tokens:,.0f} | {tokens} |")
    return lines


def _ratio(now: float, then: float) -> str:
    return f"{now / then:.2f}" if then else ""


@dataclass(frozen=True)
class Mean:
    """Turns and input tokens per solved row; what unsolved rows took is part of it."""

    turns: float
    tokens: float


def _per_solved_row(replays: list[Replay], role: str) -> Mean:
    solved = max(sum(each.solved for each in replays), 1)
    roles = ROLES if role == "all" else (role,)
    turns = sum(each.turns.get(name, 0) for each in replays for name in roles)
    tokens = sum(each.tokens.get(name, 0) for each in replays for name in roles)
    return Mean(turns / solved, tokens / solved)


if __name__ == "__main__":
    main()
