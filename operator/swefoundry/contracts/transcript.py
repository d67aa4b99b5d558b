"""Transcript of the model conversations of an EnvBuild: requests and answers, turn by turn, redacted.

Agent pods write it, the command line shows it. It is an artifact with one file; every agent pod writes a new one with
all turns so far, and the digest of the last is in the EnvBuild's status.
"""

from typing import Literal

from pydantic import Field

from swefoundry.contracts.models import Usage
from swefoundry.contracts.wire import WireModel

TRANSCRIPT_FILE = "transcript.json"
"""The artifact's one file."""
TRANSCRIPT_KIND = "transcript"
"""The artifact's kind."""

AgentRole = Literal["explorer", "environment", "tests", "analyst"]


class ToolCallRecord(WireModel):
    """A tool call as the model wrote it."""

    id: str = ""
    name: str
    arguments: str = ""
    """JSON text, perhaps malformed."""


class TranscriptMessage(WireModel):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: list[ToolCallRecord] = []
    """Of an assistant's message."""
    call_id: str = ""
    """Of a tool's message: the call that it answers."""


class Turn(WireModel):
    """One request to a model and its answer."""

    number: int = Field(ge=1)
    """Number within the EnvBuild, from 1."""
    round: int = Field(ge=0)
    """The round whose draft was being written, numbered from 0 as in the EnvBuild's status."""
    role: AgentRole
    model: str
    request: list[TranscriptMessage] = []
    """Messages that are new since this role's previous turn; the first time with its system prompt."""
    reply: TranscriptMessage
    usage: Usage = Usage()
    """Usage of this turn alone."""
    stored: bool = False
    """The answer came from the response cache: an earlier pod, lost or replaced, had paid for it."""
    note: str = ""
    """Note for people: repeated because the answer did not parse, next model used, context trimmed."""


class Transcript(WireModel):
    """Every turn so far."""

    v: Literal[1] = 1
    conversation: str
    """UID of the EnvBuild."""
    turns: list[Turn] = []

    @property
    def usage(self) -> Usage:
        """Usage of all turns."""
        total = Usage()
        for turn in self.turns:
            total = total.plus(turn.usage)
        return total
