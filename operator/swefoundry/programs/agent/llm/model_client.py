"""How do roles ask models? One object behind which are the turn store, the budget, the ladder, dialect and endpoint.

::

    ask ─> redact ─> stored? ──yes──────────────────────────────────────────┐
                       │ no                                                 v
                       └─> asked to end? ─> within budget? ─> pay ─> store ─> reply
                               │ yes           │ no
                          Interrupted     BudgetSpent (nothing is sent)

A request in flight is never thrown away: when the pod is asked to end (SIGTERM) or the caller is cancelled, its answer
is waited for and stored; only then the stop is raised. Pods have 120 s for that.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from swefoundry.contracts.agent import AgentSpec, Allowance
from swefoundry.contracts.budgets import turn_refusal, worst_case
from swefoundry.contracts.models import Model, Usage
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import BudgetSpent, Interrupted, ModelRefused, ModelUnavailable
from swefoundry.programs.agent.llm.chat_completions import (
    Capabilities,
    MalformedResponse,
    ModelAnswer,
    capabilities_of,
    parse_response,
    request_body,
    without_unsupported,
)
from swefoundry.programs.agent.llm.context_window import fit_to_context, token_upper_bound
from swefoundry.programs.agent.llm.endpoint import (
    MAX_BROKEN_RESPONSES,
    ContextExceeded,
    Endpoint,
    EndpointAccess,
    Progress,
    RequestRejected,
    Sleep,
)
from swefoundry.programs.agent.llm.messages import Reply, Request, ToolCall
from swefoundry.programs.agent.llm.response_cache import DamagedResponse, ResponseStore, request_digest
from swefoundry.programs.agent.redaction import Redact, Redactor

MAX_SHRINKS = 5
"""How often a request is shortened after the endpoint said that it is too long."""
SHRINK_FACTOR = 0.6
"""To this part of the room each time: five of them leave 8 %, less than any estimate is wrong by."""

CHECK_SECRET_HINT = "check the Secret that the chart's value agents.secret names"


@dataclass(frozen=True)
class Hooks:
    """What tests replace."""

    sleep: Sleep = asyncio.sleep
    progress: Progress = print


@asynccontextmanager
async def open_model_client(
    spec: AgentSpec,
    registry: RegistryClient,
    start_index: int = 0,
    hooks: Hooks = Hooks(),
) -> AsyncIterator["FallbackModelClient"]:
    """A way to ask the order's models until the block ends; SIGTERM is listened to meanwhile."""
    key = await asyncio.to_thread(_read_key, spec.key_file)
    redact = Redactor([key])
    stopping = asyncio.Event()

    def say(line: str) -> None:
        hooks.progress(redact(line))

    access = EndpointAccess(key, spec.ca_file, stopping, hooks.sleep, say)
    store = ResponseStore(registry, spec.place.repository, spec.conversation, hooks.sleep)
    with _sigterm_sets(stopping):
        speaker = FallbackModelClient(spec, store, access, redact, start_index)
        try:
            yield speaker
        finally:
            await speaker.aclose()


class FallbackModelClient:
    """The models of an order, cheapest first."""

    def __init__(
        self, spec: AgentSpec, store: ResponseStore, access: EndpointAccess, redact: Redact, start_index: int
    ) -> None:
        if not spec.ladder:
            raise ModelRefused("no model is configured; set the chart's value agents.models")
        self._models = spec.ladder
        self._conversation = spec.conversation
        self._allowance: Allowance = spec.allowance
        self._store = store
        self._access = access
        self._redact = redact
        self._endpoints: dict[int, Endpoint] = {}
        self._capabilities: dict[int, Capabilities] = {}
        self._counted_digests: set[str] = set()
        self._role_turns: Counter[str] = Counter()
        self.model_index = min(max(start_index, 0), len(spec.ladder) - 1)
        """Index in the ladder of the model that speaks."""
        self.usage = Usage()
        """Of every turn so far, those that were found stored included, each once."""

    @property
    def model(self) -> str:
        """Name of the model that speaks."""
        return self._models[self.model_index].name

    def use_next_model(self) -> bool:
        """Use the next model of the ladder from now on; False when this is the last."""
        if self.model_index + 1 >= len(self._models):
            return False
        self.model_index += 1
        return True

    def redact(self, text: str) -> str:
        """Without the key and whatever looks like one."""
        return self._redact(text)

    async def ask(self, request: Request) -> Reply:
        """One turn: stored, or paid for and then stored."""
        request = _redacted(request, self._redact)
        digest = request_digest(self._conversation, request, self._models[self.model_index])
        note = ""
        try:
            found = await self._store.find(digest)
        except DamagedResponse as damaged:
            found, note = None, f"{damaged}; asked again"
            self._access.progress(note)
        if found is None:
            found = await self._ask_endpoint(request, digest, note)
        self._count(digest, request.role, found)
        return found

    async def aclose(self) -> None:
        """Let connections go."""
        for endpoint in self._endpoints.values():
            await endpoint.aclose()

    # Paying

    async def _ask_endpoint(self, request: Request, digest: str, note: str) -> Reply:
        """A new answer, stored. Whoever is cancelled meanwhile hears of it when the answer is stored."""
        self._check_stop_requested()
        self._check_budget(request)
        paying = asyncio.ensure_future(self._ask_and_store(request, digest, note))
        try:
            reply = await asyncio.shield(paying)
        except asyncio.CancelledError:
            self._stop_requested.set()  # no further attempts: only what is under way is waited for
            await asyncio.wait({paying})
            raise
        except ModelUnavailable:
            self._check_stop_requested()
            raise
        self._check_stop_requested()
        return reply

    async def _ask_and_store(self, request: Request, digest: str, note: str) -> Reply:
        answer = await self._ask_shrinking(request)
        message = replace(
            answer.message,
            text=self._redact(answer.message.text),
            calls=tuple(_redacted_call(call, self._redact) for call in answer.message.calls),
        )
        notes = [each for each in (note, *answer.notes) if each]
        reply = Reply(message, self.model, answer.usage, truncated=answer.truncated, note="; ".join(notes))
        self._count(digest, request.role, reply)  # paid for, whether or not the caller still hears of it
        await self._store.store(digest, request.role, reply)
        return reply

    async def _ask_shrinking(self, request: Request) -> ModelAnswer:
        """Said so that it fits and the endpoint takes it."""
        model = self._models[self.model_index]
        room = model.context_tokens - model.output_tokens
        if room < model.context_tokens // 4:
            room = model.context_tokens // 4  # an output limit near the context's size; the endpoint will say
        why = ""
        for _ in range(MAX_SHRINKS):
            fitted = fit_to_context(request, room)
            try:
                answer = await self._ask_adapting(fitted.request)
            except ContextExceeded as long:
                why = str(long)
                room = int(room * SHRINK_FACTOR)
                continue
            if not fitted.shortened:
                return answer
            shortened = f"{fitted.shortened} messages were shortened to fit the model's context"
            return replace(answer, notes=(shortened, *answer.notes))
        raise ModelRefused(
            self._redact(
                f"{why}; even the shortest form of the request does not fit: set the model's contextTokens and "
                "outputTokens to what the endpoint has, or use a model with a larger context"
            )
        )

    async def _ask_adapting(self, request: Request) -> ModelAnswer:
        """One answer that can be read, in the best manners that the endpoint takes."""
        model, rung = self._models[self.model_index], self.model_index
        endpoint = self._endpoint(rung, model)
        unreadable = 0
        while True:
            manners = self._capabilities.setdefault(rung, capabilities_of(model))
            try:
                found = await endpoint.complete(request_body(request, model, manners))
                return parse_response(found, request, model, manners)
            except RequestRejected as invalid:
                said = str(invalid)
            except MalformedResponse as error:
                unreadable += 1
                if unreadable >= MAX_BROKEN_RESPONSES:
                    raise ModelUnavailable(f"{model.base_url}: {error}, {unreadable} times") from None
                continue
            except (ModelRefused, ModelUnavailable) as stop:
                # Without its cause, whose text nobody has redacted.
                raise type(stop)(self._redact(str(stop))) from None
            self._capabilities[rung] = self._adapted(manners, said, request)

    def _adapted(self, capabilities: Capabilities, message: str, request: Request) -> Capabilities:
        """Other manners after a refusal, or the refusal itself."""
        better = without_unsupported(capabilities, message)
        if better is None:
            raise ModelRefused(
                self._redact(f"{message}; check the model's settings against what the endpoint takes")
            )
        self._access.progress(f"{message}; said otherwise from now on ({request.role})")
        return better

    def _endpoint(self, index: int, model: Model) -> Endpoint:
        if index not in self._endpoints:
            self._endpoints[index] = Endpoint(model, self._access)
        return self._endpoints[index]

    # Limits

    def _check_budget(self, request: Request) -> None:
        role = request.role
        model = self._models[self.model_index]
        turn = worst_case(model, min(token_upper_bound(request), model.context_tokens))
        why = turn_refusal(self._allowance, self.usage, role, self._role_turns[role], turn)
        if why:
            raise BudgetSpent(why)

    def _check_stop_requested(self) -> None:
        if self._stop_requested.is_set():
            raise Interrupted("the pod was asked to end; every answer that was paid for is stored")

    def _count(self, digest: str, role: str, reply: Reply) -> None:
        if digest in self._counted_digests:
            return
        self._counted_digests.add(digest)
        self._role_turns[role] += 1
        self.usage = self.usage.plus(reply.usage)

    @property
    def _stop_requested(self) -> asyncio.Event:
        assert self._access.stop_requested is not None
        return self._access.stop_requested


def _redacted(request: Request, redact: Redact) -> Request:
    messages = tuple(
        replace(
            message,
            text=redact(message.text),
            calls=tuple(_redacted_call(call, redact) for call in message.calls),
        )
        for message in request.messages
    )
    return replace(request, messages=messages)


def _redacted_call(call: ToolCall, redact: Redact) -> ToolCall:
    return replace(call, arguments=redact(call.arguments))


def _read_key(path: str | None) -> str:
    if path is None:
        return ""
    try:
        key = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ModelRefused(f"the API key file {path} cannot be read: {error}; {CHECK_SECRET_HINT}") from error
    if not key or not key.isascii() or any(letter.isspace() for letter in key):
        raise ModelRefused(
            f"the API key file {path} holds no key: one line of ASCII text is wanted; {CHECK_SECRET_HINT}"
        )
    return key


class _sigterm_sets:  # noqa: N801 - used as a block
    """SIGTERM sets the event until the block ends; where a loop cannot listen to signals, nothing happens."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event
        self._installed = False

    def __enter__(self) -> None:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._event.set)
            self._installed = True

    def __exit__(self, *_: object) -> None:
        if self._installed:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
