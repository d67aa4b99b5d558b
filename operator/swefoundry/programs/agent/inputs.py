"""Everything that the roles may know, gathered from the registry before anyone speaks.

The issue's text and the fix are not among it: no order names them, and nothing here fetches what no order names.
"""

from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.contracts.agent import AgentSpec, PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.failure_logs import Logs, logs
from swefoundry.programs.agent.repo.fetch import fetch
from swefoundry.programs.agent.repo.repo_summary import brief
from swefoundry.programs.agent.repo.tree import Tree

AGENTS = "agents"
"""The strategy that rounds of ours name."""
FACTS_BYTES = 32 << 20
DRAFT_BYTES = 1 << 20
REFERENCES = 3
"""Nearest first; more would only cost tokens."""


@dataclass(frozen=True)
class Attempted:
    """A round that ended, with its draft."""

    past: PastRound
    draft: Draft


@dataclass(frozen=True)
class Case:
    """One source and what was tried with it."""

    order: AgentSpec
    facts: Facts
    tree: Tree
    brief: str
    attempts: tuple[Attempted, ...] = ()
    references: tuple[Draft, ...] = ()
    logs: Logs = field(default_factory=Logs)

    @property
    def ours(self) -> tuple[Attempted, ...]:
        """The agents' own rounds."""
        return tuple(each for each in self.attempts if each.past.strategy == AGENTS)


async def gather(order: AgentSpec, registry: RegistryClient, folder: Path) -> Case:
    """Fetch all of it; ``folder`` is empty and ours."""
    repo = order.place.repository
    tree = Tree(await fetch(registry, repo, order.source, folder))
    facts = Facts.model_validate_json(await registry.get_blob(repo, order.facts, FACTS_BYTES))
    attempts = [Attempted(past, await _draft(registry, repo, past.draft)) for past in order.rounds]
    ours = [past for past in order.rounds if past.strategy == AGENTS]
    references = [await _draft(registry, repo, each) for each in order.references[:REFERENCES]]
    return Case(
        order=order,
        facts=facts,
        tree=tree,
        brief=brief(facts, tree),
        attempts=tuple(attempts),
        references=tuple(references),
        logs=await logs(registry, repo, ours[-1]) if ours else Logs(),
    )


async def _draft(registry: RegistryClient, repo: str, digest: Digest) -> Draft:
    return Draft.model_validate_json(await registry.get_blob(repo, digest, DRAFT_BYTES))
