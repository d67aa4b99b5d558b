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
from swefoundry.programs.agent.agent_exit import AgentExit, TimeLimitReached
from swefoundry.programs.agent.conversation import AgentDeps
from swefoundry.programs.agent.inputs import load_inputs
from swefoundry.programs.agent.llm.messages import ModelClient
from swefoundry.programs.agent.state import load_state, store_state, store_transcript
from swefoundry.programs.agent.transcript_recorder import TranscriptRecorder
from swefoundry.programs.agent.workflow import DraftWorkflow, WorkflowProgress, WrittenDraft

MAX_RESULT_MESSAGE_CHARACTERS = 1500
"""A sentence is shorter; the analyst's reasons are model text."""


class PodModelClient(ModelClient, Protocol):
    """The speaker of one pod: also knows what was used, and what must not be written down."""

    @property
    def usage(self) -> Usage:
        """Of all turns of this pod."""
        ...

    @property
    def model_index(self) -> int:
        """Index in the ladder of the model that speaks."""
        ...

    def redact(self, text: str) -> str:
        """Text without keys and the like."""
        ...


OpenModelClient = Callable[[AgentSpec, RegistryClient], AbstractAsyncContextManager[PodModelClient]]


async def run_agent(
    spec: AgentSpec,
    registry: RegistryClient,
    folder: Path,
    open_client: OpenModelClient,
    progress: WorkflowProgress,
) -> AgentResult:
    """Carry out an order; what goes wrong is in the record."""
    try:
        async with open_client(spec, registry) as speaker:
            return await _run(spec, registry, folder, speaker, progress)
    except AgentExit as stop:
        return _failure(spec, stop.code, str(stop))
    except SwefoundryError as error:
        return _failure(spec, ExitCode.INFRASTRUCTURE, str(error))
    except ValidationError as error:
        return _failure(spec, ExitCode.INVALID_SPEC, f"what the order names cannot be read: {error}")
    except OSError as error:
        return _failure(spec, ExitCode.INFRASTRUCTURE, f"the pod's disk: {error}")


async def _run(
    spec: AgentSpec,
    registry: RegistryClient,
    folder: Path,
    client: PodModelClient,
    progress: WorkflowProgress,
) -> AgentResult:
    case = await load_inputs(spec, registry, folder)
    state, said = await load_state(registry, spec)
    scribe = TranscriptRecorder(said, len(spec.rounds), client.redact)
    story = DraftWorkflow(case, state, AgentDeps(client, scribe), progress)
    try:
        drafted = await _draft_in_time(spec, story)
    except AgentExit as stop:
        record = _failure(spec, stop.code, client.redact(str(stop)))
        said_digest = await _try_store_transcript(spec, registry, scribe, progress)
        end = {"state": spec.state, "transcript": said_digest}
    else:
        record = await _store_draft(spec, registry, drafted)
        said_digest = await store_transcript(registry, spec.place.repository, scribe.transcript)
        kept = story.state.model_copy(update={"rung": client.model_index, "transcript": said_digest})
        end = {"state": await store_state(registry, spec.place.repository, kept), "transcript": said_digest}
    return record.model_copy(update={**end, "usage": client.usage, "rung": client.model_index})


async def _try_store_transcript(
    spec: AgentSpec, registry: RegistryClient, recorder: TranscriptRecorder, progress: WorkflowProgress
) -> Digest | None:
    """A stop says more than that the registry was away when its transcript was to be stored."""
    try:
        return await store_transcript(registry, spec.place.repository, recorder.transcript)
    except SwefoundryError as error:
        progress(f"the transcript could not be stored: {error}")
        return None


async def _draft_in_time(spec: AgentSpec, workflow: DraftWorkflow) -> WrittenDraft:
    """A request in flight is waited for and stored by the speaker: running out of time pays for nothing twice."""
    limit = spec.time_limit_seconds
    try:
        async with asyncio.timeout(limit):
            return await workflow.next_draft()
    except TimeoutError as error:
        raise TimeLimitReached(
            f"the agents had no draft within {limit} s; raise the setting agent_seconds"
        ) from error


async def _store_draft(spec: AgentSpec, registry: RegistryClient, drafted: WrittenDraft) -> AgentResult:
    digest = await push_draft(registry, spec.place.repository, drafted.draft)
    return AgentResult(
        nonce=spec.nonce, code=ExitCode.OK, draft=digest, label=drafted.label, claimed=drafted.claimed
    )


def _failure(spec: AgentSpec, code: ExitCode, message: str) -> AgentResult:
    return AgentResult(
        nonce=spec.nonce, code=code, message=" ".join(message.split())[:MAX_RESULT_MESSAGE_CHARACTERS]
    )
