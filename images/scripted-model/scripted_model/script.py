"""What may be written in a script: an ordered list of rules, each with *when* it speaks and *then* what it says.

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

The first rule that fits a request speaks. Without ``times`` a rule keeps nothing in mind: the same request always
gets the same answer.
"""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Role = Literal["explorer", "environment", "tests", "analyst"]
Fault = Literal["drop", "truncate", "garbage", "empty"]

SCRIPT_ERROR_STATUS = 418
"""Status of what is the script's own fault. Real endpoints do not use it, so clients neither ask again, as they would
after a 500, nor take it for a fault of theirs."""


def _as_texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_as_texts)]
"""One text or a list of texts."""


class ScriptModel(BaseModel):
    """What people write: a field that nobody knows is a mistake, and is said."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(ScriptModel):
    """Which requests a rule answers. Everything that is given must hold."""

    role: Role | None = None
    """Who asks, by the first line of the system prompt: `You are the Repository Explorer of swefoundry.`"""
    model: str | None = None
    """Name of the model that is asked."""
    repo: str | None = None
    """A repository's name: a text that some message holds."""
    anywhere: Texts = []
    """Texts that must all be somewhere in the messages."""
    last: Texts = []
    """Texts that must all be in the last message."""
    nowhere: Texts = []
    """Texts of which no message may hold any."""
    turn: int | None = Field(default=None, ge=0)
    """How many of the model's own messages the request holds: 0 at the start of a conversation."""
    tools: bool | None = None
    """Whether the request offers tools."""
    schema_name: str | None = Field(default=None, alias="schema")
    """Name of the JSON schema that the answer is to obey."""
    request: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Digest of exactly one request, as the ledger and recordings give it."""
    times: int | None = Field(default=None, ge=1)
    """Speak this often, then leave the word to the rules below."""


class Call(ScriptModel):
    """A call of a tool."""

    name: str
    arguments: dict[str, Any] | str = {}
    """As a text: sent as it stands, perhaps malformed."""


class Error(ScriptModel):
    """An error instead of an answer."""

    status: int = Field(ge=400, le=599)
    message: str = ""
    """Empty: what OpenAI's endpoint would say."""
    code: str | None = None
    type: str | None = None
    retry_after: float | None = Field(default=None, ge=0)
    """Seconds, sent as the Retry-After header."""


class UsageOverride(ScriptModel):
    """What the answer says it has cost; absent: estimated from the lengths."""

    prompt: int | None = Field(default=None, ge=0)
    cached: int | None = Field(default=None, ge=0)
    completion: int | None = Field(default=None, ge=0)


class Answer(ScriptModel):
    """One answer: words, calls of tools, or something that goes wrong."""

    text: str | None = None
    data: Any = Field(default=None, alias="json")
    """Sent as JSON text, checked against the schema that the request asks for."""
    calls: list[Call] = []
    """Written as text for models without native tools, in the form that the system prompt asks for."""
    error: Error | None = None
    fault: Fault | None = None
    """drop: hang up without a word; truncate: hang up half way through the words; garbage: no JSON at all; empty: no
    choices."""
    broken: bool = False
    """The answer breaks the request's schema or tools on purpose: do not check it."""
    delay: float = Field(default=0, ge=0, le=3600)
    """Seconds to wait before answering."""
    finish: Literal["stop", "length", "tool_calls", "content_filter"] | None = None
    usage: UsageOverride = UsageOverride()

    @model_validator(mode="after")
    def has_one_kind_of_content(self) -> Self:
        """Text and data are two ways of saying the same; an error says nothing else, a fault need not."""
        if self.text is not None and "data" in self.model_fields_set:
            raise ValueError("`text` and `json` exclude each other")
        words = self.text is not None or "data" in self.model_fields_set or bool(self.calls)
        said = words or self.fault is not None
        if said == (self.error is not None):
            raise ValueError("give words (`text` or `json`, `calls`) or a `fault`, or else an `error`")
        return self


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Rule(ScriptModel):
    """When, then."""

    name: str = Field(min_length=1)
    when: When = When()
    then: Annotated[list[Answer], BeforeValidator(_as_list), Field(min_length=1)]
    """One answer; or a list: the answer to turn 0 of the conversation, to turn 1, and so on."""


class ModelLimits(ScriptModel):
    """What a model can do; asked for more, it refuses as OpenAI's endpoint would."""

    context_tokens: int = Field(default=128_000, ge=1)
    tools: bool = True
    json_schema: bool = True


class Script(ScriptModel):
    """A whole script."""

    models: dict[str, ModelLimits] = {}
    """The models that exist. Empty: every name does."""
    unmatched: int = Field(default=SCRIPT_ERROR_STATUS, ge=400, le=599)
    """Status of the answer to a request that no rule answers."""
    rules: list[Rule] = []

    @model_validator(mode="after")
    def names_known_models(self) -> Self:
        """A rule for a model that does not exist would never speak."""
        for rule in self.rules:
            if self.models and rule.when.model and rule.when.model not in self.models:
                raise ValueError(f"rule `{rule.name}` is for model `{rule.when.model}`; add it to `models`")
        return self

    @model_validator(mode="after")
    def has_unique_rule_names(self) -> Self:
        """What is said of a rule, and counted of it, is said by its name."""
        twice = sorted(name for name, count in Counter(rule.name for rule in self.rules).items() if count > 1)
        if twice:
            raise ValueError(f"several rules are named `{twice[0]}`; give each a name of its own")
        return self
