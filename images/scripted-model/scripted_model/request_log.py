"""What was asked, in order: proof that no turn is asked twice, and that no request holds what it must not."""

from collections import Counter
from dataclasses import dataclass, field

from scripted_model.request import ChatRequest, Json

MAX_BODY_CHARACTERS = 64 << 20
"""Characters of bodies that are kept; beyond, the oldest are let go (their lines stay)."""


@dataclass
class RequestLogEntry:
    """One request that reached POST /v1/chat/completions."""

    number: int
    asked: ChatRequest | None
    """None: the body was let go."""
    digest: str
    role: str | None
    model: str
    turn: int
    size: int
    rule: str | None = None
    status: int | None = None
    """None: not answered yet, or nobody was there any more to take the answer."""
    tokens: int = 0
    note: str = ""
    """What was wrong."""

    def to_json(self, bodies: bool) -> Json:
        """The line as JSON; the key of the request is nowhere in it."""
        line = {name: value for name, value in vars(self).items() if name not in ("asked", "size")}
        return line | ({"body": self.asked.body if self.asked else None} if bodies else {})

    def contains(self, text: str) -> bool:
        """Whether some message holds the text."""
        return self.asked is not None and any(text in message for message in self.asked.texts)


@dataclass
class RequestLog:
    """All lines since the last reset."""

    entries: list[RequestLogEntry] = field(default_factory=list)
    size: int = 0
    kept_from: int = 0

    def add(self, request: ChatRequest) -> RequestLogEntry:
        """A request arrived."""
        size = sum(len(text) for text in request.texts)
        line = RequestLogEntry(
            len(self.entries) + 1, request, request.digest, request.role, request.model, request.turn, size
        )
        self.entries.append(line)
        self.size += size
        while self.size > MAX_BODY_CHARACTERS and self.kept_from < len(self.entries) - 1:
            self._drop_body(self.entries[self.kept_from])
        return line

    def report(self, containing: str | None, bodies: bool) -> Json:
        """The requests, those alone that hold a text when one is given; and what tests ask for of them."""
        lines = [line for line in self.entries if not containing or line.contains(containing)]
        answered = Counter(line.digest for line in lines if line.status == 200)
        return {
            "count": len(lines),
            "answered": sum(answered.values()),
            "answered_twice": sorted(digest for digest, count in answered.items() if count > 1),
            "unmatched": [line.note for line in lines if line.status and line.note],
            "requests": [line.to_json(bodies) for line in lines],
        }

    def _drop_body(self, entry: RequestLogEntry) -> None:
        entry.asked = None
        self.size -= entry.size
        self.kept_from += 1
