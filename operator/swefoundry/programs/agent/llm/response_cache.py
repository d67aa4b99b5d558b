"""Responses of models, stored in the registry under a digest of the request, so that none is paid for twice.

A response is stored before it is used. A pod that takes over finds it there:

    request ──> stored? ──yes──> the stored reply
                  │ no
                  └──> endpoint ──> store ──> the reply
                             a pod that dies here ^ has paid for nothing twice

The digest covers the conversation, the request, and the settings of the model that shape an answer. It does not cover
how the request was sent: format, shortening, addresses and prices may change without losing stored responses.
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
from swefoundry.programs.agent.llm.hooks import Sleep
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, ToolCall

RESPONSE_FILE = "turn.json"
RESPONSE_KIND = "turn"
_RESPONSE_LIMIT_BYTES = 16 << 20

STORE_RETRY_DELAYS_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 20.0, 20.0)
"""The response is paid for, so an unavailable registry is retried nearly as long as the pod's grace period (120 s)."""


class StoredResponse(WireModel):
    """A response that was paid for. The field names are keys of the stored JSON."""

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
    """A stored response that cannot be read, and so has to be paid for again."""


def request_digest(conversation: str, request: Request, model: Model) -> str:
    """The key of a response: SHA-256 of the canonical JSON, in hex."""
    key = {
        "conversation": conversation,
        "request": asdict(request),
        "model": {
            "name": model.name,
            "temperature": model.temperature,
            "reasoningEffort": model.reasoning_effort,
            "outputTokens": model.output_tokens,
        },
    }
    return hashlib.sha256(canonical_json(key)).hexdigest()


class ResponseStore:
    """The stored responses of one conversation in one repository."""

    def __init__(
        self, registry: RegistryClient, repository: str, conversation: str, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._sleep = sleep
        self._prefix = "turn-" + re.sub(r"[^A-Za-z0-9]", "_", conversation)[:8]

    def tag(self, digest: str) -> str:
        """The registry tag of a response."""
        return f"{self._prefix}-{digest[:32]}"

    async def find(self, digest: str) -> Reply | None:
        """The stored reply, or None. Raises DamagedResponse when there is one that cannot be read."""
        try:
            manifest = await self._registry.get_manifest(self._repository, self.tag(digest))
        except NotFound:
            return None
        try:
            files = await pull_artifact(
                self._registry, self._repository, manifest.digest, _RESPONSE_LIMIT_BYTES
            )
            stored = StoredResponse.model_validate_json(files[RESPONSE_FILE])
        except RegistryRefused:
            raise  # missing permission does not mean that the response is lost
        except (PermanentError, KeyError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise DamagedResponse(f"the stored turn {self.tag(digest)} cannot be read: {reason}") from error
        if stored.request != digest:
            raise DamagedResponse(f"the stored turn {self.tag(digest)} answers another request")
        return _to_reply(stored)

    async def store(self, digest: str, role: str, reply: Reply) -> None:
        """Store a reply. Returns once the registry has it."""
        stored = StoredResponse(
            request=digest,
            role=role,
            model=reply.model,
            reply=_to_stored_message(reply.message),
            usage=reply.usage,
            cut=reply.truncated,
            note=reply.note,
        )
        files = {RESPONSE_FILE: canonical_json(stored.to_json_dict())}
        for delay in STORE_RETRY_DELAYS_SECONDS:
            try:
                await push_artifact(
                    self._registry, self._repository, RESPONSE_KIND, files, tag=self.tag(digest)
                )
            except RegistryUnavailable:
                await self._sleep(delay)
            else:
                return
        await push_artifact(self._registry, self._repository, RESPONSE_KIND, files, tag=self.tag(digest))


def _to_stored_message(message: Message) -> TranscriptMessage:
    calls = [ToolCallRecord(id=call.id, name=call.name, arguments=call.arguments) for call in message.calls]
    return TranscriptMessage(role=message.role, text=message.text, calls=calls, call_id=message.call_id)


def _to_reply(stored: StoredResponse) -> Reply:
    calls = tuple(ToolCall(call.id, call.name, call.arguments) for call in stored.reply.calls)
    message = Message(stored.reply.role, stored.reply.text, calls, stored.reply.call_id)
    return Reply(message, stored.model, stored.usage, stored=True, truncated=stored.cut, note=stored.note)
