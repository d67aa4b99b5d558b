"""Answers of the scripted model server, in the order of the requests, for tests of the model client."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

import scripted

Json = dict[str, Any]
Answer = Json
"""The ``then`` of a rule: see scripted_model/script.py."""
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@asynccontextmanager
async def serving(
    *answers: Answer, tls: SSLContext | None = None, gate: scripted.RequestGate | None = None
) -> AsyncIterator[scripted.LocalModel]:
    """A server that gives the answers in order, the last one again and again."""
    async with scripted.serve(scripted.in_order(answers), tls=tls, gate=gate) as server:
        yield server


def completion(message: Json, usage: Json | None = USAGE, finish: str = "stop") -> Json:
    """The body of a chat completion in OpenAI's format."""
    body: Json = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant"} | message}],
    }
    return body | ({"usage": usage} if usage else {})


def text_answer(text: str, **rest: Any) -> Answer:
    """Answer with text."""
    return giving(completion({"content": text}, **rest))


def calling(name: str, arguments: str, call_id: str = "call_1") -> Answer:
    """Answer with a tool call."""
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return giving(completion({"content": None, "tool_calls": [call]}, finish="tool_calls"))


def giving(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with any JSON."""
    return {"raw": {"body": body, "status": status, "headers": headers or {}}}


def refusing(
    status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Answer with an error in OpenAI's format."""
    error = {"message": message, "type": "an_error", "param": None, "code": code}
    return giving({"error": error}, status, headers)


def raw(text: str, content_type: str = "application/json") -> Answer:
    """Answer with any text."""
    return {"raw": {"body": text, "content_type": content_type}}


def breaking_off() -> Answer:
    """Close the connection in the middle of the answer."""
    return {"text": "An answer that does not arrive.", "fault": "truncate"}


def hanging_up() -> Answer:
    """Close the connection without an answer."""
    return {"fault": "drop"}


def text_of(body: Json) -> str:
    """A request body as one text."""
    return json.dumps(body, ensure_ascii=False)
