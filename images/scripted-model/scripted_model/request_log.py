"""Log of all requests in order: tests use it to prove that no turn is sent twice and that no request has secrets."""

from collections import Counter
from dataclasses import dataclass, field

from scripted_model.request import ChatRequest, Json

MAX_BODY_CHARACTERS = 64 << 20
"""Characters of all bodies together; beyond that the oldest bodies are dropped, but their entries stay."""


@dataclass
class RequestLogEntry:
    """One request that reached POST /v1/chat/completions."""

    number: int
    request: ChatRequest | None
    """None: the body was dropped."""
    digest: str
    role: str | None
    model: str
    turn: int
    size: int
    rule: str | None = None
    status: int | None = None
    """None: not answered yet, or the client disconnected."""
    tokens: int = 0
    note: str = ""
    """What went wrong."""

    def to_json(self, bodies: bool) -> Json:
        """The entry as JSON; the request's API key is not in it."""
        fields = {name: value for name, value in vars(self).items() if name not in ("request", "size")}
        return fields | ({"body": self.request.body if self.request else None} if bodies else {})

    def contains(self, text: str) -> bool:
        """Whether some message contains the text."""
        return self.request is not None and any(text in message for message in self.request.texts)


@dataclass
class RequestLog:
    """All entries since the last reset."""

    entries: list[RequestLogEntry] = field(default_factory=list)
    size: int = 0
    kept_from: int = 0

    def add(self, request: ChatRequest) -> RequestLogEntry:
        """Add an entry for a request that arrived."""
        size = sum(len(text) for text in request.texts)
        entry = RequestLogEntry(
            len(self.entries) + 1, request, request.digest, request.role, request.model, request.turn, size
        )
        self.entries.append(entry)
        self.size += size
        while self.size > MAX_BODY_CHARACTERS and self.kept_from < len(self.entries) - 1:
            self._drop_body(self.entries[self.kept_from])
        return entry

    def report(self, containing: str | None, bodies: bool) -> Json:
        """Counts and entries of all requests, or of those that contain a text."""
        entries = [each for each in self.entries if not containing or each.contains(containing)]
        answered = Counter(each.digest for each in entries if each.status == 200)
        return {
            "count": len(entries),
            "answered": sum(answered.values()),
            "answered_twice": sorted(digest for digest, count in answered.items() if count > 1),
            "unmatched": [each.note for each in entries if each.status and each.note],
            "requests": [each.to_json(bodies) for each in entries],
        }

    def _drop_body(self, entry: RequestLogEntry) -> None:
        entry.request = None
        self.size -= entry.size
        self.kept_from += 1
