"""What is said between our roles and a model, whatever the endpoint's dialect: the words that roles, conversation,
turn store and endpoint share.
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from swefoundry.contracts.models import Usage

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """A model wants a tool to be run."""

    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it: perhaps malformed."""


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message."""
    call_id: str = ""
    """Of a tool's message: the call that it answers."""


@dataclass(frozen=True)
class Tool:
    """A tool that a model may call."""

    name: str
    description: str
    parameters: JsonObject
    """JSON schema of the arguments."""


@dataclass(frozen=True)
class Request:
    """One model turn asked for. The same request has the same digest: it is never paid for twice."""

    role: str
    """explorer, environment, tests or analyst: for the turn store, the transcript and the limits."""
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    answer: JsonObject | None = None
    """JSON schema (with a title) that the final answer must obey; None: free text."""


@dataclass(frozen=True)
class Reply:
    """What a model answered."""

    message: Message
    model: str
    usage: Usage
    """Of this turn alone."""
    stored: bool = False
    """Read from the turn store: paid for earlier."""
    truncated: bool = False
    """The answer reached the longest length."""
    note: str = ""
    """What happened around it, for people: shortened, usage estimated, withheld by a content filter."""


class ModelClient(Protocol):
    """A way to ask models: budget, turn store, ladder, dialect and retries are behind it.

    Raises the stops of ``stops.py`` and nothing else of the endpoint's.
    """

    async def ask(self, request: Request) -> Reply:
        """One turn."""
        ...

    def use_next_model(self) -> bool:
        """Use the next model of the ladder from now on; False when this is the last."""
        ...

    @property
    def model(self) -> str:
        """Name of the model that speaks."""
        ...
