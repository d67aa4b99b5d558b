"""What may be spent: the least of all budgets, by name."""

import pytest

from swefoundry.contracts.agent import Allowance
from swefoundry.contracts.budgets import (
    BudgetLimit,
    SearchCosts,
    allowance_exhausted,
    costs_refusal,
    dollars,
    tightest_allowance,
    turn_refusal,
    worst_case,
)
from swefoundry.contracts.models import Model, Usage

INSTANCE = BudgetLimit(
    "spec.budget",
    1000,
    5_000_000,
    "raise spec.budget.llmTokens",
    "raise spec.budget.llmUsd",
    Usage(input_tokens=400, micro_usd=1_000_000),
)
NAMESPACE = BudgetLimit("the namespace demo", None, 3_000_000, used=Usage(micro_usd=2_900_000))
OPERATOR = BudgetLimit("the operator", 500, None, used=Usage(output_tokens=700))


def test_the_tightest_budget_counts_and_is_named() -> None:
    assert tightest_allowance([INSTANCE], 7) == Allowance(
        turns_per_role=7,
        tokens=600,
        tokens_named="spec.budget; raise spec.budget.llmTokens",
        micro_usd=4_000_000,
        usd_named="spec.budget; raise spec.budget.llmUsd",
    )
    assert tightest_allowance([INSTANCE, NAMESPACE, OPERATOR]) == Allowance(
        tokens=0, tokens_named="the operator", micro_usd=100_000, usd_named="the namespace demo"
    )
    assert tightest_allowance([]) == Allowance()


def test_an_overspent_budget_starts_no_pod() -> None:
    assert allowance_exhausted(tightest_allowance([OPERATOR])) == "no tokens are left of the operator"
    assert allowance_exhausted(Allowance(micro_usd=0)) == "no money is left"
    assert allowance_exhausted(tightest_allowance([INSTANCE])) == ""


def test_the_worst_case_has_nothing_cached_and_the_longest_answer() -> None:
    model = Model(name="m", input_usd=2, cached_usd=0.5, output_usd=8, output_tokens=1000)
    assert worst_case(model, 500) == Usage(turns=1, input_tokens=500, output_tokens=1000, micro_usd=9000)
    model = model.model_copy(update={"cached_usd": 4})
    assert worst_case(model, 500).micro_usd == 10_000


def test_exactly_what_is_left_may_be_spent() -> None:
    turn = Usage(turns=1, input_tokens=500, output_tokens=500, micro_usd=100)
    used = Usage(turns=3, input_tokens=1000, micro_usd=50)
    assert turn_refusal(Allowance(tokens=2000, micro_usd=150, turns_per_role=4), used, "tests", 3, turn) == ""
    assert turn_refusal(Allowance(tokens=1999), used, "tests", 3, turn) == (
        "the next model turn may use 1000 tokens, but 999 are left"
    )
    assert turn_refusal(Allowance(micro_usd=149, usd_named="spec.budget"), used, "tests", 3, turn) == (
        "the next model turn may cost $0.0001, but $0.0001 is left of spec.budget"
    )


@pytest.mark.parametrize(
    ("used", "reason"),
    [
        pytest.param(
            SearchCosts(5, 100, 100), "5 of 5 rounds are spent; raise spec.budget.rounds", id="rounds"
        ),
        pytest.param(
            SearchCosts(1, 7200, 0),
            "7200 of 7200 pod-seconds are spent; raise spec.budget.podSeconds",
            id="pods",
        ),
        pytest.param(
            SearchCosts(1, 0, 90),
            "90 of 80 seconds since the start are spent; raise spec.budget.wallSeconds",
            id="wall",
        ),
        pytest.param(SearchCosts(1, 0, 79), "", id="none"),
        pytest.param(SearchCosts(), "", id="nothing"),
    ],
)
def test_work_has_budgets_too(used: SearchCosts, reason: str) -> None:
    assert costs_refusal(SearchCosts(5, 7200, 80), used) == reason


def test_money_is_rounded_up() -> None:
    assert [dollars(micro_usd) for micro_usd in (0, 1, 100, 101, 1_500_000)] == [
        "$0.0000",
        "$0.0001",
        "$0.0001",
        "$0.0002",
        "$1.5000",
    ]
