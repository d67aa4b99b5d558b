"""The file that carries what is remembered from one registry to another: one proven environment per line, as JSON."""

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
    """One environment with the draft that made it, and how each reuse of it went."""

    v: Literal[1] = 1
    known: EnvironmentRecord
    draft: Draft
    trials: dict[str, bool] = Field(default={}, max_length=100_000)
    """By EnvBuild (the start of its UID): whether its probe accepted the image."""

    def to_line(self) -> str:
        """The line; ASCII, because some readers take U+2028 for a line's end."""
        return json.dumps(self.to_json_dict(), sort_keys=True)


@dataclass(frozen=True)
class RejectedLine:
    """A line that is none of ours, with the reason."""

    reason: str
    name: str = ""


def read_lines(path: Path) -> Iterator[tuple[str, MemoryLine | RejectedLine]]:
    """Every line with its place; empty ones are passed over."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                yield f"{path.name}, line {number}", _read_line(text)


def _read_line(text: bytes) -> MemoryLine | RejectedLine:
    try:
        found = json.loads(text)
    except ValueError as error:
        return RejectedLine(f"it is no JSON: {error}")
    if not isinstance(found, dict) or "known" not in found:
        return RejectedLine("it is no line of `swefoundry memory export`: there is no `known` in it")
    try:
        line = MemoryLine.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return RejectedLine(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", _repo_name(found["known"]))
    if digest_of(line.draft.to_bytes()) != line.known.draft:
        return RejectedLine(
            "its draft is not the one that it names: it was changed, or written by another version of swefoundry",
            line.known.repo,
        )
    return line


def _repo_name(known: object) -> str:
    return str(known.get("repo") or "") if isinstance(known, dict) else ""
