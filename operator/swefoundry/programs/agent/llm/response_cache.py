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
from swefoundry.programs.agent.llm.endpoint import Sleep
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, ToolCall

RESPONSE_FILE = "turn.json"
RESPONSE_KIND = "turn"
_RESPONSE_LIMIT_BYTES = 16 << 20

STORE_RETRY_DELAYS_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 20.0, 20.0)
"""An answer is paid for, so a registry that is away is waited for, nearly as long as a pod has to end (120 s)."""


class StoredResponse(WireModel):
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


class DamagedResponse(Exception):
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


class ResponseStore:
    """The turns of one conversation in one repository."""

    def __init__(
        self, registry: RegistryClient, repository: str, conversation: str, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._sleep = sleep
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
            files = await pull_artifact(
                self._registry, self._repository, manifest.digest, _RESPONSE_LIMIT_BYTES
            )
            turn = StoredResponse.model_validate_json(files[RESPONSE_FILE])
        except RegistryRefused:
            raise  # a missing right is no lost turn
        except (PermanentError, KeyError, ValidationError) as error:
            said = str(error).splitlines()[0]
            raise DamagedResponse(f"the stored turn {self.tag(digest)} cannot be read: {said}") from error
        if turn.request != digest:
            raise DamagedResponse(f"the stored turn {self.tag(digest)} answers another request")
        return _to_reply(turn)

    async def store(self, digest: str, role: str, reply: Reply) -> None:
        """Store an answer; returns when it is there."""
        turn = StoredResponse(
            request=digest,
            role=role,
            model=reply.model,
            reply=_to_stored_message(reply.message),
            usage=reply.usage,
            cut=reply.truncated,
            note=reply.note,
        )
        files = {RESPONSE_FILE: canonical_json(turn.to_json_dict())}
        for pause in STORE_RETRY_DELAYS_SECONDS:
            try:
                await push_artifact(
                    self._registry, self._repository, RESPONSE_KIND, files, tag=self.tag(digest)
                )
            except RegistryUnavailable:
                await self._sleep(pause)
            else:
                return
        await push_artifact(self._registry, self._repository, RESPONSE_KIND, files, tag=self.tag(digest))


def _to_stored_message(message: Message) -> TranscriptMessage:
    calls = [ToolCallRecord(id=call.id, name=call.name, arguments=call.arguments) for call in message.calls]
    return TranscriptMessage(role=message.role, text=message.text, calls=calls, call_id=message.call_id)


def _to_reply(turn: StoredResponse) -> Reply:
    calls = tuple(ToolCall(call.id, call.name, call.arguments) for call in turn.reply.calls)
    message = Message(turn.reply.role, turn.reply.text, calls, turn.reply.call_id)
    return Reply(message, turn.model, turn.usage, stored=True, truncated=turn.cut, note=turn.note)
