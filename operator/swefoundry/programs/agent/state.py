"""What does one agent pod leave for the next? Reports, guidance, the draft and the rung; a versioned artifact.

Only a pod that wrote a draft leaves one. A pod that ended otherwise is followed by one that starts where it started:
it asks the same questions, finds the answers stored, and gets to the same point without paying.
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
"""Of state or transcript: hundreds of turns with whole files in them are a few megabytes."""


class PastGuidance(WireModel):
    """Guidance that was given after a round."""

    round: int
    outcome: str
    guidance: Guidance


class AgentState(WireModel):
    """Everything that outlives a pod and is not in the order."""

    v: Literal[1] = 1
    report: ExplorerReport | None = None
    draft: Draft | None = None
    """The draft that was written last."""
    written: list[str] = []
    """Keys of all drafts that were written, before a person's overrides changed them."""
    advised: list[PastGuidance] = []
    """Guidance so far, oldest first."""
    signatures: list[str] = []
    """Of the failures of the agents' rounds, oldest first: why a model was changed or the loop ended."""
    rung: int = 0
    """Index in the ladder of the model that spoke last."""
    transcript: Digest | None = None


async def load_state(registry: RegistryClient, spec: AgentSpec) -> tuple[AgentState, Transcript]:
    """What the last pod left; a state of another version counts as none."""
    fresh = AgentState(), Transcript(conversation=spec.conversation)
    if spec.state is None:
        return fresh
    repo = spec.place.repository
    files = await pull_artifact(registry, repo, spec.state, STATE_LIMIT_BYTES)
    try:
        state = AgentState.model_validate_json(files.get(STATE_FILE, b""))
        if state.transcript is None:
            return state, fresh[1]
        said = await pull_artifact(registry, repo, state.transcript, STATE_LIMIT_BYTES)
        return state, Transcript.model_validate_json(said.get(TRANSCRIPT_FILE, b""))
    except ValidationError:
        return fresh


async def store_transcript(registry: RegistryClient, repository: str, transcript: Transcript) -> Digest:
    """Store what was said."""
    return await push_artifact(
        registry, repository, TRANSCRIPT_KIND, {TRANSCRIPT_FILE: _to_bytes(transcript)}
    )


async def store_state(registry: RegistryClient, repository: str, state: AgentState) -> Digest:
    """Store the state."""
    return await push_artifact(registry, repository, STATE_KIND, {STATE_FILE: _to_bytes(state)})


def _to_bytes(value: WireModel) -> bytes:
    return value.to_json().encode()
