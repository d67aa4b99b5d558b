"""Response bodies and streamed chunks in OpenAI's format."""

import json
from collections.abc import Iterator
from typing import Any

from scripted_model.request import ChatRequest, Json, estimate_tokens
from scripted_model.script import Answer, Call

CREATED = 1_700_000_000
"""A constant, so that the same request gets the same bytes."""

CHUNK_CHARACTERS = 24
"""Characters of one streamed chunk."""

ERRORS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is invalid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "forbidden", "This key may not use this endpoint."),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", "overloaded", "The engine is currently overloaded, please try again later."),
}
"""Type, code and message by status."""


def error(status: int, message: str = "", code: str | None = None, kind: str | None = None) -> Json:
    """An error body; missing parts are as in OpenAI's errors."""
    default = ERRORS.get(status) or ERRORS[400 if status < 500 else 500]
    return {
        "error": {
            "message": message or default[2],
            "type": kind or default[0],
            "param": None,
            "code": code or default[1],
        }
    }


def answer_text(answer: Answer) -> str | None:
    """The text of an answer; None when it only calls tools."""
    if answer.text is not None:
        return answer.text
    if "data" in answer.model_fields_set:
        return json.dumps(answer.data, ensure_ascii=False)
    return None


def completion(request: ChatRequest, answer: Answer) -> Json:
    """The body of a complete answer."""
    message: Json = {"role": "assistant", "content": answer_text(answer), "refusal": None}
    if answer.calls:
        message["tool_calls"] = tool_calls(request, answer.calls)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(answer)}
    return _envelope(request, "chat.completion") | {"choices": [choice], "usage": usage(request, answer)}


def without_choices(request: ChatRequest, answer: Answer) -> Json:
    """A well-formed answer without choices."""
    return _envelope(request, "chat.completion") | {"choices": [], "usage": usage(request, answer)}


def chunks(request: ChatRequest, answer: Answer) -> Iterator[Json]:
    """The answer as streamed chunks."""
    yield _chunk(request, {"role": "assistant", "content": None if answer.calls else ""})
    text = answer_text(answer) or ""
    for start in range(0, len(text), CHUNK_CHARACTERS):
        yield _chunk(request, {"content": text[start : start + CHUNK_CHARACTERS]})
    for index, call in enumerate(tool_calls(request, answer.calls)):
        whole = call["function"]["arguments"]
        head = {**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        yield _chunk(request, {"tool_calls": [head]})
        for start in range(0, len(whole), CHUNK_CHARACTERS):
            part = {"index": index, "function": {"arguments": whole[start : start + CHUNK_CHARACTERS]}}
            yield _chunk(request, {"tool_calls": [part]})
    yield _chunk(request, {}, finish_reason(answer))
    if (request.body.get("stream_options") or {}).get("include_usage"):
        yield _envelope(request, "chat.completion.chunk") | {"choices": [], "usage": usage(request, answer)}


def tool_calls(request: ChatRequest, calls: list[Call]) -> list[Json]:
    """Tool calls, with ids that depend only on the request."""
    return [
        {
            "id": f"call_{request.digest[:12]}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": _arguments_text(call)},
        }
        for index, call in enumerate(calls)
    ]


def finish_reason(answer: Answer) -> str:
    """The finish reason."""
    return answer.finish or ("tool_calls" if answer.calls else "stop")


def usage(request: ChatRequest, answer: Answer) -> Json:
    """The token usage: as the script says, else estimated by length."""
    override = answer.usage
    prompt = request.prompt_tokens if override.prompt is None else override.prompt
    cached = min(request.cached_tokens, prompt) if override.cached is None else override.cached
    output_text = (answer_text(answer) or "") + "".join(
        call.name + _arguments_text(call) for call in answer.calls
    )
    output = estimate_tokens(output_text) if override.completion is None else override.completion
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def model_list(names: list[str]) -> Json:
    """The answer to GET /v1/models."""
    models = [{"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"} for name in names]
    return {"object": "list", "data": models}


def _envelope(request: ChatRequest, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{request.digest[:24]}",
        "object": kind,
        "created": CREATED,
        "model": request.model,
        "system_fingerprint": "scripted",
    }


def _chunk(request: ChatRequest, delta: dict[str, Any], finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _envelope(request, "chat.completion.chunk") | {"choices": [choice]}


def _arguments_text(call: Call) -> str:
    return (
        call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)
    )
