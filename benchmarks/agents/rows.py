"""Rows that are replayed: a repository, the models' recorded answers, and how drafts end. Read from YAML.

A recorded row is one file in ``recorded/``::

    repo: octo/kv                     # rules and requests are matched by it
    files: {setup.py: "...", ...}     # the tree before the test patch
    tests: {tests/test_kv.py: "..."}  # the files of the test patch
    ends:                             # the first one that the draft fits
      - when: {dockerfile: "FROM node:4", command: "mocha"}   # texts that it has to contain
        outcome: BaseImageMissing
        message: "..."
      - outcome: Accepted
    rules: [...]                      # the answers, as in any script of images/scripted-model

An end depends on the draft and not on the round, so a change of prompts or of the order of the roles may need fewer
rounds or more.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.round_outcome import RoundOutcome

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "recorded"
SAMPLES = ROOT / "samples/agents"


@dataclass(frozen=True)
class End:
    """How a draft ends, if its Dockerfile and its command contain the texts."""

    outcome: RoundOutcome
    dockerfile: str = ""
    command: str = ""
    message: str = ""
    build_log: str = ""
    codes: dict[str, int] = field(default_factory=dict)
    """Exit code by stage; empty: nothing was evaluated."""
    logs: dict[str, str] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    """JUnit XML by stage."""

    def fits(self, draft: Draft) -> bool:
        """Whether the draft ends so."""
        return self.dockerfile in draft.dockerfile and self.command in draft.test_command


@dataclass(frozen=True)
class Row:
    """One row with everything that a replay needs."""

    name: str
    repo: str
    language: str
    files: dict[str, str]
    tests: dict[str, str]
    ends: tuple[End, ...]
    script: dict[str, Any]
    created_at: str = "2020-06-01T00:00:00Z"

    @property
    def missing_images(self) -> list[str]:
        """Base images that the rows' registry does not have."""
        missing = (end for end in self.ends if end.outcome is RoundOutcome.BASE_IMAGE_MISSING)
        return [end.dockerfile.removeprefix("FROM ") for end in missing]

    def end_of(self, draft: Draft) -> End:
        """The end of a draft; the last one of a row fits every draft."""
        return next(end for end in self.ends if end.fits(draft))


def recorded_rows() -> list[Row]:
    """The rows in ``recorded/``."""
    return [_recorded(path) for path in sorted(RECORDED.glob("*.yaml"))]


def sample_rows() -> list[Row]:
    """The rows of ``make demo-agents``, with ends that the lab gives them and answers that only other agents need."""
    ends = yaml.safe_load((Path(__file__).parent / "sample_ends.yaml").read_text())
    script = yaml.safe_load((SAMPLES / "script.yaml").read_text())
    return [
        Row(
            name=name,
            repo=f"demo/{name}",
            language=row["language"],
            files=_texts(SAMPLES / name / "base"),
            tests=_texts(SAMPLES / name / "tests"),
            ends=tuple(map(_end, row["ends"])),
            script=script | {"rules": [*script["rules"], *row.get("rules", ())]},
        )
        for name, row in ends.items()
    ]


def _recorded(path: Path) -> Row:
    row = yaml.safe_load(path.read_text())
    ends, rules = tuple(map(_end, row.pop("ends"))), row.pop("rules")
    return Row(name=path.stem, ends=ends, script={"rules": rules}, **row)


def _end(fields: dict[str, Any]) -> End:
    when = fields.pop("when", {})
    return End(outcome=RoundOutcome(fields.pop("outcome")), **when, **fields)


def _texts(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}
