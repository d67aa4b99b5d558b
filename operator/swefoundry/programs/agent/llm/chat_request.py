"""Builds the body of an OpenAI chat completion from one of our requests.

Native tools and a JSON schema are used where the endpoint supports them, else the protocol of ``text_protocol``. Pure.
``Capabilities`` is what we assume about an endpoint; a 400 that complains about one of them removes it
(``without_unsupported``). Endpoints send such a 400 before the model runs, so it costs nothing.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from swefoundry.contracts.models import Model
from swefoundry.contracts.wire import JsonObject
from swefoundry.programs.agent.llm.messages import Message, Request
from swefoundry.programs.agent.llm.text_protocol import describe_schema, render_tools_as_text


@dataclass(frozen=True)
class Capabilities:
    """What an endpoint supports."""

    tools: bool = True
    json_schema: bool = True
    temperature: bool = True
    reasoning_effort: bool = True
    output_limit_field: str = "max_completion_tokens"
    """Name of the field that limits the answer's length; older servers know only ``max_tokens``."""


def capabilities_of(model: Model) -> Capabilities:
    """What the configuration of the model says."""
    return Capabilities(tools=model.tools, json_schema=model.json_schema)


def without_unsupported(capabilities: Capabilities, error: str) -> Capabilities | None:
    """Capabilities without the one that the endpoint's error message is about; None: it is about none of them.

    Each can be removed once, so a request is repeated a few times at most.
    """
    message = error.lower()
    limit_field = capabilities.output_limit_field
    for pattern, in_use, change in (
        (
            "max_completion_tokens",
            limit_field == "max_completion_tokens",
            {"output_limit_field": "max_tokens"},
        ),
        ("temperature", capabilities.temperature, {"temperature": False}),
        ("reasoning_effort|reasoning effort", capabilities.reasoning_effort, {"reasoning_effort": False}),
        ("response_format|json_schema|guided", capabilities.json_schema, {"json_schema": False}),
        (r"\btools?\b|tool_choice|function call", capabilities.tools, {"tools": False}),
    ):
        if in_use and re.search(pattern, message):
            return replace(capabilities, **change)
    return None


def request_body(request: Request, model: Model, capabilities: Capabilities) -> JsonObject:
    """The JSON body of POST /chat/completions."""
    rendered = request if capabilities.tools else render_tools_as_text(request)
    # With tools, the schema is described as text: vLLM applies a response format to tool calls, too, so that none is
    # ever made (https://github.com/vllm-project/vllm/issues/39929), and calls written as text would be forbidden.
    native_schema = capabilities.json_schema and not request.tools
    if request.answer is not None and not native_schema:
        rendered = describe_schema(rendered, request.answer, bool(request.tools))
    body: JsonObject = {
        "model": model.name,
        "messages": [_message_json(each) for each in rendered.messages],
        capabilities.output_limit_field: model.output_tokens,
    }
    if rendered.tools:
        body["tools"] = [_tool_json(tool.name, tool.description, tool.parameters) for tool in rendered.tools]
    if request.answer is not None and native_schema:
        body["response_format"] = {"type": "json_schema", "json_schema": _json_schema_format(request.answer)}
    if model.temperature is not None and capabilities.temperature:
        body["temperature"] = model.temperature
    if model.reasoning_effort is not None and capabilities.reasoning_effort:
        body["reasoning_effort"] = model.reasoning_effort
    return body


def _message_json(message: Message) -> JsonObject:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    body: JsonObject = {"role": message.role, "content": message.text}
    if message.calls:
        body["content"] = message.text or None
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    return body


def _tool_json(name: str, description: str, parameters: JsonObject) -> JsonObject:
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


def _json_schema_format(schema: JsonObject) -> JsonObject:
    """Strict where the schema obeys OpenAI's rules for strict mode: otherwise the endpoint would reject it."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title") or "answer"))[:64]
    return {"name": name, "schema": schema, "strict": _is_strict(schema)}


def _is_strict(schema: Any) -> bool:
    """Whether every object forbids additional properties and requires all of its own.

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
