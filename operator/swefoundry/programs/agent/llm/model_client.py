"""Model client with response store, budget check, fallback models and endpoint adapter behind one ``ask()``.

::

    ask ─> redact ─> stored? ──yes──────────────────────────────────────────────────┐
                       │ no                                                         v
                       └─> stop requested? ─> within budget? ─> request ─> store ─> reply
                               │ yes             │ no
                          Interrupted       BudgetSpent (nothing is sent)

A request in flight is never discarded: when the pod gets SIGTERM or the caller is cancelled, its response is awaited
and stored before the exception is raised. The pod's grace period of 120 s is for that.
"""

import asyncio
from collections import Counter
from dataclasses import replace

from swefoundry.contracts.agent import AgentSpec
from swefoundry.contracts.budgets import turn_refusal, worst_case
from swefoundry.contracts.models import Usage
from swefoundry.programs.agent.agent_exit import BudgetSpent, Interrupted, ModelRefused, ModelUnavailable
from swefoundry.programs.agent.llm.adaptive_model import AdaptiveModel
from swefoundry.programs.agent.llm.context_window import token_upper_bound
from swefoundry.programs.agent.llm.endpoint import EndpointAccess
from swefoundry.programs.agent.llm.messages import Message, Reply, Request
from swefoundry.programs.agent.llm.response_cache import DamagedResponse, ResponseStore, request_digest
from swefoundry.programs.agent.redaction import Redact


class FallbackModelClient:
    """The configured models, cheapest first; the next one is used when told so."""

    def __init__(
        self, spec: AgentSpec, store: ResponseStore, access: EndpointAccess, redact: Redact, start_index: int
    ) -> None:
        if not spec.ladder:
            raise ModelRefused("no model is configured; set the chart's value agents.models")
        self._models = spec.ladder
        self._conversation = spec.conversation
        self._allowance = spec.allowance
        self._store = store
        self._access = access
        self._stop_requested = access.stop_requested
        self._redact = redact
        self._adaptive_models: dict[int, AdaptiveModel] = {}
        self._counted_digests: set[str] = set()
        self._role_turns: Counter[str] = Counter()
        self.model_index = min(max(start_index, 0), len(spec.ladder) - 1)
        """Index of the model in use."""
        self.usage = Usage()
        """Of every turn so far, each once; turns from the response store are included."""

    @property
    def model(self) -> str:
        """Name of the model in use."""
        return self._models[self.model_index].name

    def use_next_model(self) -> bool:
        """Use the next configured model from now on; False when this is the last."""
        if self.model_index + 1 >= len(self._models):
            return False
        self.model_index += 1
        return True

    def redact(self, text: str) -> str:
        """Text without the API key and whatever looks like one."""
        return self._redact(text)

    async def ask(self, request: Request) -> Reply:
        """One turn: from the response store, or paid for and then stored."""
        messages = tuple(_redacted(message, self._redact) for message in request.messages)
        request = replace(request, messages=messages)
        digest = request_digest(self._conversation, request, self._models[self.model_index])
        note = ""
        try:
            reply = await self._store.find(digest)
        except DamagedResponse as damaged:
            reply, note = None, f"{damaged}; asked again"
            self._access.hooks.progress(note)
        if reply is None:
            reply = await self._ask_endpoint(request, digest, note)
        self._count(digest, request.role, reply)
        return reply

    async def aclose(self) -> None:
        """Close the connections."""
        for model in self._adaptive_models.values():
            await model.aclose()

    async def _ask_endpoint(self, request: Request, digest: str, note: str) -> Reply:
        """A new reply, stored. When the caller is cancelled, CancelledError is raised after the reply is stored."""
        self._check_stop_requested()
        self._check_budget(request)
        asking = asyncio.ensure_future(self._ask_and_store(request, digest, note))
        try:
            reply = await asyncio.shield(asking)
        except asyncio.CancelledError:
            self._stop_requested.set()  # no further retries: only the request in flight is awaited
            await asyncio.wait({asking})
            raise
        except ModelUnavailable:
            self._check_stop_requested()
            raise
        self._check_stop_requested()
        return reply

    async def _ask_and_store(self, request: Request, digest: str, note: str) -> Reply:
        answer = await self._adaptive_model().ask(request)
        message = _redacted(answer.message, self._redact)
        notes = [each for each in (note, *answer.notes) if each]
        reply = Reply(message, self.model, answer.usage, truncated=answer.truncated, note="; ".join(notes))
        self._count(digest, request.role, reply)  # paid for, even when the caller was cancelled
        await self._store.store(digest, request.role, reply)
        return reply

    def _adaptive_model(self) -> AdaptiveModel:
        index = self.model_index
        if index not in self._adaptive_models:
            self._adaptive_models[index] = AdaptiveModel(self._models[index], self._access, self._redact)
        return self._adaptive_models[index]

    def _check_budget(self, request: Request) -> None:
        role, model = request.role, self._models[self.model_index]
        turn = worst_case(model, min(token_upper_bound(request), model.context_tokens))
        refusal = turn_refusal(self._allowance, self.usage, role, self._role_turns[role], turn)
        if refusal:
            raise BudgetSpent(refusal)

    def _check_stop_requested(self) -> None:
        if self._stop_requested.is_set():
            raise Interrupted("the pod was asked to end; every answer that was paid for is stored")

    def _count(self, digest: str, role: str, reply: Reply) -> None:
        if digest in self._counted_digests:
            return
        self._counted_digests.add(digest)
        self._role_turns[role] += 1
        self.usage = self.usage.plus(reply.usage)


def _redacted(message: Message, redact: Redact) -> Message:
    calls = tuple(replace(call, arguments=redact(call.arguments)) for call in message.calls)
    return replace(message, text=redact(message.text), calls=calls)
