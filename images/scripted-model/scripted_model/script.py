"""The format of a script: an ordered list of rules, each with *when* it matches and *then* its answer.

::

    models: {scripted-small: {}, scripted-large: {context_tokens: 200000}}
    rules:
      - name: the explorer looks at the README, then reports
        when: {role: explorer, repo: demo/adder}
        then:                                    # the n-th answer of a conversation
          - calls: [{name: read, arguments: {path: README.md}}]
          - json: {language: python, test_command: pytest -q}
      - name: the endpoint is busy at first
        when: {role: environment, times: 2}      # the third request is for the next rule
        then: {error: {status: 429, retry_after: 1}}

The first rule that matches a request answers it. Without ``times`` a rule has no state: the same request always gets
the same answer.
"""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Role = Literal["explorer", "environment", "tests", "analyst"]
Fault = Literal["drop", "truncate", "garbage", "empty"]

SCRIPT_ERROR_STATUS = 418
"""Status of an error in the script itself. Real endpoints do not use it, so clients do not retry, as they would after a
500, and do not take it for an error of their own."""


def _as_texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_as_texts)]
"""One text or a list of texts."""


class ScriptModel(BaseModel):
    """Base of all parts of a script: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(ScriptModel):
    """The requests that a rule answers. All conditions that are set have to hold."""

    role: Role | None = None
    """The role, by the first line of the system prompt: `You are the Repository Explorer of swefoundry.`"""
    model: str | None = None
    """Name of the model."""
    repo: str | None = None
    """A repository's name: a text that some message contains."""
    anywhere: Texts = []
    """Texts that must each be in some message."""
    last: Texts = []
    """Texts that must all be in the last message."""
    nowhere: Texts = []
    """Texts that no message may contain."""
    turn: int | None = Field(default=None, ge=0)
    """Number of the model's own messages in the request: 0 at the start of a conversation."""
    tools: bool | None = None
    """Whether the request offers tools."""
    schema_name: str | None = Field(default=None, alias="schema")
    """Name of the answer's JSON schema."""
    request: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Digest of exactly one request, as in the request log and in recordings."""
    times: int | None = Field(default=None, ge=1)
    """Answer so many requests, then none: the rules below are tried."""


class Call(ScriptModel):
    """A tool call."""

    name: str
    arguments: dict[str, Any] | str = {}
    """A text is sent unchanged and may be malformed."""


class Error(ScriptModel):
    """An error instead of an answer."""

    status: int = Field(ge=400, le=599)
    message: str = ""
    """Empty: the message of OpenAI's endpoint."""
    code: str | None = None
    type: str | None = None
    retry_after: float | None = Field(default=None, ge=0)
    """Seconds, sent as the Retry-After header."""


class UsageOverride(ScriptModel):
    """Token usage that the answer reports; absent: estimated from the lengths."""

    prompt: int | None = Field(default=None, ge=0)
    cached: int | None = Field(default=None, ge=0)
    completion: int | None = Field(default=None, ge=0)


class RawResponse(ScriptModel):
    """An HTTP response that is sent exactly as written, to imitate other servers and their faults."""

    status: int = Field(default=200, ge=100, le=599)
    body: Any = ""
    """A text is sent as it is, anything else as JSON."""
    content_type: str = "application/json"
    headers: dict[str, str] = {}


class Answer(ScriptModel):
    """One answer: text, tool calls, an error or a fault."""

    text: str | None = None
    data: Any = Field(default=None, alias="json")
    """Sent as JSON text, checked against the request's schema."""
    calls: list[Call] = []
    """Written as text for models without native tools, in the form that the system prompt describes."""
    error: Error | None = None
    fault: Fault | None = None
    """drop: close the connection without an answer; truncate: close it in the middle of the answer; garbage: no JSON;
    empty: no choices."""
    raw: RawResponse | None = None
    broken: bool = False
    """The answer violates the request's schema or tools on purpose, so it is not checked."""
    delay: float = Field(default=0, ge=0, le=3600)
    """Seconds to wait before answering."""
    finish: Literal["stop", "length", "tool_calls", "content_filter"] | None = None
    usage: UsageOverride = UsageOverride()

    @model_validator(mode="after")
    def has_one_kind_of_content(self) -> Self:
        """Text and JSON exclude each other, and so do content or a fault, an error, and a raw response."""
        if self.text is not None and "data" in self.model_fields_set:
            raise ValueError("`text` and `json` exclude each other")
        has_text = self.text is not None or "data" in self.model_fields_set
        has_content = has_text or bool(self.calls) or self.fault is not None
        if [has_content, self.error is not None, self.raw is not None].count(True) != 1:
            raise ValueError(
                "give content (`text` or `json`, `calls`) or a `fault`, or else an `error`, or a `raw` response"
            )
        return self


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Rule(ScriptModel):
    """A condition and its answers."""

    name: str = Field(min_length=1)
    when: When = When()
    then: Annotated[list[Answer], BeforeValidator(_as_list), Field(min_length=1)]
    """One answer; or a list with the answer to turn 0 of the conversation, to turn 1, and so on."""


class ModelLimits(ScriptModel):
    """What a model supports; other requests are rejected as OpenAI's endpoint does."""

    context_tokens: int = Field(default=128_000, ge=1)
    tools: bool = True
    json_schema: bool = True


class Script(ScriptModel):
    """A whole script."""

    models: dict[str, ModelLimits] = {}
    """The models that exist. Empty: every name is accepted."""
    unmatched: int = Field(default=SCRIPT_ERROR_STATUS, ge=400, le=599)
    """Status for a request that no rule matches."""
    rules: list[Rule] = []

    @model_validator(mode="after")
    def names_known_models(self) -> Self:
        """A rule for a model that does not exist would never match."""
        for rule in self.rules:
            if self.models and rule.when.model and rule.when.model not in self.models:
                raise ValueError(f"rule `{rule.name}` is for model `{rule.when.model}`; add it to `models`")
        return self

    @model_validator(mode="after")
    def has_unique_rule_names(self) -> Self:
        """The log and the use counts identify a rule by its name."""
        twice = sorted(name for name, count in Counter(rule.name for rule in self.rules).items() if count > 1)
        if twice:
            raise ValueError(f"several rules are named `{twice[0]}`; give each a name of its own")
        return self
