"""How does a build's record fit into a termination message?"""

import json
from pathlib import Path

from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.termination_record import RECORD_LIMIT_BYTES

_STEP_CHARACTERS = 300
_MESSAGE_CHARACTERS = 600


def truncate_to_fit(record: BuildResult, limit_bytes: int = RECORD_LIMIT_BYTES) -> bytes:
    """The record as JSON of at most ``limit_bytes``: the step and message are cut, the tail loses its first lines."""
    record = record.model_copy(
        update={
            "message": _cut(record.message, _MESSAGE_CHARACTERS),
            "step": _cut(record.step, _STEP_CHARACTERS) if record.step is not None else None,
        }
    )
    content = _json(record)
    while len(content) > limit_bytes and record.tail:
        record = record.model_copy(update={"tail": _shorten_tail(record.tail, len(content) - limit_bytes)})
        content = _json(record)
    return content


def write_result(record: BuildResult, path: Path) -> None:
    """Write the record where the kubelet looks for it."""
    path.write_bytes(truncate_to_fit(record))


def _json(record: BuildResult) -> bytes:
    return json.dumps(record.to_json_dict(), ensure_ascii=False, separators=(",", ":")).encode()


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _shorten_tail(tail: str, surplus_bytes: int) -> str:
    """Without its first line, or without the start of its only line."""
    _, newline, rest = tail.partition("\n")
    # One character is at most six bytes as JSON; a quarter of the surplus gets there in a few rounds.
    return rest if newline else tail[max(1, surplus_bytes // 4) :]
