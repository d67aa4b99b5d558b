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

Answers were recorded when each manager gave one for the first draft. Agents that ask for both in one answer get the two
recorded ones as one, with the first note. Where they ask for the Dockerfile alone again, they get that.

An end depends on the draft and not on the round, so a change of prompts or of the order of the roles may need fewer
rounds or more.
"""

from collections.abc import Iterator
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
    return Row(name=path.stem, ends=ends, script={"rules": list(_with_first_drafts(rules))}, **row)


def _with_first_drafts(rules: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rules, and before each of the Environment Manager's two for requests that ask for the commands, too."""
    commands = next(
        each for each in rules if each["when"]["role"] == "tests" and "anywhere" not in each["when"]
    )
    for rule in rules:
        if rule["when"]["role"] == "environment":
            answers = rule["then"] if isinstance(rule["then"], list) else [rule["then"]]
            first = rule["when"] | {"schema": "FirstDraft"}
            yield {
                "name": f"{rule['name']}, again",
                "when": first | {"last": "Give `dockerfile` again"},
                "then": [_dockerfile_alone(each) for each in answers],
            }
            yield {
                "name": f"{rule['name']}, with the commands",
                "when": first,
                "then": [_with_commands(each, commands["then"]["json"]) for each in answers],
            }
        yield rule


def _dockerfile_alone(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without its note. One that calls tools is as it was."""
    return answer | {"json": {"dockerfile": answer["json"]["dockerfile"]}} if "json" in answer else answer


def _with_commands(answer: dict[str, Any], commands: dict[str, Any]) -> dict[str, Any]:
    """The answer with the commands; its own note is kept. One that calls tools is as it was."""
    return answer | {"json": commands | answer["json"]} if "json" in answer else answer


def _end(fields: dict[str, Any]) -> End:
    when = fields.pop("when", {})
    return End(outcome=RoundOutcome(fields.pop("outcome")), **when, **fields)


def _texts(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}
