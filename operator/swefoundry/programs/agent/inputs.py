"""Everything that the roles may see, fetched from the registry before a model is asked.

The problem statement and the fix are not among it: the spec does not name them, and only what it names is fetched.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.contracts.agent import AgentSpec, PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import AGENTS, RECIPE
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes import first_proposal
from swefoundry.drafts.recipes.log_summary import failure_count
from swefoundry.oci.base_images import NO_IMAGE_HOSTS, BaseImageLookup, ImageHosts
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.failure_logs import FailureLogs, fetch_failure_logs
from swefoundry.programs.agent.repo.fetch import fetch_tree
from swefoundry.programs.agent.repo.repo_summary import (
    SHORT_SUMMARY_CHARACTERS,
    summarize_facts,
    summarize_repo,
)
from swefoundry.programs.agent.repo.tree import RepoTree

AGENT_FACTS_LIMIT_BYTES = 32 << 20
PAST_DRAFT_LIMIT_BYTES = 1 << 20
REFERENCE_DRAFTS = 3
"""So many are shown, nearest first; more would only cost tokens."""


@dataclass(frozen=True)
class PastAttempt:
    """A finished round with its draft."""

    past: PastRound
    draft: Draft


@dataclass(frozen=True)
class RecipeDraft:
    """The recipe's draft that agents start from."""

    draft: Draft
    label: str
    past: PastRound | None = None
    """Its round; None when it was not tried."""


@dataclass(frozen=True)
class AgentInputs:
    """A source tree and what was tried with it."""

    spec: AgentSpec
    facts: Facts
    tree: RepoTree
    repo_summary: str
    short_summary: str = ""
    """For those who write the first draft from the explorer's report."""
    facts_summary: str = ""
    """Without files, for the roles that work on a draft and its outcome."""
    attempts: tuple[PastAttempt, ...] = ()
    references: tuple[Draft, ...] = ()
    recipe_draft: RecipeDraft | None = None
    logs: FailureLogs = field(default_factory=FailureLogs)
    image_lookup: BaseImageLookup = field(default_factory=lambda: BaseImageLookup(NO_IMAGE_HOSTS, None))

    @property
    def agent_attempts(self) -> tuple[PastAttempt, ...]:
        """The rounds whose drafts agents wrote."""
        return tuple(each for each in self.attempts if each.past.strategy == AGENTS)


async def load_inputs(spec: AgentSpec, registry: RegistryClient, folder: Path) -> AgentInputs:
    """Fetch everything; the source tree goes into ``folder``, which is empty."""
    repo = spec.place.repository
    tree = RepoTree(await fetch_tree(registry, repo, spec.source, folder))
    facts = Facts.model_validate_json(await registry.get_blob(repo, spec.facts, AGENT_FACTS_LIMIT_BYTES))
    attempts = [PastAttempt(past, await _fetch_draft(registry, repo, past.draft)) for past in spec.rounds]
    of_agents = [past for past in spec.rounds if past.strategy == AGENTS]
    references = [await _fetch_draft(registry, repo, each) for each in spec.references[:REFERENCE_DRAFTS]]
    return AgentInputs(
        spec=spec,
        facts=facts,
        tree=tree,
        repo_summary=summarize_repo(facts, tree),
        short_summary=summarize_repo(facts, tree, SHORT_SUMMARY_CHARACTERS),
        facts_summary=summarize_facts(facts, tree),
        attempts=tuple(attempts),
        references=tuple(references),
        recipe_draft=best_recipe_draft(attempts) or untried_recipe_draft(spec, facts),
        logs=await fetch_failure_logs(registry, repo, of_agents[-1]) if of_agents else FailureLogs(),
        image_lookup=make_image_lookup(spec),
    )


def make_image_lookup(spec: AgentSpec) -> BaseImageLookup:
    """The lookup of the pod's base images, with the operator's knowledge of those that are missing."""
    place, ca = spec.place, Path(spec.ca_file) if spec.ca_file else None

    def open_registry(host: str) -> RegistryClient:
        insecure = place.insecure and host == place.registry
        location = place.model_copy(update={"registry": host, "insecure": insecure})
        return RegistryClient.for_location(location, ca)

    hosts = ImageHosts.of(spec.mirrors or {}, place.registry, spec.base_images)
    lookup = BaseImageLookup(hosts, open_registry)
    for image in spec.missing_images or ():
        lookup.remember_missing(image)
    return lookup


def best_recipe_draft(attempts: Iterable[PastAttempt]) -> RecipeDraft | None:
    """The recipe's draft that came furthest: tests ran, then an image was built; of equals the newest."""
    tried = [each for each in attempts if each.past.strategy == RECIPE]
    if not tried:
        return None
    best = max(tried, key=lambda each: (*_progress(each.past), each.past.number))
    return RecipeDraft(best.draft, best.past.label or "", best.past)


def _progress(past: PastRound) -> tuple[bool, bool, int]:
    """How far a round came: built, its tests ran, fewest failures."""
    ran = bool(past.codes) and past.outcome not in (RoundOutcome.NO_RESULT, RoundOutcome.NOT_RUNNABLE)
    return bool(past.codes), ran, -failure_count(past.message) if ran else 0


def untried_recipe_draft(spec: AgentSpec, facts: Facts) -> RecipeDraft | None:
    """What the recipe of the language would propose first, without a look at the fixed tree."""
    proposal = first_proposal(input_of_recipe(spec, facts), spec.base_images)
    return RecipeDraft(proposal.draft, proposal.label) if proposal is not None else None


def input_of_recipe(spec: AgentSpec, facts: Facts) -> StrategyInput:
    """What a recipe may use whose draft agents see: everything but the fixed tree."""
    return StrategyInput(
        facts=facts.model_copy(update={"fixed_manifests": None}),
        repo=spec.repo,
        language=spec.language,
        created_at=spec.created_at,
        version=spec.version,
    )


async def _fetch_draft(registry: RegistryClient, repo: str, digest: Digest) -> Draft:
    return Draft.model_validate_json(await registry.get_blob(repo, digest, PAST_DRAFT_LIMIT_BYTES))
