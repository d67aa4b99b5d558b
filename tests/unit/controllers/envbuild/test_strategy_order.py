"""Whether proven environments and images of other commits may be used, and when the agents have begun."""

import pytest

from swefoundry.api.envbuild import Agents
from swefoundry.api.types import Environment
from swefoundry.contracts.draft import Overrides
from swefoundry.controllers.envbuild.strategy_order import (
    NextStrategies,
    may_reuse_image,
    next_strategies,
    reuse_enabled,
)
from swefoundry.settings import Settings

WITH_REUSE, WITHOUT_REUSE = Settings(strategies=["reuse", "recipe"]), Settings(strategies=["recipe"])


@pytest.mark.parametrize(
    ("settings", "strategies", "enabled"),
    [
        (WITH_REUSE, [], True),
        (WITHOUT_REUSE, [], False),
        (WITHOUT_REUSE, ["reuse"], True),
        (WITH_REUSE, ["recipe"], False),
    ],
)
def test_reuse_is_enabled_by_the_object_or_else_by_the_operator(settings, strategies, enabled):
    environment = Environment(strategies=strategies)
    assert reuse_enabled(environment, settings) is enabled
    assert may_reuse_image(environment, settings) is enabled


def test_overrides_that_need_a_build_leave_no_image_to_reuse():
    environment = Environment(overrides=Overrides(apt_packages=["make"]))
    assert reuse_enabled(environment, WITH_REUSE)
    assert not may_reuse_image(environment, WITH_REUSE)


def test_agents_that_were_not_asked_yet_do_not_end_the_strategies_before_them():
    assert next_strategies(["recipe", "agents"], Agents(drafts_requested=0)) == NextStrategies(
        ("recipe",), agents=True
    )
