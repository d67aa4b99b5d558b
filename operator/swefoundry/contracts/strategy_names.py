"""Names of the strategies, as `environment.strategies` and `status.rounds[].strategy` spell them."""

FIXED = "fixed"
REUSE = "reuse"
RECIPE = "recipe"
AGENTS = "agents"
