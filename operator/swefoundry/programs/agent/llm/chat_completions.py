"""How is one of our requests said to an endpoint, and its answer read? Chat completions with native tools and JSON
schema where the endpoint knows them, else by the protocol of ``textual``. Pure.

``Capabilities`` is what is believed about an endpoint; a 400 that complains of one of them removes it
(``without_unsupported``). Such complaints come before a model is run and cost nothing.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from swefoundry.contracts.models import Model, Usage, cost
from swefoundry.contracts.wire import JsonObject
from swefoundry.programs.agent.llm.context_window import text_tokens, token_upper_bound
from swefoundry.programs.agent.llm.messages import Message, Request, ToolCall
from swefoundry.programs.agent.llm.text_protocol import (
    describe_schema,
    extract_json,
    parse_text_calls,
    render_tools_as_text,
)


class MalformedResponse(Exception):
    """The endpoint's answer is no chat completion."""


@dataclass(frozen=True)
class Capabilities:
    """What an endpoint takes."""

    tools: bool = True
    json_schema: bool = True
    temperature: bool = True
    reasoning_effort: bool = True
    output_limit_field: str = "max_completion_tokens"
    """Name of the field with the longest answer; older servers know ``max_tokens`` alone."""


@dataclass(frozen=True)
class ModelAnswer:
    """A readable answer."""

    message: Message
    usage: Usage
    truncated: bool = False
    notes: tuple[str, ...] = ()


def capabilities_of(model: Model) -> Capabilities:
    """What the configuration says."""
    return Capabilities(tools=model.tools, json_schema=model.json_schema)


def without_unsupported(capabilities: Capabilities, error: str) -> Capabilities | None:
    """Other manners after the endpoint refused a request with these words; None: the words are about none of them.

    Each can be unlearned once, so that a request is repeated a few times at most.
    """
    words = error.lower()
    for pattern, taken, change in (
        (
            "max_completion_tokens",
            capabilities.output_limit_field == "max_completion_tokens",
            {"output_limit_field": "max_tokens"},
        ),
        ("temperature", capabilities.temperature, {"temperature": False}),
        ("reasoning_effort|reasoning effort", capabilities.reasoning_effort, {"reasoning_effort": False}),
        ("response_format|json_schema|guided", capabilities.json_schema, {"json_schema": False}),
        (r"\btools?\b|tool_choice|function call", capabilities.tools, {"tools": False}),
    ):
        if taken and re.search(pattern, words):
            return replace(capabilities, **change)
    return None


def request_body(request: Request, model: Model, capabilities: Capabilities) -> JsonObject:
    """The chat completion that is asked for."""
    asked = request if capabilities.tools else render_tools_as_text(request)
    # Beside tools the schema is described in words: vLLM lets a response format bind tool calls, too, so that none is
    # ever made (https://github.com/vllm-project/vllm/issues/39929), and calls that are text would be forbidden.
    bound = capabilities.json_schema and not request.tools
    if request.answer is not None and not bound:
        asked = describe_schema(asked, request.answer, bool(request.tools))
    said: JsonObject = {
        "model": model.name,
        "messages": [_message_json(each) for each in asked.messages],
        capabilities.output_limit_field: model.output_tokens,
    }
    if asked.tools:
        said["tools"] = [_tool_json(tool.name, tool.description, tool.parameters) for tool in asked.tools]
    if request.answer is not None and bound:
        said["response_format"] = {"type": "json_schema", "json_schema": _json_schema_format(request.answer)}
    if model.temperature is not None and capabilities.temperature:
        said["temperature"] = model.temperature
    if model.reasoning_effort is not None and capabilities.reasoning_effort:
        said["reasoning_effort"] = model.reasoning_effort
    return said


def parse_response(
    response: JsonObject, request: Request, model: Model, capabilities: Capabilities
) -> ModelAnswer:
    """What the endpoint answered."""
    choice = _first_choice(response)
    said = choice.get("message")
    if not isinstance(said, Mapping):
        raise MalformedResponse("the answer's choice has no message")
    text, calls = _without_reasoning(_message_text(said)), _tool_calls(said)
    if not capabilities.tools and request.tools and not calls:
        text, calls = parse_text_calls(text, request)
    if request.answer is not None and not calls:
        text = extract_json(text)
    message = Message("assistant", text.encode("utf-8", "replace").decode(), calls)
    cut = choice.get("finish_reason") == "length"
    usage, counted = _parse_usage(response.get("usage"), request, message, model)
    notes = []
    if choice.get("finish_reason") == "content_filter":
        notes.append("the endpoint's content filter withheld the answer")
    if not counted:
        notes.append("the endpoint said nothing of usage: estimated, rather too high")
    return ModelAnswer(message, usage, cut, tuple(notes))


def _message_json(message: Message) -> JsonObject:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    said: JsonObject = {"role": message.role, "content": message.text}
    if message.calls:
        said["content"] = message.text or None
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    return said


def _tool_json(name: str, description: str, parameters: JsonObject) -> JsonObject:
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


def _json_schema_format(schema: JsonObject) -> JsonObject:
    """Strict where the schema obeys OpenAI's rules for it: a schema that does not would be refused."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title") or "answer"))[:64]
    return {"name": name, "schema": schema, "strict": _is_strict(schema)}


def _is_strict(schema: Any) -> bool:
    """Whether every object forbids other fields and requires all of its own.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if isinstance(schema, list):
        return all(_is_strict(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            return False
        if sorted(schema.get("required", [])) != sorted(properties):
            return False
    return all(_is_strict(each) for each in schema.values())


def _first_choice(answer: JsonObject) -> Mapping[str, Any]:
    choices = answer.get("choices")
    if not isinstance(choices, Sequence) or not choices or not isinstance(choices[0], Mapping):
        raise MalformedResponse("the answer holds no choices")
    return choices[0]


def _message_text(message: Mapping[str, Any]) -> str:
    """The content, of one piece or of several; a refusal of the model's counts as its text."""
    content = message.get("content")
    if isinstance(content, list):
        pieces = [piece.get("text", "") for piece in content if isinstance(piece, Mapping)]
        content = "".join(piece for piece in pieces if isinstance(piece, str))
    if not content:
        content = message.get("refusal")
    return content if isinstance(content, str) else ""


def _without_reasoning(text: str) -> str:
    """Some servers leave the reasoning in front of the answer."""
    thought, closed, rest = text.partition("</think>")
    return rest.lstrip() if closed and thought.lstrip().startswith("<think>") else text


def _tool_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    found = message.get("tool_calls")
    calls = []
    for place, call in enumerate(found if isinstance(found, list) else []):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            raise MalformedResponse("the answer holds a tool call without a function")
        arguments = function.get("arguments")
        written = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, sort_keys=True)
        calls.append(
            ToolCall(str(call.get("id") or f"call-{place}"), str(function.get("name") or ""), written)
        )
    return tuple(calls)


def _parse_usage(said: Any, request: Request, message: Message, model: Model) -> tuple[Usage, bool]:
    """Usage by OpenAI's fields, and whether the endpoint gave any. Reasoning is part of the output there."""
    said = said if isinstance(said, Mapping) else {}
    sent, received = _token_count(said, "prompt_tokens"), _token_count(said, "completion_tokens")
    counted = sent is not None and received is not None
    cached = 0
    if sent is None or received is None:
        sent, received = token_upper_bound(request), _max_output_tokens(message, model)
    else:
        cached = min(sent, _token_count(said.get("prompt_tokens_details"), "cached_tokens") or 0)
        # Some gateways keep the reasoning out of completion_tokens and in total_tokens.
        received = max(received, (_token_count(said, "total_tokens") or 0) - sent)
    usage = Usage(
        turns=1,
        input_tokens=sent,
        cached_tokens=cached,
        output_tokens=received,
        micro_usd=cost(model, sent, cached, received),
    )
    return usage, counted


def _max_output_tokens(message: Message, model: Model) -> int:
    """Tokens of an answer that nobody counted; what a model thought is not seen, so it is assumed to be much."""
    if model.reasoning_effort is not None:
        return model.output_tokens
    seen = text_tokens(message.text) + sum(text_tokens(call.name + call.arguments) for call in message.calls)
    return max(1, min(model.output_tokens, seen))


def _token_count(said: Any, name: str) -> int | None:
    found = said.get(name) if isinstance(said, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
