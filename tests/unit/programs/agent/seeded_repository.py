"""Fills a registry repository before an agent run: source, facts, drafts, logs."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from swefoundry.contracts.agent import AgentSpec, PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.transcript import TRANSCRIPT_FILE, Transcript
from swefoundry.oci.artifacts import pull_artifact, push_artifact
from swefoundry.oci.deterministic_tar import TREE_MTIME, RegularFile, pack_nodes
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE
from swefoundry.programs.agent.state import STATE_FILE, AgentState
from unit.programs.agent.agent_inputs import FILES, a_facts, an_agent_spec

_numbers = itertools.count()


@dataclass
class SeededRepository:
    """A repository of a real registry, filled for one agent run."""

    registry: RegistryClient
    repo: str = field(default_factory=lambda: f"agents/seeded{next(_numbers)}")

    async def agent_spec(
        self, *rounds: PastRound, files: Mapping[str, str] = FILES, **more: object
    ) -> AgentSpec:
        """A spec whose source and facts are stored; of a language without a recipe, so the explorer speaks first."""
        place = RegistryLocation(registry=self.registry.host, insecure=True, repository=self.repo)
        facts = a_facts(files).model_dump_json(by_alias=True, exclude_none=True).encode()
        fields: dict[str, object] = {
            "place": place,
            "language": "cobol",
            "source": await self.source(files),
            "facts": await self.registry.put_blob(self.repo, facts),
            "rounds": list(rounds),
        }
        return an_agent_spec(**(fields | more))

    async def source(self, files: Mapping[str, str]) -> Digest:
        data, _ = pack_nodes(
            [(name.encode(), RegularFile(text.encode())) for name, text in files.items()], TREE_MTIME
        )
        return await push_artifact(self.registry, self.repo, "source", {SOURCE_FILE: data})

    async def past_round(self, number: int, outcome: RoundOutcome, draft: Draft, **more: object) -> PastRound:
        """A past round whose draft is stored."""
        digest = await self.registry.put_blob(self.repo, draft.to_bytes())
        return PastRound(number=number, strategy="agents", draft=digest, outcome=outcome, **more)

    async def evidence(self, log: str) -> Digest:
        """The evidence artifact of an evaluation."""
        files = {"output.log": log.encode(), "reports/report.xml": b"<report/>", "record.json": b"{}"}
        return await push_artifact(self.registry, self.repo, "evaluation", files)

    async def draft(self, digest: Digest | None) -> Draft:
        assert digest is not None
        return Draft.model_validate_json(await self.registry.get_blob(self.repo, digest, 1 << 20))

    async def state(self, digest: Digest | None) -> AgentState:
        assert digest is not None
        files = await pull_artifact(self.registry, self.repo, digest, 1 << 20)
        return AgentState.model_validate_json(files[STATE_FILE])

    async def transcript(self, digest: Digest | None) -> Transcript:
        assert digest is not None
        files = await pull_artifact(self.registry, self.repo, digest, 1 << 20)
        return Transcript.model_validate(json.loads(files[TRANSCRIPT_FILE]))
