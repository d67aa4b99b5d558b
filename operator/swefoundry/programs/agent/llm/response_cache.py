"""How is no model turn paid for twice? Each answer is in the registry before it is acted on, under a tag that is made
from the request; asking begins with a look there.

    ask ──> stored? ──yes──> the stored answer
              │ no
              └──> endpoint ──> store ──> the answer
                         a pod that dies here ^ has paid for nothing twice

The digest is over what was meant, not over how it was sent: conversation, request, and what of the model shapes an
answer. Dialect, shortening, addresses and prices may change without making old answers unknown.
"""

import asyncio
import hashlib
import re
from dataclasses import asdict

from pydantic import ValidationError

from swefoundry.contracts.models import Model, Usage
from swefoundry.contracts.transcript import ToolCallRecord, TranscriptMessage
from swefoundry.contracts.wire import WireModel
from swefoundry.errors import NotFound, PermanentError, RegistryRefused, RegistryUnavailable
from swefoundry.oci.artifacts import pull_artifact, push_artifact
from swefoundry.oci.content import canonical_json
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.llm.endpoint import Pause
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, ToolCall

TURN_FILE = "turn.json"
TURN_KIND = "turn"
_TURN_LIMIT_BYTES = 16 << 20

STORING_PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 20.0, 20.0)
"""An answer is paid for, so a registry that is away is waited for, nearly as long as a pod has to end (120 s)."""


class StoredTurn(WireModel):
    """An answer that was paid for."""

    v: int = 1
    request: str
    """SHA-256 of the canonical request, in hex: the tag holds its first half."""
    role: str
    model: str
    reply: TranscriptMessage
    usage: Usage
    cut: bool = False
    note: str = ""


class DamagedTurn(Exception):
    """A stored turn that cannot be read: lost, for nobody can bring it back."""


def request_digest(conversation: str, request: Request, model: Model) -> str:
    """What a turn is known by."""
    meant = {
        "conversation": conversation,
        "request": asdict(request),
        "model": {
            "name": model.name,
            "temperature": model.temperature,
            "reasoningEffort": model.reasoning_effort,
            "outputTokens": model.output_tokens,
        },
    }
    return hashlib.sha256(canonical_json(meant)).hexdigest()


class TurnStore:
    """The turns of one conversation in one repository."""

    def __init__(
        self, registry: RegistryClient, repository: str, conversation: str, pause: Pause = asyncio.sleep
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._pause = pause
        self._prefix = "turn-" + re.sub(r"[^A-Za-z0-9]", "_", conversation)[:8]

    def tag(self, digest: str) -> str:
        """The tag of a turn."""
        return f"{self._prefix}-{digest[:32]}"

    async def find(self, digest: str) -> Reply | None:
        """The stored answer, None when there is none; DamagedTurn when it is there and cannot be read."""
        try:
            manifest = await self._registry.get_manifest(self._repository, self.tag(digest))
        except NotFound:
            return None
        try:
            files = await pull_artifact(self._registry, self._repository, manifest.digest, _TURN_LIMIT_BYTES)
            turn = StoredTurn.model_validate_json(files[TURN_FILE])
        except RegistryRefused:
            raise  # a missing right is no lost turn
        except (PermanentError, KeyError, ValidationError) as error:
            said = str(error).splitlines()[0]
            raise DamagedTurn(f"the stored turn {self.tag(digest)} cannot be read: {said}") from error
        if turn.request != digest:
            raise DamagedTurn(f"the stored turn {self.tag(digest)} answers another request")
        return _reply(turn)

    async def keep(self, digest: str, role: str, reply: Reply) -> None:
        """Store an answer; returns when it is there."""
        turn = StoredTurn(
            request=digest,
            role=role,
            model=reply.model,
            reply=_said(reply.message),
            usage=reply.usage,
            cut=reply.cut,
            note=reply.note,
        )
        files = {TURN_FILE: canonical_json(turn.to_json_dict())}
        for pause in STORING_PAUSES_SECONDS:
            try:
                await push_artifact(self._registry, self._repository, TURN_KIND, files, tag=self.tag(digest))
            except RegistryUnavailable:
                await self._pause(pause)
            else:
                return
        await push_artifact(self._registry, self._repository, TURN_KIND, files, tag=self.tag(digest))


def _said(message: Message) -> TranscriptMessage:
    calls = [ToolCallRecord(id=call.id, name=call.name, arguments=call.arguments) for call in message.calls]
    return TranscriptMessage(role=message.role, text=message.text, calls=calls, call_id=message.call_id)


def _reply(turn: StoredTurn) -> Reply:
    calls = tuple(ToolCall(call.id, call.name, call.arguments) for call in turn.reply.calls)
    message = Message(turn.reply.role, turn.reply.text, calls, turn.reply.call_id)
    return Reply(message, turn.model, turn.usage, stored=True, cut=turn.cut, note=turn.note)
