"""The result of a pod as the container's termination message, of which the kubelet keeps 4096 bytes."""

from dataclasses import dataclass

from swefoundry.contracts.wire import WireModel

RECORD_LIMIT_BYTES = 4096
"""What the kubelet keeps of a container's termination message."""

RECORD_PATH = "/dev/termination-log"
"""Where the kubelet looks for it, unless RECORD_VARIABLE names another file."""

RECORD_VARIABLE = "SWEFOUNDRY_TERMINATION_LOG"
WORK_VARIABLE = "SWEFOUNDRY_WORKDIR"
"""Environment variables: the file of the result, and the working folder of the program."""


@dataclass(frozen=True)
class Cut:
    """How one text of a record is shortened."""

    field: str
    max_characters: int | None = None
    """Shortened to this length in any case, with an ellipsis."""
    keep_end: bool = False
    """Whole lines are dropped from the start, instead of characters from the end."""


def truncate_to_fit(record: WireModel, *cuts: Cut, limit: int = RECORD_LIMIT_BYTES) -> bytes:
    """The record as JSON of at most ``limit`` bytes: its texts are shortened, the first of ``cuts`` first."""
    texts = {cut: _text(record, cut) for cut in cuts if getattr(record, cut.field) is not None}
    while True:
        content = (
            record.model_copy(update={cut.field: text for cut, text in texts.items()}).to_json().encode()
        )
        longest = next((cut for cut, text in texts.items() if text), None)
        if len(content) <= limit or longest is None:
            return content
        # One character is at most six bytes as JSON; a quarter of the surplus gets there in a few rounds.
        texts[longest] = _shorten(texts[longest], max(1, (len(content) - limit) // 4), longest.keep_end)


def _text(record: WireModel, cut: Cut) -> str:
    text: str = getattr(record, cut.field).encode("utf-8", "replace").decode()
    if cut.max_characters is None or len(text) <= cut.max_characters:
        return text
    return text[: cut.max_characters - 1] + "…"


def _shorten(text: str, characters: int, keep_end: bool) -> str:
    if not keep_end:
        return text[: len(text) - characters]
    rest = text[characters:]
    _, newline, whole_lines = rest.partition("\n")
    return whole_lines if newline else rest
