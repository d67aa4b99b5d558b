"""State that one agent pod stores for the next: report, guidance, draft and model index, as a versioned artifact.

Only a pod that wrote a draft stores it. After any other end the next pod starts from the same state: its requests are
the same, so it finds the responses stored and reaches the same point without paying.
"""

from typing import Literal

from pydantic import ValidationError

from swefoundry.contracts.agent import AgentSpec
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.transcript import TRANSCRIPT_FILE, TRANSCRIPT_KIND, Transcript
from swefoundry.contracts.wire import WireModel
from swefoundry.oci.artifacts import pull_artifact, push_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.answers import ExplorerReport, Guidance

STATE_KIND = "agent-state"
STATE_FILE = "state.json"
STATE_LIMIT_BYTES = 64 << 20
"""Of state or transcript: hundreds of turns with whole files are a few megabytes."""


class PastGuidance(WireModel):
    """The analyst's guidance after a round."""

    round: int
    outcome: str
    guidance: Guidance


class AgentState(WireModel):
    """Everything that the next pod needs and that is not in its spec. The field names are keys of the stored JSON."""

    v: Literal[1] = 1
    report: ExplorerReport | None = None
    draft: Draft | None = None
    """The draft that was written last."""
    written: list[str] = []
    """Keys of all drafts that were written, before a person's overrides were applied."""
    advised: list[PastGuidance] = []
    """Guidance so far, oldest first."""
    signatures: list[str] = []
    """Of the failures of the agents' rounds, oldest first."""
    rung: int = 0
    """Index of the model that was used last."""
    transcript: Digest | None = None


async def load_state(registry: RegistryClient, spec: AgentSpec) -> tuple[AgentState, Transcript]:
    """The last pod's state and transcript; both are empty when they cannot be parsed."""
    fresh = AgentState(), Transcript(conversation=spec.conversation)
    if spec.state is None:
        return fresh
    repo = spec.place.repository
    files = await pull_artifact(registry, repo, spec.state, STATE_LIMIT_BYTES)
    try:
        state = AgentState.model_validate_json(files.get(STATE_FILE, b""))
        if state.transcript is None:
            return state, fresh[1]
        files = await pull_artifact(registry, repo, state.transcript, STATE_LIMIT_BYTES)
        return state, Transcript.model_validate_json(files.get(TRANSCRIPT_FILE, b""))
    except ValidationError:
        return fresh


async def store_transcript(registry: RegistryClient, repository: str, transcript: Transcript) -> Digest:
    """Push the transcript and return its digest."""
    return await push_artifact(
        registry, repository, TRANSCRIPT_KIND, {TRANSCRIPT_FILE: _to_bytes(transcript)}
    )


async def store_state(registry: RegistryClient, repository: str, state: AgentState) -> Digest:
    """Push the state and return its digest."""
    return await push_artifact(registry, repository, STATE_KIND, {STATE_FILE: _to_bytes(state)})


def _to_bytes(value: WireModel) -> bytes:
    return value.to_json().encode()
