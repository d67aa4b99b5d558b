"""Records every turn of this pod in the transcript, redacted, after the turns of earlier pods."""

from collections.abc import Sequence

from swefoundry.contracts.transcript import AgentRole, ToolCallRecord, Transcript, TranscriptMessage, Turn
from swefoundry.programs.agent.llm.messages import Message, Reply, Request
from swefoundry.programs.agent.redaction import Redact


class TranscriptRecorder:
    """A transcript that grows by one turn for each request."""

    def __init__(self, earlier: Transcript, round_number: int, redact: Redact) -> None:
        self._turns = list(earlier.turns)
        self._conversation = earlier.conversation
        self._round = round_number
        self._redact = redact
        self._recorded: dict[str, tuple[Message, ...]] = {}

    @property
    def transcript(self) -> Transcript:
        """All turns so far."""
        return Transcript(conversation=self._conversation, turns=self._turns)

    def record(self, role: AgentRole, request: Request, reply: Reply, note: str = "") -> None:
        """Add a turn; of the request only the messages that are new for this role."""
        self._turns.append(
            Turn(
                number=len(self._turns) + 1,
                round=self._round,
                role=role,
                model=reply.model,
                request=[
                    self._transcript_message(message)
                    for message in self._new_messages(role, request.messages)
                ],
                reply=self._transcript_message(reply.message),
                usage=reply.usage,
                stored=reply.stored,
                note=self._redact("; ".join(part for part in (note, reply.note) if part)),
            )
        )
        self._recorded[role] = (*request.messages, reply.message)

    def _new_messages(self, role: str, messages: Sequence[Message]) -> Sequence[Message]:
        recorded = self._recorded.get(role, ())
        same = 0
        for old, new in zip(recorded, messages, strict=False):
            if old != new:
                break
            same += 1
        return messages[same:]

    def _transcript_message(self, message: Message) -> TranscriptMessage:
        return TranscriptMessage(
            role=message.role,
            text=self._redact(message.text),
            calls=[
                ToolCallRecord(id=call.id, name=call.name, arguments=self._redact(call.arguments))
                for call in message.calls
            ],
            call_id=message.call_id,
        )
