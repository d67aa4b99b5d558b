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
    Answer,
    Manners,
    Unreadable,
    body,
    corrected,
    manners_of,
    read,
)
from swefoundry.programs.agent.llm.context_window import fit, worst
from swefoundry.programs.agent.llm.endpoint import (
    GARBLED_ANSWERS,
    Access,
    Endpoint,
    Invalid,
    Pause,
    Say,
    TooLong,
)
from swefoundry.programs.agent.llm.messages import Reply, Request, ToolCall
from swefoundry.programs.agent.llm.response_cache import DamagedTurn, TurnStore, request_digest
from swefoundry.programs.agent.redaction import Redact, Redactor

SHRINKINGS = 5
"""How often a request is shortened after the endpoint said that it is too long."""
SHRINKING = 0.6
"""To this part of the room each time: five of them leave 8 %, less than any estimate is wrong by."""

CHECK_SECRET = "check the Secret that the chart's value agents.secret names"


@dataclass(frozen=True)
class Surroundings:
    """What tests replace."""

    pause: Pause = asyncio.sleep
    say: Say = print


@asynccontextmanager
async def speaker_for(
    order: AgentSpec,
    registry: RegistryClient,
    start_rung: int = 0,
    surroundings: Surroundings = Surroundings(),
) -> AsyncIterator["LadderSpeaker"]:
    """A way to ask the order's models until the block ends; SIGTERM is listened to meanwhile."""
    key = await asyncio.to_thread(_key, order.key_file)
    redact = Redactor([key])
    stopping = asyncio.Event()

    def say(line: str) -> None:
        surroundings.say(redact(line))

    access = Access(key, order.ca_file, stopping, surroundings.pause, say)
    store = TurnStore(registry, order.place.repository, order.conversation, surroundings.pause)
    with _listening(stopping):
        speaker = LadderSpeaker(order, store, access, redact, start_rung)
        try:
            yield speaker
        finally:
            await speaker.aclose()


class LadderSpeaker:
    """The models of an order, cheapest first."""

    def __init__(
        self, order: AgentSpec, store: TurnStore, access: Access, redact: Redact, start_rung: int
    ) -> None:
        if not order.ladder:
            raise ModelRefused("no model is configured; set the chart's value agents.models")
        self._ladder = order.ladder
        self._conversation = order.conversation
        self._allowance: Allowance = order.allowance
        self._store = store
        self._access = access
        self._redact = redact
        self._endpoints: dict[int, Endpoint] = {}
        self._manners: dict[int, Manners] = {}
        self._counted: set[str] = set()
        self._role_turns: Counter[str] = Counter()
        self.rung = min(max(start_rung, 0), len(order.ladder) - 1)
        """Index in the ladder of the model that speaks."""
        self.usage = Usage()
        """Of every turn so far, those that were found stored included, each once."""

    @property
    def model(self) -> str:
        """Name of the model that speaks."""
        return self._ladder[self.rung].name

    def escalate(self) -> bool:
        """Use the next model of the ladder from now on; False when this is the last."""
        if self.rung + 1 >= len(self._ladder):
            return False
        self.rung += 1
        return True

    def redact(self, text: str) -> str:
        """Without the key and whatever looks like one."""
        return self._redact(text)

    async def ask(self, request: Request) -> Reply:
        """One turn: stored, or paid for and then stored."""
        request = _redacted(request, self._redact)
        digest = request_digest(self._conversation, request, self._ladder[self.rung])
        note = ""
        try:
            found = await self._store.find(digest)
        except DamagedTurn as damaged:
            found, note = None, f"{damaged}; asked again"
            self._access.say(note)
        if found is None:
            found = await self._paid(request, digest, note)
        self._count(digest, request.role, found)
        return found

    async def aclose(self) -> None:
        """Let connections go."""
        for endpoint in self._endpoints.values():
            await endpoint.aclose()

    # Paying

    async def _paid(self, request: Request, digest: str, note: str) -> Reply:
        """A new answer, stored. Whoever is cancelled meanwhile hears of it when the answer is stored."""
        self._end_when_asked()
        self._refuse_overspending(request)
        paying = asyncio.ensure_future(self._pay(request, digest, note))
        try:
            reply = await asyncio.shield(paying)
        except asyncio.CancelledError:
            self._stopping.set()  # no further attempts: only what is under way is waited for
            await asyncio.wait({paying})
            raise
        except ModelUnavailable:
            self._end_when_asked()
            raise
        self._end_when_asked()
        return reply

    async def _pay(self, request: Request, digest: str, note: str) -> Reply:
        answer = await self._answer(request)
        message = replace(
            answer.message,
            text=self._redact(answer.message.text),
            calls=tuple(_redacted_call(call, self._redact) for call in answer.message.calls),
        )
        notes = [each for each in (note, *answer.notes) if each]
        reply = Reply(message, self.model, answer.usage, cut=answer.cut, note="; ".join(notes))
        self._count(digest, request.role, reply)  # paid for, whether or not the caller still hears of it
        await self._store.keep(digest, request.role, reply)
        return reply

    async def _answer(self, request: Request) -> Answer:
        """Said so that it fits and the endpoint takes it."""
        model = self._ladder[self.rung]
        room = model.context_tokens - model.output_tokens
        if room < model.context_tokens // 4:
            room = model.context_tokens // 4  # an output limit near the context's size; the endpoint will say
        why = ""
        for _ in range(SHRINKINGS):
            fitted = fit(request, room)
            try:
                answer = await self._exchange(fitted.request)
            except TooLong as long:
                why = str(long)
                room = int(room * SHRINKING)
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

    async def _exchange(self, request: Request) -> Answer:
        """One answer that can be read, in the best manners that the endpoint takes."""
        model, rung = self._ladder[self.rung], self.rung
        endpoint = self._endpoint(rung, model)
        unreadable = 0
        while True:
            manners = self._manners.setdefault(rung, manners_of(model))
            try:
                found = await endpoint.complete(body(request, model, manners))
                return read(found, request, model, manners)
            except Invalid as invalid:
                said = str(invalid)
            except Unreadable as error:
                unreadable += 1
                if unreadable >= GARBLED_ANSWERS:
                    raise ModelUnavailable(f"{model.base_url}: {error}, {unreadable} times") from None
                continue
            except (ModelRefused, ModelUnavailable) as stop:
                # Without its cause, whose text nobody has redacted.
                raise type(stop)(self._redact(str(stop))) from None
            self._manners[rung] = self._corrected(manners, said, request)

    def _corrected(self, manners: Manners, said: str, request: Request) -> Manners:
        """Other manners after a refusal, or the refusal itself."""
        better = corrected(manners, said)
        if better is None:
            raise ModelRefused(
                self._redact(f"{said}; check the model's settings against what the endpoint takes")
            )
        self._access.say(f"{said}; said otherwise from now on ({request.role})")
        return better

    def _endpoint(self, rung: int, model: Model) -> Endpoint:
        if rung not in self._endpoints:
            self._endpoints[rung] = Endpoint(model, self._access)
        return self._endpoints[rung]

    # Limits

    def _refuse_overspending(self, request: Request) -> None:
        role = request.role
        model = self._ladder[self.rung]
        turn = worst_case(model, min(worst(request), model.context_tokens))
        why = turn_refusal(self._allowance, self.usage, role, self._role_turns[role], turn)
        if why:
            raise BudgetSpent(why)

    def _end_when_asked(self) -> None:
        if self._stopping.is_set():
            raise Interrupted("the pod was asked to end; every answer that was paid for is stored")

    def _count(self, digest: str, role: str, reply: Reply) -> None:
        if digest in self._counted:
            return
        self._counted.add(digest)
        self._role_turns[role] += 1
        self.usage = self.usage.plus(reply.usage)

    @property
    def _stopping(self) -> asyncio.Event:
        assert self._access.stopping is not None
        return self._access.stopping


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


def _key(path: str | None) -> str:
    if path is None:
        return ""
    try:
        key = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ModelRefused(f"the API key file {path} cannot be read: {error}; {CHECK_SECRET}") from error
    if not key or not key.isascii() or any(letter.isspace() for letter in key):
        raise ModelRefused(
            f"the API key file {path} holds no key: one line of ASCII text is wanted; {CHECK_SECRET}"
        )
    return key


class _listening:  # noqa: N801 - used as a block
    """SIGTERM sets the event until the block ends; where a loop cannot listen to signals, nothing happens."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._heard = False

    def __enter__(self) -> None:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stopping.set)
            self._heard = True

    def __exit__(self, *_: object) -> None:
        if self._heard:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
