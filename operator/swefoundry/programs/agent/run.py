"""Runs one agent pod: every AgentExit and error becomes a result with an exit code.

The transcript is stored in any case; the state only together with a draft.
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
from swefoundry.programs.agent.agent_exit import AgentExit, ModelUnavailable, TimeLimitReached
from swefoundry.programs.agent.conversation import AgentDeps
from swefoundry.programs.agent.inputs import load_inputs
from swefoundry.programs.agent.llm.hooks import ReportProgress
from swefoundry.programs.agent.llm.messages import ModelClient
from swefoundry.programs.agent.state import load_state, store_state, store_transcript
from swefoundry.programs.agent.transcript_recorder import TranscriptRecorder
from swefoundry.programs.agent.workflow import DraftWorkflow, WrittenDraft
from swefoundry.programs.infrastructure_result import infrastructure_result

MAX_RESULT_MESSAGE_CHARACTERS = 1500
"""Our own sentences are shorter; the analyst's reasons are model text."""


class PodModelClient(ModelClient, Protocol):
    """The model client of one pod, with its usage and its redaction."""

    @property
    def usage(self) -> Usage:
        """Usage of all turns of this pod."""
        ...

    @property
    def model_index(self) -> int:
        """Index of the model in use."""
        ...

    def redact(self, text: str) -> str:
        """Text without secrets."""
        ...


OpenModelClient = Callable[[AgentSpec, RegistryClient], AbstractAsyncContextManager[PodModelClient]]


async def run_agent(
    spec: AgentSpec,
    registry: RegistryClient,
    folder: Path,
    open_client: OpenModelClient,
    progress: ReportProgress,
) -> AgentResult:
    """Write the draft that the spec asks for. Never raises an expected error: it is in the result."""
    try:
        async with open_client(spec, registry) as client:
            return await _run(spec, registry, folder, client, progress)
    except AgentExit as error:
        return _exit_result(spec, error, str(error))
    except (SwefoundryError, OSError) as error:
        return infrastructure_result(AgentResult, spec.nonce, error)
    except ValidationError as error:
        message = f"an input of the agent pod cannot be read: {error}"
        return AgentResult(nonce=spec.nonce, code=ExitCode.INVALID_SPEC, message=_fitted(message))


async def _run(
    spec: AgentSpec,
    registry: RegistryClient,
    folder: Path,
    client: PodModelClient,
    progress: ReportProgress,
) -> AgentResult:
    inputs = await load_inputs(spec, registry, folder)
    state, transcript = await load_state(registry, spec)
    recorder = TranscriptRecorder(transcript, len(spec.rounds), client.redact)
    workflow = DraftWorkflow(inputs, state, AgentDeps(client, recorder), progress)
    repository = spec.place.repository
    stored: Digest | None
    try:
        written = await _draft_in_time(spec, workflow)
    except AgentExit as error:
        result = _exit_result(spec, error, client.redact(str(error)))
        stored = await _try_store_transcript(spec, registry, recorder, progress)
        update = {"state": spec.state, "transcript": stored}
    else:
        result = await _store_draft(spec, registry, written)
        stored = await store_transcript(registry, repository, recorder.transcript)
        last = workflow.state.model_copy(update={"rung": client.model_index, "transcript": stored})
        update = {"state": await store_state(registry, repository, last), "transcript": stored}
    return result.model_copy(update={**update, "usage": client.usage, "rung": client.model_index})


async def _try_store_transcript(
    spec: AgentSpec, registry: RegistryClient, recorder: TranscriptRecorder, progress: ReportProgress
) -> Digest | None:
    """Store the transcript; ignore a registry error, because the AgentExit that led here is more important."""
    try:
        return await store_transcript(registry, spec.place.repository, recorder.transcript)
    except SwefoundryError as error:
        progress(f"the transcript could not be stored: {error}")
        return None


async def _draft_in_time(spec: AgentSpec, workflow: DraftWorkflow) -> WrittenDraft:
    """The draft, or TimeLimitReached. The model client awaits and stores a request in flight, so it is not lost."""
    limit = spec.time_limit_seconds
    try:
        async with asyncio.timeout(limit):
            return await workflow.next_draft()
    except TimeoutError as error:
        raise TimeLimitReached(
            f"the agents wrote no draft within {limit} s; raise the setting agent_seconds"
        ) from error


async def _store_draft(spec: AgentSpec, registry: RegistryClient, written: WrittenDraft) -> AgentResult:
    digest = await push_draft(registry, spec.place.repository, written.draft)
    return AgentResult(
        nonce=spec.nonce, code=ExitCode.OK, draft=digest, label=written.label, claimed=written.claimed
    )


def _exit_result(spec: AgentSpec, error: AgentExit, message: str) -> AgentResult:
    away = error if isinstance(error, ModelUnavailable) else None
    return AgentResult(
        nonce=spec.nonce,
        code=error.code,
        message=_fitted(message),
        host=away.host if away is not None else None,
        retry_after_seconds=away.retry_after if away is not None else None,
    )


def _fitted(message: str) -> str:
    return " ".join(message.split())[:MAX_RESULT_MESSAGE_CHARACTERS]
