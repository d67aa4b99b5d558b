"""Configuration of language models, their prices, and usage."""

from typing import Annotated, Literal

from pydantic import Field

from swefoundry.contracts.wire import WireModel

MICRO = 1_000_000
"""Prices are US dollars per million tokens, so price times tokens is micro-dollars: sums stay exact integers."""

Price = Annotated[float, Field(ge=0)]


class Model(WireModel):
    """One model; the next one of the list is used on repetition or malformed answers."""

    name: str = Field(min_length=1, max_length=256, description="Model name as the endpoint knows it.")
    base_url: str = Field(
        default="https://api.openai.com/v1",
        max_length=2048,
        pattern=r"^https?://",
        description="Any OpenAI-compatible endpoint: OpenAI, vLLM, a gateway.",
    )
    input_usd: Price = Field(default=0, description="US dollars per million input tokens.")
    cached_usd: Price | None = Field(
        default=None,
        description="US dollars per million input tokens read from the cache; absent: as other input.",
    )
    output_usd: Price = Field(default=0, description="US dollars per million output tokens.")
    context_tokens: int = Field(
        default=128_000, ge=4096, description="Tokens that request and answer may have together."
    )
    output_tokens: int = Field(
        default=8192,
        ge=256,
        description="Longest answer that is asked for, tokens; bounds the cost of a turn.",
    )
    temperature: float | None = Field(default=None, ge=0, le=2, description="Absent: the endpoint's default.")
    reasoning_effort: Literal["minimal", "low", "medium", "high"] | None = Field(
        default=None, description="For reasoning models; absent: not sent."
    )
    tools: bool = Field(
        default=True, description="Whether the endpoint takes native tool calls; else text is used."
    )
    json_schema: bool = Field(
        default=True,
        description="Whether the endpoint takes a JSON schema as response format; else it is described.",
    )
    extra_headers: dict[str, str] = Field(
        default={},
        max_length=16,
        description="Headers for gateways; no secrets, they are shown in the clear.",
    )
    request_seconds: int = Field(
        default=600, ge=1, le=3600, description="Time limit of one request, seconds."
    )
    patience_seconds: int = Field(
        default=300,
        ge=0,
        le=3600,
        description="How long an agent pod asks an endpoint that is busy or away again, seconds; then it ends, and "
        "another goes on later.",
    )


class Usage(WireModel):
    """Usage of all models together."""

    turns: int = Field(
        default=0, ge=0, description="Answers that models gave, each counted once however often reread."
    )
    input_tokens: int = Field(default=0, ge=0, description="Tokens sent, cached ones included.")
    cached_tokens: int = Field(default=0, ge=0, description="Of these, tokens that the endpoint had cached.")
    output_tokens: int = Field(default=0, ge=0, description="Tokens received, reasoning included.")
    micro_usd: int = Field(
        default=0, ge=0, description="Cost in millionths of a US dollar, by the configured prices."
    )

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum."""
        return Usage(
            turns=self.turns + other.turns,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            micro_usd=self.micro_usd + other.micro_usd,
        )

    def minus(self, other: "Usage") -> "Usage":
        """Return the difference; ``other`` is a part of this usage."""
        return Usage(
            turns=self.turns - other.turns,
            input_tokens=self.input_tokens - other.input_tokens,
            cached_tokens=self.cached_tokens - other.cached_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            micro_usd=self.micro_usd - other.micro_usd,
        )

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens


def cost(model: Model, input_tokens: int, cached_tokens: int, output_tokens: int) -> int:
    """Return the cost of one answer in micro-dollars, rounded up so that rounding never exceeds a budget."""
    cached = model.input_usd if model.cached_usd is None else model.cached_usd
    exact = (
        (input_tokens - cached_tokens) * model.input_usd
        + cached_tokens * cached
        + output_tokens * model.output_usd
    )
    return -int(-exact // 1)
