"""File format of `swefoundry memory export`: one proven environment per line, as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.wire import WireModel
from swefoundry.drafts.proven_environment import EnvironmentRecord
from swefoundry.oci.content import digest_of


class MemoryLine(WireModel):
    """One environment with its draft and the outcomes of its reuse."""

    v: Literal[1] = 1
    known: EnvironmentRecord
    draft: Draft
    trials: dict[str, bool] = Field(default={}, max_length=100_000)
    """By EnvBuild (start of its UID): whether its probe accepted the image."""

    def to_line(self) -> str:
        """The line; ASCII, because some readers end a line at U+2028."""
        return json.dumps(self.to_json_dict(), sort_keys=True)


@dataclass(frozen=True)
class RejectedLine:
    """A line that is not a valid memory line, with the reason."""

    reason: str
    name: str = ""


def read_lines(path: Path) -> Iterator[tuple[str, MemoryLine | RejectedLine]]:
    """Every line with its place; empty lines are skipped."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                yield f"{path.name}, line {number}", _read_line(text)


def _read_line(text: bytes) -> MemoryLine | RejectedLine:
    try:
        value = json.loads(text)
    except ValueError as error:
        return RejectedLine(f"not JSON: {error}")
    if not isinstance(value, dict) or "known" not in value:
        return RejectedLine("not a line of `swefoundry memory export`: it has no `known`")
    try:
        line = MemoryLine.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return RejectedLine(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", _repo_name(value["known"]))
    if digest_of(line.draft.to_bytes()) != line.known.draft:
        return RejectedLine(
            "its draft does not match `known.draft`: it was changed, or another version of swefoundry wrote it",
            line.known.repo,
        )
    return line


def _repo_name(known: object) -> str:
    return str(known.get("repo") or "") if isinstance(known, dict) else ""
