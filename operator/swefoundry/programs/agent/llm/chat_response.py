"""Parses the body of an OpenAI chat completion: text, tool calls, token usage and cost. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swefoundry.contracts.models import Model, Usage, cost
from swefoundry.contracts.wire import JsonObject
from swefoundry.programs.agent.llm.chat_request import Capabilities
from swefoundry.programs.agent.llm.context_window import text_tokens, token_upper_bound
from swefoundry.programs.agent.llm.messages import Message, Request, ToolCall
from swefoundry.programs.agent.llm.text_protocol import extract_json, parse_text_calls


class MalformedResponse(Exception):
    """The endpoint's response is no chat completion."""


@dataclass(frozen=True)
class ModelAnswer:
    """A parsed response."""

    message: Message
    usage: Usage
    truncated: bool = False
    notes: tuple[str, ...] = ()


def parse_response(
    response: JsonObject, request: Request, model: Model, capabilities: Capabilities
) -> ModelAnswer:
    """The first choice of a response."""
    choice = _first_choice(response)
    body = choice.get("message")
    if not isinstance(body, Mapping):
        raise MalformedResponse("the answer's choice has no message")
    text, calls = _without_reasoning(_message_text(body)), _tool_calls(body)
    if not capabilities.tools and request.tools and not calls:
        text, calls = parse_text_calls(text, request)
    if request.answer is not None and not calls:
        text = extract_json(text)
    message = Message("assistant", text.encode("utf-8", "replace").decode(), calls)
    usage, reported = _parse_usage(response.get("usage"), request, message, model)
    notes = []
    if choice.get("finish_reason") == "content_filter":
        notes.append("the endpoint's content filter withheld the answer")
    if not reported:
        notes.append("the endpoint reported no usage: it is estimated, rather too high than too low")
    return ModelAnswer(message, usage, choice.get("finish_reason") == "length", tuple(notes))


def _first_choice(response: JsonObject) -> Mapping[str, Any]:
    choices = response.get("choices")
    if not isinstance(choices, Sequence) or not choices or not isinstance(choices[0], Mapping):
        raise MalformedResponse("the answer holds no choices")
    return choices[0]


def _message_text(message: Mapping[str, Any]) -> str:
    """The content, in one part or several; a refusal counts as text."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, Mapping)]
        content = "".join(part for part in parts if isinstance(part, str))
    if not content:
        content = message.get("refusal")
    return content if isinstance(content, str) else ""


def _without_reasoning(text: str) -> str:
    """Some servers leave the reasoning in front of the answer."""
    reasoning, closed, rest = text.partition("</think>")
    return rest.lstrip() if closed and reasoning.lstrip().startswith("<think>") else text


def _tool_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    listed = message.get("tool_calls")
    calls = []
    for index, call in enumerate(listed if isinstance(listed, list) else []):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            raise MalformedResponse("the answer holds a tool call without a function")
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, sort_keys=True)
        calls.append(ToolCall(str(call.get("id") or f"call-{index}"), str(function.get("name") or ""), text))
    return tuple(calls)


def _parse_usage(usage: Any, request: Request, message: Message, model: Model) -> tuple[Usage, bool]:
    """Usage by OpenAI's fields, and whether the endpoint reported any. Completion tokens include the reasoning."""
    fields = usage if isinstance(usage, Mapping) else {}
    prompt, completion = _token_count(fields, "prompt_tokens"), _token_count(fields, "completion_tokens")
    reported = prompt is not None and completion is not None
    cached = 0
    if prompt is None or completion is None:
        prompt, completion = token_upper_bound(request), _max_output_tokens(message, model)
    else:
        cached = min(prompt, _token_count(fields.get("prompt_tokens_details"), "cached_tokens") or 0)
        # Some gateways count the reasoning in total_tokens and not in completion_tokens.
        completion = max(completion, (_token_count(fields, "total_tokens") or 0) - prompt)
    parsed = Usage(
        turns=1,
        input_tokens=prompt,
        cached_tokens=cached,
        output_tokens=completion,
        micro_usd=cost(model, prompt, cached, completion),
    )
    return parsed, reported


def _max_output_tokens(message: Message, model: Model) -> int:
    """Upper bound of an answer's tokens where none are reported; reasoning is not visible, so it is assumed maximal."""
    if model.reasoning_effort is not None:
        return model.output_tokens
    visible = text_tokens(message.text) + sum(
        text_tokens(call.name + call.arguments) for call in message.calls
    )
    return max(1, min(model.output_tokens, visible))


def _token_count(fields: Any, name: str) -> int | None:
    count = fields.get(name) if isinstance(fields, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
