"""What a shard may use of the limits that are set for all shards together."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from swefoundry.settings import Settings, describe_errors
from swefoundry.workloads.shard_limits import settings_of_shard

LIMITS = {
    "max_active_intake": 9,
    "max_active_build": 4,
    "max_active_evaluation": 17,
    "max_active_agent": 8,
    "max_active_total": 31,
    "max_unplaced": 4,
    "api_qps": 50.0,
    "api_burst": 101,
    "delete_qps": 20.0,
    "namespace_llm_tokens": 1_000_001,
    "namespace_llm_usd": Decimal("2.5"),
    "operator_llm_tokens": 3,
    "operator_llm_usd": Decimal("0.000003"),
}


def parts(shard: int, shards: int, **limits: object) -> dict[str, object]:
    settings = settings_of_shard(Settings(shard=shard, shards=shards, **(LIMITS | limits)))
    return {name: getattr(settings, name) for name in LIMITS}


def test_two_shards_share_every_limit_and_the_first_has_what_cannot_be_halved() -> None:
    second = {
        "max_active_intake": 4,
        "max_active_build": 2,
        "max_active_evaluation": 8,
        "max_active_agent": 4,
        "max_active_total": 15,
        "max_unplaced": 2,
        "api_qps": 25.0,
        "api_burst": 50,
        "delete_qps": 10.0,
        "namespace_llm_tokens": 500_000,
        "namespace_llm_usd": Decimal("1.25"),
        "operator_llm_tokens": 1,
        "operator_llm_usd": Decimal("0.000001"),
    }
    assert parts(1, 2) == second
    assert parts(0, 2) == {name: LIMITS[name] - part for name, part in second.items()}


def test_what_has_no_limit_has_none_in_a_shard() -> None:
    unlimited = dict.fromkeys(
        (
            "max_active_total",
            "namespace_llm_tokens",
            "namespace_llm_usd",
            "operator_llm_tokens",
            "operator_llm_usd",
        )
    )
    assert {name: parts(0, 2, **unlimited)[name] for name in unlimited} == unlimited


def test_without_shards_all_settings_stay_as_they_are() -> None:
    settings = Settings(**LIMITS)
    assert settings_of_shard(settings) == settings


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"shard": 2, "shards": 2}, "SWEFOUNDRY_SHARD (2) must be below SWEFOUNDRY_SHARDS (2)"),
        ({"shards": 5}, "SWEFOUNDRY_MAX_ACTIVE_BUILD (4) must be at least SWEFOUNDRY_SHARDS (5)"),
        (
            {"shards": 2, "max_active_total": 1},
            "SWEFOUNDRY_MAX_ACTIVE_TOTAL (1) must be at least SWEFOUNDRY_SHARDS (2)",
        ),
    ],
)
def test_a_shard_that_could_do_nothing_is_refused(values: dict[str, int], error: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(**values)
    assert describe_errors(refusal.value) == error
