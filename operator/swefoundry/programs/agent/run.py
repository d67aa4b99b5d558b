"""How does an agent pod end? Every stop and error becomes a record with a code. What was said and learnt is stored,
however it ends.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from swefoundry.contracts.agent import AgentResult, AgentSpec
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Usage
from swefoundry.errors import SwefoundryError
from swefoundry.oci.draft_store import push_draft
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import OutOfTime, Stop
from swefoundry.programs.agent.conversation import Panel
from swefoundry.programs.agent.inputs import gather
from swefoundry.programs.agent.llm.messages import Speaker
from swefoundry.programs.agent.state import keep, keep_transcript, load
from swefoundry.programs.agent.transcript_recorder import Scribe
from swefoundry.programs.agent.workflow import Drafted, Say, Story

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


SpeakerFor = Callable[[AgentSpec, RegistryClient], AbstractAsyncContextManager[PodSpeaker]]


async def attempt(
    order: AgentSpec, registry: RegistryClient, folder: Path, speaker_for: SpeakerFor, say: Say
) -> AgentResult:
    """Carry out an order; what goes wrong is in the record."""
    try:
        async with speaker_for(order, registry) as speaker:
            return await _carried_out(order, registry, folder, speaker, say)
    except Stop as stop:
        return _record(order, stop.code, str(stop))
    except SwefoundryError as error:
        return _record(order, ExitCode.INFRASTRUCTURE, str(error))
    except ValidationError as error:
        return _record(order, ExitCode.INVALID_SPEC, f"what the order names cannot be read: {error}")
    except OSError as error:
        return _record(order, ExitCode.INFRASTRUCTURE, f"the pod's disk: {error}")


async def _carried_out(
    order: AgentSpec, registry: RegistryClient, folder: Path, speaker: PodSpeaker, say: Say
) -> AgentResult:
    case = await gather(order, registry, folder)
    state, said = await load(registry, order)
    scribe = Scribe(said, len(order.rounds), speaker.redact)
    story = Story(case, state, Panel(speaker, scribe), say)
    try:
        drafted = await _in_time(order, story)
    except Stop as stop:
        record = _record(order, stop.code, speaker.redact(str(stop)))
        said_digest = await _transcript_if_possible(order, registry, scribe, say)
        end = {"state": order.state, "transcript": said_digest}
    else:
        record = await _stored(order, registry, drafted)
        said_digest = await keep_transcript(registry, order.place.repository, scribe.transcript)
        kept = story.state.model_copy(update={"rung": speaker.rung, "transcript": said_digest})
        end = {"state": await keep(registry, order.place.repository, kept), "transcript": said_digest}
    return record.model_copy(update={**end, "usage": speaker.usage, "rung": speaker.rung})


async def _transcript_if_possible(
    order: AgentSpec, registry: RegistryClient, scribe: Scribe, say: Say
) -> Digest | None:
    """A stop says more than that the registry was away when its transcript was to be stored."""
    try:
        return await keep_transcript(registry, order.place.repository, scribe.transcript)
    except SwefoundryError as error:
        say(f"the transcript could not be stored: {error}")
        return None


async def _in_time(order: AgentSpec, story: Story) -> Drafted:
    """A request in flight is waited for and stored by the speaker: running out of time pays for nothing twice."""
    limit = order.time_limit_seconds
    try:
        async with asyncio.timeout(limit):
            return await story.next_draft()
    except TimeoutError as error:
        raise OutOfTime(
            f"the agents had no draft within {limit} s; raise the setting agent_seconds"
        ) from error


async def _stored(order: AgentSpec, registry: RegistryClient, drafted: Drafted) -> AgentResult:
    digest = await push_draft(registry, order.place.repository, drafted.draft)
    return AgentResult(
        nonce=order.nonce, code=ExitCode.OK, draft=digest, label=drafted.label, claimed=drafted.claimed
    )


def _record(order: AgentSpec, code: ExitCode, message: str) -> AgentResult:
    return AgentResult(nonce=order.nonce, code=code, message=" ".join(message.split())[:MESSAGE_CHARACTERS])
