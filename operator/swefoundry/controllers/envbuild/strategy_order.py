"""Order of the strategies, and which of them may propose the next draft. Pure.

::

    [reuse, recipe, agents]   reuse, recipe ... nothing left ─> agents ─> (reuse) agents ─> ... ─> they end: give up
    [agents, recipe]          agents ─> ... ─> they end ─> recipe

Strategies propose in their order. Once the agents have begun, no strategy before them proposes again (recipes learn
nothing from the agents' rounds), except `reuse`: another commit of the repository may have been solved meanwhile, and
a try costs no model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swefoundry.api.envbuild import Agents
from swefoundry.api.types import Environment
from swefoundry.contracts.strategy_names import AGENTS, REUSE
from swefoundry.drafts.reuse import requires_build
from swefoundry.settings import Settings


@dataclass(frozen=True)
class NextStrategies:
    """Strategies that may propose the next draft."""

    without_model: tuple[str, ...]
    """Strategies that need no model, in order."""
    agents: bool = False
    """Whether the agents follow when the others have no draft left."""


def ordered_strategies(environment: Environment, settings: Settings) -> list[str]:
    """The strategies to try, in order. Agents that nobody asked for by name are left out where there is no model."""
    if environment.strategies:
        return list(environment.strategies)
    if environment.draft is not None:
        return ["fixed"]
    return [name for name in settings.strategies if name != AGENTS or settings.models]


def reuse_enabled(environment: Environment, settings: Settings) -> bool:
    """Whether proven environments of other commits may be read at all; experiments compare with that."""
    return REUSE in ordered_strategies(environment, settings)


def may_reuse_image(environment: Environment, settings: Settings) -> bool:
    """Whether a proven image may be tried: not when the overrides ask for what only a build can give."""
    return reuse_enabled(environment, settings) and not requires_build(environment.overrides)


def next_strategies(order: Sequence[str], agents: Agents | None) -> NextStrategies:
    """Strategies that may propose next, given what the agents have done so far."""
    if AGENTS not in order:
        return NextStrategies(tuple(order))
    index = list(order).index(AGENTS)
    if agents is not None and agents.end_reason is not None:
        return NextStrategies(tuple(order[index + 1 :]))
    before = tuple(order[:index])
    agents_began = agents is not None and agents.drafts_requested > 0
    return NextStrategies(
        tuple(name for name in before if name == REUSE) if agents_began else before, agents=True
    )
