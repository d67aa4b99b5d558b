"""A chat completion request: the parts of its body that rules match."""

import hashlib
import json
import re
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
"""Role by the name in the first line of the system prompt: `You are the <name> of swefoundry.`"""

SCHEMA_HEADING = re.compile(
    r"The object must obey this JSON schema(?P<strictly>, with all of its properties and no others)?:"
)
"""Text before the schema in a system prompt, where it is not sent as response format."""

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class ChatRequest:
    """One body of POST /v1/chat/completions."""

    body: Json

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the body's canonical JSON: equal requests have equal digests."""
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
        """The text of each message, including the arguments of tool calls."""
        return tuple(_message_text(message) for message in self.messages)

    @property
    def last_text(self) -> str:
        return self.texts[-1] if self.texts else ""

    @cached_property
    def role(self) -> str | None:
        """The role that sent the request; None: not one of the four."""
        first = self.texts[0].partition("\n")[0].strip() if self.texts else ""
        return next(
            (role for name, role in ROLES.items() if first == f"You are the {name} of swefoundry."), None
        )

    @property
    def turn(self) -> int:
        """Number of the model's own messages in the conversation."""
        return sum(message.get("role") == "assistant" for message in self.messages)

    @property
    def tools(self) -> dict[str, Json]:
        """The schema of the arguments of each tool."""
        functions = [tool.get("function") or {} for tool in self.body.get("tools") or []]
        return {str(each.get("name")): each.get("parameters") or {} for each in functions}

    @property
    def requires_schema(self) -> bool:
        """Whether the request has a JSON schema as response format."""
        return bool((self.body.get("response_format") or {}).get("type") == "json_schema")

    @property
    def answer_schema(self) -> tuple[str, Json] | None:
        """Name and JSON schema of the answer, from the response format or from the system prompt."""
        if self.requires_schema:
            json_schema = self.body["response_format"].get("json_schema") or {}
            return str(json_schema.get("name", "")), json_schema.get("schema") or {}
        schema = _described_schema(self.texts[0]) if self.texts else None
        return (str(schema.get("title", "")), schema) if schema is not None else None

    @property
    def wants_stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def max_output_tokens(self) -> int:
        """Limit of the answer's tokens; 0: none is set."""
        return int(self.body.get("max_completion_tokens") or self.body.get("max_tokens") or 0)

    @property
    def prompt_tokens(self) -> int:
        """An estimate by length, equal for equal requests."""
        return estimate_tokens("".join(self.texts)) + estimate_tokens(
            json.dumps(self.body.get("tools") or "")
        )

    @property
    def cached_tokens(self) -> int:
        """Tokens that an earlier turn has sent already: everything before the model's last message."""
        indexes = [index for index, message in enumerate(self.messages) if message.get("role") == "assistant"]
        return estimate_tokens("".join(self.texts[: indexes[-1]])) if indexes else 0


def _described_schema(system_prompt: str) -> Json | None:
    """The schema below its heading, with the keywords that the heading stands for."""
    heading = SCHEMA_HEADING.search(system_prompt)
    if heading is None:
        return None
    try:
        schema: Json = json.JSONDecoder().raw_decode(system_prompt[heading.end() :].lstrip())[0]
    except ValueError:
        return None
    strict = {"required": list(schema.get("properties", {})), "additionalProperties": False}
    return schema | strict if heading["strictly"] else schema


def estimate_tokens(text: str) -> int:
    """Estimated tokens of a text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _message_text(message: Json) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    calls = [call.get("function") or {} for call in message.get("tool_calls") or []]
    call_texts = "".join(f"\n{each.get('name')} {each.get('arguments')}" for each in calls)
    return (str(content) if content else "") + call_texts
