"""What does a request ask? The parts of a body that rules look at."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Json = dict[str, Any]

ROLES = {
    "Repository Explorer": "explorer",
    "Environment Manager": "environment",
    "Test Manager": "tests",
    "Test Analyst": "analyst",
}
"""By the first line of the system prompt: `You are the <name> of swefoundry.`"""

SCHEMA_HEADING = "The object must obey this JSON schema:"
"""What stands before the schema in a system prompt of swefoundry, where the endpoint takes none, or none with tools."""

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class ChatRequest:
    """One body of POST /v1/chat/completions."""

    body: Json

    @cached_property
    def digest(self) -> str:
        """sha256 over the canonical JSON of the body: the same question has the same digest."""
        text = json.dumps(self.body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[Json]:
        return [message for message in self.body.get("messages") or [] if isinstance(message, dict)]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The text of each message, arguments of tool calls included."""
        return tuple(_message_text(message) for message in self.messages)

    @property
    def last_text(self) -> str:
        return self.texts[-1] if self.texts else ""

    @cached_property
    def role(self) -> str | None:
        """Which of the four roles asks; None: somebody else."""
        first = self.texts[0].partition("\n")[0].strip() if self.texts else ""
        return next(
            (role for name, role in ROLES.items() if first == f"You are the {name} of swefoundry."), None
        )

    @property
    def turn(self) -> int:
        """How many messages of the model the conversation has already."""
        return sum(message.get("role") == "assistant" for message in self.messages)

    @property
    def tools(self) -> dict[str, Json]:
        """The parameters' schema of each tool that may be called."""
        functions = [tool.get("function") or {} for tool in self.body.get("tools") or []]
        return {str(each.get("name")): each.get("parameters") or {} for each in functions}

    @property
    def requires_schema(self) -> bool:
        """Whether the endpoint is to see to it that the answer obeys a schema."""
        return bool((self.body.get("response_format") or {}).get("type") == "json_schema")

    @property
    def answer_schema(self) -> tuple[str, Json] | None:
        """Name and JSON schema that the answer is to obey: the request's, or one that the system prompt describes."""
        if self.requires_schema:
            asked = self.body["response_format"].get("json_schema") or {}
            return str(asked.get("name", "")), asked.get("schema") or {}
        _, _, described = (self.texts or ("",))[0].partition(SCHEMA_HEADING)
        try:
            schema, _ = json.JSONDecoder().raw_decode(described.lstrip())
        except ValueError:
            return None
        return str(schema.get("title", "")), schema

    @property
    def wants_stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def max_output_tokens(self) -> int:
        """Tokens that the answer may have; 0: not said."""
        return int(self.body.get("max_completion_tokens") or self.body.get("max_tokens") or 0)

    @property
    def prompt_tokens(self) -> int:
        """An estimate by length, the same for the same request."""
        return estimate_tokens("".join(self.texts)) + estimate_tokens(
            json.dumps(self.body.get("tools") or "")
        )

    @property
    def cached_tokens(self) -> int:
        """What an earlier turn of the conversation has sent already: all before the model's last message."""
        places = [index for index, message in enumerate(self.messages) if message.get("role") == "assistant"]
        return estimate_tokens("".join(self.texts[: places[-1]])) if places else 0


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _message_text(message: Json) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    calls = [call.get("function") or {} for call in message.get("tool_calls") or []]
    called = "".join(f"\n{each.get('name')} {each.get('arguments')}" for each in calls)
    return (str(content) if content else "") + called
