"""Messages, tools, requests and replies, independent of any endpoint's format.

Roles, conversation, response store and endpoint adapter share them. The fields of ``Request`` and what is in it are
hashed for the response store: renaming one makes stored responses unknown.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from swefoundry.contracts.models import Usage
from swefoundry.contracts.wire import JsonObject


@dataclass(frozen=True)
class ToolCall:
    """A tool call that a model asks for."""

    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it, perhaps malformed."""


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
    """One model turn. Equal requests have equal digests, so none is paid for twice."""

    role: str
    """explorer, environment, tests or analyst: for the response store, the transcript and the limits."""
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    answer: JsonObject | None = None
    """JSON schema (with a title) of the final answer; None: free text."""


@dataclass(frozen=True)
class Reply:
    """A model's answer."""

    message: Message
    model: str
    usage: Usage
    """Of this turn alone."""
    stored: bool = False
    """Read from the response store: paid for earlier."""
    truncated: bool = False
    """The answer reached the output limit."""
    note: str = ""
    """For people: messages shortened, usage estimated, withheld by a content filter."""


class ModelClient(Protocol):
    """Asks models; budget, response store, fallback models, formats and retries are behind it.

    Raises subclasses of ``AgentExit`` and no error of an endpoint.
    """

    async def ask(self, request: Request) -> Reply:
        """One turn."""
        ...

    def use_next_model(self) -> bool:
        """Use the next configured model from now on; False when this is the last."""
        ...

    @property
    def model(self) -> str:
        """Name of the model in use."""
        ...
