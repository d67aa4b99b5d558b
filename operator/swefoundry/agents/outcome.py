"""How does an agent pod end? Every stop and error becomes a record with a code, and every record fits a termination
message. What was said and learnt is stored, however it ends.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from swefoundry.agents.case import gather
from swefoundry.agents.conversation import Panel
from swefoundry.agents.state import load, save
from swefoundry.agents.stops import OutOfTime, Stop
from swefoundry.agents.story import Drafted, Say, Story
from swefoundry.agents.transcript import Scribe
from swefoundry.agents.words import Speaker
from swefoundry.domain.agent_work import AgentOrder, AgentRecord
from swefoundry.domain.codes import Code
from swefoundry.domain.models import Usage
from swefoundry.domain.work import RECORD_LIMIT_BYTES
from swefoundry.errors import SwefoundryError
from swefoundry.store.registry import Registry

MESSAGE_CHARACTERS = 1500
"""A sentence is shorter; the analyst's reasons are model text."""


class PodSpeaker(Speaker, Protocol):
    """The speaker of one pod: also knows what was used, and what must not be written down."""

    @property
    def usage(self) -> Usage:
        """Of all turns of this pod."""
        ...

    @property
    def rung(self) -> int:
        """Index in the ladder of the model that speaks."""
        ...

    def redact(self, text: str) -> str:
        """Text without keys and the like."""
        ...


SpeakerFor = Callable[[AgentOrder, Registry], AbstractAsyncContextManager[PodSpeaker]]


async def attempt(
    order: AgentOrder, registry: Registry, folder: Path, speaker_for: SpeakerFor, say: Say
) -> AgentRecord:
    """Carry out an order; what goes wrong is in the record."""
    try:
        async with speaker_for(order, registry) as speaker:
            return await _carried_out(order, registry, folder, speaker, say)
    except Stop as stop:
        return _record(order, stop.code, str(stop))
    except SwefoundryError as error:
        return _record(order, Code.INFRASTRUCTURE, str(error))
    except ValidationError as error:
        return _record(order, Code.BAD_ORDER, f"what the order names cannot be read: {error}")
    except OSError as error:
        return _record(order, Code.INFRASTRUCTURE, f"the pod's disk: {error}")


async def _carried_out(
    order: AgentOrder, registry: Registry, folder: Path, speaker: PodSpeaker, say: Say
) -> AgentRecord:
    case = await gather(order, registry, folder)
    state, said = await load(registry, order)
    scribe = Scribe(said, len(order.rounds), speaker.redact)
    story = Story(case, state, Panel(speaker, scribe), say)
    try:
        drafted = await _in_time(order, story)
    except Stop as stop:
        record = _record(order, stop.code, speaker.redact(str(stop)))
    else:
        record = await _stored(order, registry, drafted)
    record = record.model_copy(update={"usage": speaker.usage, "rung": speaker.rung})
    kept = story.state.model_copy(update={"rung": speaker.rung})
    try:
        digests = await save(registry, order.place.repository, kept, scribe.transcript)
    except SwefoundryError as error:
        if record.code == Code.OK:
            raise  # the next pod needs the state; a stop says more than this error
        say(f"state and transcript could not be stored: {error}")
        return record
    return record.model_copy(update={"state": digests[0], "transcript": digests[1]})


async def _in_time(order: AgentOrder, story: Story) -> Drafted:
    """A request in flight is waited for and stored by the speaker: running out of time pays for nothing twice."""
    limit = order.time_limit_seconds
    try:
        async with asyncio.timeout(limit):
            return await story.next_draft()
    except TimeoutError as error:
        raise OutOfTime(
            f"the agents had no draft within {limit} s; raise the setting agent_seconds"
        ) from error


async def _stored(order: AgentOrder, registry: Registry, drafted: Drafted) -> AgentRecord:
    digest = await registry.put_blob(order.place.repository, drafted.draft.stored())
    return AgentRecord(
        nonce=order.nonce, code=Code.OK, draft=digest, label=drafted.label, claimed=drafted.claimed
    )


def _record(order: AgentOrder, code: Code, message: str) -> AgentRecord:
    return AgentRecord(nonce=order.nonce, code=code, message=" ".join(message.split())[:MESSAGE_CHARACTERS])


def encoded(record: AgentRecord, limit: int = RECORD_LIMIT_BYTES) -> bytes:
    """The record as JSON; message, then label, lose their ends when it is too long."""
    record = record.model_copy(update={"message": _text(record.message), "label": _text(record.label)})
    while True:
        said = record.model_dump_json(by_alias=True, exclude_none=True).encode()
        surplus = len(said) - limit
        if surplus <= 0 or not (record.message or record.label):
            return said
        name = "message" if record.message else "label"
        kept = getattr(record, name)
        record = record.model_copy(update={name: kept[: len(kept) - max(1, surplus // 4)]})


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
