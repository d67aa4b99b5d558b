"""Whose turn is it to propose the next draft? Pure.

::

    [reuse, recipe, agents]   reuse, recipe ... nothing left ─> agents ─> (reuse) agents ─> ... ─> they end: give up
    [agents, recipe]          agents ─> ... ─> they end ─> recipe

Strategies are asked in their order. Once the agents have begun, nobody before them is asked again (what they learn is
not for recipes), but for `reuse`: another commit of the repository may have been solved meanwhile, which costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swefoundry.api.envbuild import Agents
from swefoundry.api.types import Environment
from swefoundry.contracts.strategy_names import AGENTS, REUSE
from swefoundry.settings import Settings


@dataclass(frozen=True)
class NextStrategies:
    """Who is asked for the next draft."""

    without_model: tuple[str, ...]
    """Strategies that need no model, in order."""
    agents: bool = False
    """Then the agents."""


def ordered_strategies(environment: Environment, settings: Settings) -> list[str]:
    """The strategies to try, in order. Agents that nobody asked for by name are left out where there is no model."""
    if environment.strategies:
        return list(environment.strategies)
    if environment.draft is not None:
        return ["fixed"]
    return [name for name in settings.strategies if name != AGENTS or settings.models]


def next_strategies(order: Sequence[str], agents: Agents | None) -> NextStrategies:
    """Who is asked next, given what the agents have done so far."""
    if AGENTS not in order:
        return NextStrategies(tuple(order))
    place = list(order).index(AGENTS)
    if agents is not None and agents.ended is not None:
        return NextStrategies(tuple(order[place + 1 :]))
    before = tuple(order[:place])
    begun = agents is not None and agents.asked > 0
    return NextStrategies(tuple(name for name in before if name == REUSE) if begun else before, agents=True)
