"""Whose turn it is, what agents may spend, and what the status keeps of their work."""

from decimal import Decimal

import pytest

from builders import a_build, digest
from swefoundry.api.envbuild import Agents, EnvBuildStatus, Round
from swefoundry.api.types import Environment
from swefoundry.contracts.agent import AgentResult, Allowance
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.models import Model, Usage
from swefoundry.controllers.envbuild import agent_usage
from swefoundry.controllers.envbuild.budget import BudgetDecision, decide_budget
from swefoundry.controllers.envbuild.strategy_order import NextStrategies, next_strategies, ordered_strategies
from swefoundry.controllers.envbuild.usage_index import NO_USAGE, OtherUsage, UsageTotals
from swefoundry.settings import Settings

MODELS = [Model(name="small")]
BEGUN = Agents(drafts_requested=1)
ENDED = Agents(drafts_requested=1, end_reason="AgentsGaveUp")
DRAFT = Draft(dockerfile="FROM a", test_command="t")


@pytest.mark.parametrize(
    ("named", "models", "order"),
    [
        ({}, MODELS, ["reuse", "recipe", "agents"]),
        ({}, [], ["reuse", "recipe"]),
        ({"draft": DRAFT}, MODELS, ["fixed"]),
        ({"strategies": ["agents", "recipe"]}, [], ["agents", "recipe"]),
        ({"strategies": ["fixed", "agents"], "draft": DRAFT}, MODELS, ["fixed", "agents"]),
    ],
)
def test_strategies_are_those_named_or_the_operators_own(named, models, order):
    assert ordered_strategies(Environment(**named), Settings(models=models)) == order


@pytest.mark.parametrize(
    ("order", "agents", "whose"),
    [
        (["reuse", "recipe"], None, NextStrategies(("reuse", "recipe"))),
        (["reuse", "recipe", "agents"], None, NextStrategies(("reuse", "recipe"), agents=True)),
        (["reuse", "recipe", "agents"], BEGUN, NextStrategies(("reuse",), agents=True)),
        (["reuse", "recipe", "agents"], ENDED, NextStrategies(())),
        (["agents", "recipe"], None, NextStrategies((), agents=True)),
        (["agents", "recipe"], ENDED, NextStrategies(("recipe",))),
        (["fixed", "agents", "recipe"], BEGUN, NextStrategies((), agents=True)),
    ],
)
def test_the_strategies_that_may_propose_next(order, agents, whose):
    assert next_strategies(order, agents) == whose


def a_build_with_usage(tokens=0, micro_usd=0, **budget):
    used = Usage(turns=1, input_tokens=tokens, micro_usd=micro_usd).to_json_dict()
    return a_build({"usage": used}, budget=budget)


ALONE = OtherUsage()


def others(here=NO_USAGE, elsewhere=NO_USAGE):
    return OtherUsage(here, here.plus(elsewhere))


def usage_of(tokens=0, held=0):
    return UsageTotals(Usage(input_tokens=tokens), Usage(input_tokens=held))


def test_one_instance_spends_what_is_left_of_its_own_budget():
    found = decide_budget(
        a_build_with_usage(400, 100_000, llmTokens=1000, llmUsd="0.25", turnsPerRole=7), ALONE, Settings()
    )
    assert found == BudgetDecision(
        Allowance(
            turns_per_role=7,
            tokens=600,
            tokens_named="spec.budget; raise spec.budget.llmTokens",
            micro_usd=150_000,
            usd_named="spec.budget; raise spec.budget.llmUsd",
        )
    )


def test_nothing_left_names_the_budget_and_what_raises_it():
    tokens = decide_budget(a_build_with_usage(1000, llmTokens=1000), ALONE, Settings())
    assert tokens.spent.endswith("raise spec.budget.llmTokens")
    money = decide_budget(a_build_with_usage(0, 250_000, llmUsd="0.25"), ALONE, Settings())
    assert money.spent.endswith("raise spec.budget.llmUsd")


def test_a_namespace_counts_its_own_and_the_operator_all():
    usage = others(usage_of(300), usage_of(500))
    of_namespace = decide_budget(
        a_build_with_usage(100), usage, Settings(namespace_llm_tokens=1000)
    ).allowance
    assert (of_namespace.tokens, of_namespace.tokens_named) == (
        600,
        "the budget of namespace here; raise agents.budgets.namespace.tokens in the chart's values",
    )
    of_operator = decide_budget(a_build_with_usage(100), usage, Settings(operator_llm_tokens=1000)).allowance
    assert (of_operator.tokens, of_operator.tokens_named) == (
        100,
        "the operator's budget; raise agents.budgets.operator.tokens in the chart's values",
    )


def test_what_running_agents_may_still_use_is_waited_for_and_not_spent():
    limit = Settings(operator_llm_tokens=1000)
    waits = decide_budget(a_build_with_usage(100, llmTokens=500), others(usage_of(held=600)), limit)
    assert (waits.spent, bool(waits.held)) == ("", True)
    assert decide_budget(a_build_with_usage(100, llmTokens=500), others(usage_of(held=500)), limit).held == ""


def test_shared_money_is_exact():
    found = decide_budget(
        a_build_with_usage(0, 1), ALONE, Settings(operator_llm_usd=Decimal("0.1"))
    ).allowance
    assert found.micro_usd == 99_999


@pytest.mark.parametrize(
    ("limit", "value"), [("namespace_llm_usd", "namespace"), ("operator_llm_usd", "operator")]
)
def test_spent_money_names_the_value_that_raises_it(limit, value):
    used = UsageTotals(used=Usage(micro_usd=100_000))
    decision = decide_budget(a_build_with_usage(), others(used), Settings(**{limit: Decimal("0.1")}))
    assert decision.spent.startswith("no money is left")
    assert decision.spent.endswith(f"raise agents.budgets.{value}.usd in the chart's values")


USED = Usage(turns=3, input_tokens=1000, cached_tokens=200, output_tokens=50, micro_usd=1234)


def a_record(**fields):
    return AgentResult(nonce="n", **{"code": 0, "usage": USED, "rung": 1, **fields})


def a_round(number=1, **fields):
    return Round(number=number, strategy="agents", draft=digest("d"), **fields)


def test_a_draft_begins_a_round_and_is_charged():
    status = agent_usage.record_request(EnvBuildStatus(rounds=[a_round(outcome="StepFailed")]))
    assert status.agents == Agents(drafts_requested=1, drafting=2)
    after = agent_usage.record_draft(status, a_record(state=digest("1"), transcript=digest("2")), a_round(2))
    assert (after.round, [item.number for item in after.rounds]) == (2, [1, 2])
    assert (after.usage, after.cost) == (USED, "$0.0013")
    assert after.agents == Agents(
        drafts_requested=1, model_index=1, state=digest("1"), transcript=digest("2")
    )


def test_a_stop_is_charged_and_keeps_the_last_state():
    status = EnvBuildStatus(usage=USED, agents=Agents(drafts_requested=2, drafting=1, state=digest("1")))
    after = agent_usage.record_draft(status, a_record(code=50, message="needs a GPU"), None)
    assert after.usage == USED.plus(USED)
    assert after.agents == Agents(
        drafts_requested=2, model_index=1, state=digest("1"), end_reason="AgentsGaveUp", message="needs a GPU"
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (22, "AgentsTimeLimit"),
        (50, "AgentsGaveUp"),
        (51, "BudgetSpent"),
        (53, "ModelRefused"),
        (54, "AgentsRepeated"),
        (55, "AgentsMalformed"),
        (90, "InternalDefect"),
        (0, "InternalDefect"),
    ],
)
def test_every_code_without_a_draft_has_a_reason(code, reason):
    after = agent_usage.record_draft(EnvBuildStatus(agents=Agents(drafting=1)), a_record(code=code), None)
    assert after.agents is not None and after.agents.end_reason == reason


def test_claims_are_compared_with_what_was_measured():
    rounds = [
        a_round(1, claimed=True, outcome="AfterFailed"),
        a_round(2, claimed=True, outcome="BothPassed"),
        a_round(3, claimed=False, outcome="Accepted"),
        a_round(4, claimed=True, outcome="Accepted"),
        a_round(5, claimed=False, outcome="StepFailed"),
        a_round(6, claimed=True, outcome="Infrastructure"),
        a_round(7, claimed=True),
        a_round(8, outcome="Accepted"),
    ]
    after = agent_usage.score_claims(EnvBuildStatus(rounds=rounds, agents=BEGUN))
    assert after.agents == Agents(drafts_requested=1, overclaimed=2, underclaimed=1)
    assert agent_usage.score_claims(EnvBuildStatus(rounds=rounds)).agents is None
