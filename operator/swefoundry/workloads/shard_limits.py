"""A shard's part of the limits that the settings set for all shards together. Pure."""

from decimal import Decimal

from swefoundry.api.shards import Shard
from swefoundry.contracts.models import MICRO
from swefoundry.settings import SHARED_LIMITS, Settings

TOKEN_BUDGETS = ("namespace_llm_tokens", "operator_llm_tokens")
DOLLAR_BUDGETS = ("namespace_llm_usd", "operator_llm_usd")
RATES = ("api_qps", "delete_qps")


def settings_of_shard(settings: Settings) -> Settings:
    """The settings with this shard's part of each shared limit, so that all shards together never exceed one."""
    shard = Shard.from_settings(settings)
    parts: dict[str, int | float | Decimal] = {
        name: shard.part_of(limit)
        for name in (*SHARED_LIMITS, *TOKEN_BUDGETS)
        if (limit := getattr(settings, name)) is not None
    }
    parts |= {
        name: Decimal(shard.part_of(int(usd * MICRO))) / MICRO
        for name in DOLLAR_BUDGETS
        if (usd := getattr(settings, name)) is not None
    }
    parts |= {name: getattr(settings, name) / shard.count for name in RATES}
    return settings.model_copy(update=parts)
