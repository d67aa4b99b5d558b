"""What was said to models and what they answered: the evidence of an agents' round, turn by turn, redacted.

The agents write it, the command line shows it. Stored as an artifact with one file, written anew by every agent pod
with everything that was said so far; the digest of the last one is in the EnvBuild's status.
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
    """One message."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: list[ToolCallRecord] = []
    """Of an assistant's message."""
    call_id: str = ""
    """Of a tool's message: the call that it answers."""


class Turn(WireModel):
    """One request to a model and its answer."""

    number: int = Field(ge=1)
    """Counted through the whole conversation of the EnvBuild, first is 1."""
    round: int = Field(ge=0)
    """The round whose draft was being written, numbered from 0 as in the EnvBuild's status."""
    role: AgentRole
    model: str
    request: list[TranscriptMessage] = []
    """Only what is new since this role's previous turn, its system prompt included the first time."""
    reply: TranscriptMessage
    usage: Usage = Usage()
    """Of this turn alone."""
    stored: bool = False
    """The answer was found in the turn store: paid for earlier, by a pod that died or was replaced."""
    note: str = ""
    """What happened around it, for people: asked again because the answer did not parse, escalated, trimmed."""


class Transcript(WireModel):
    """Every turn so far."""

    v: Literal[1] = 1
    conversation: str
    """UID of the EnvBuild."""
    turns: list[Turn] = []

    @property
    def usage(self) -> Usage:
        """The sum."""
        total = Usage()
        for turn in self.turns:
            total = total.plus(turn.usage)
        return total
