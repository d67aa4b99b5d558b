"""A model endpoint on loopback that gives the answers a test wrote, and remembers what it was asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass
class ModelServer:
    """Answers are given in order, the last one again and again."""

    answers: list[Answer] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def asked(self) -> int:
        """Requests so far."""
        return len(self.bodies)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append({name.lower(): said for name, said in request.headers.items()})
        self.paths.append(request.raw_path)
        chosen = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await chosen(request)


@asynccontextmanager
async def serving(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[ModelServer]:
    """Run the server until the block ends."""
    server = ModelServer(list(answers))
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)  # 0 waits for ever for slow answers
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port = runner.addresses[0][1]
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
        yield server
    finally:
        await runner.cleanup()


def completion(message: Json, usage: Json | None = USAGE, finish: str = "stop") -> Json:
    """A chat completion as OpenAI's API gives it."""
    said: Json = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant"} | message}],
    }
    return said | ({"usage": usage} if usage else {})


def saying(text: str, **rest: Any) -> Answer:
    """Answer with text."""
    return giving(completion({"content": text}, **rest))


def calling(name: str, arguments: str, call_id: str = "call_1") -> Answer:
    """Answer with a tool call."""
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return giving(completion({"content": None, "tool_calls": [call]}, finish="tool_calls"))


def giving(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def refusing(
    status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Answer with an error in OpenAI's form."""
    error = {"message": message, "type": "an_error", "param": None, "code": code}
    return giving({"error": error}, status, headers)


def raw(text: str, content_type: str = "application/json") -> Answer:
    """Answer with any text."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type)

    return answer


def breaking_off() -> Answer:
    """Promise a whole answer and close the connection in the middle."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "4000"})
        await response.prepare(request)
        await response.write(b'{"choices": [')
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def hanging_up() -> Answer:
    """Close the connection without an answer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return answer


@dataclass
class Held:
    """An answer that is given when the test says so."""

    then: Answer
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.arrived.set()
        await self.go.wait()
        return await self.then(request)


def text_of(body: Json) -> str:
    """Everything that was said in a request."""
    return json.dumps(body, ensure_ascii=False)
