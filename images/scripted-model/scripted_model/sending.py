"""How do answers go out: whole, streamed, late, or not as they should?"""

import asyncio
import json

from aiohttp import web

from scripted_model import replies
from scripted_model.asked import Asked
from scripted_model.script import Answer, Error

GARBAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


async def send(request: web.Request, asked: Asked, answer: Answer) -> web.StreamResponse:
    """Wait as long as the answer says, then give it."""
    await asyncio.sleep(answer.delay)
    if answer.error:
        return _error(answer.error)
    if answer.fault:
        return await _fail(request, asked, answer)
    if asked.wants_stream:
        return await _stream(request, asked, answer)
    return web.json_response(replies.completion(asked, answer))


def _error(error: Error) -> web.Response:
    headers = {} if error.retry_after is None else {"Retry-After": f"{error.retry_after:g}"}
    body = replies.error(error.status, error.message, error.code, error.type)
    return web.json_response(body, status=error.status, headers=headers)


async def _fail(request: web.Request, asked: Asked, answer: Answer) -> web.StreamResponse:
    if answer.fault == "garbage":
        return web.Response(text=GARBAGE, content_type="application/json")
    if answer.fault == "empty":
        return web.json_response(replies.without_choices(asked, answer))
    whole = json.dumps(replies.completion(asked, answer)).encode()
    return await _hang_up(
        request, whole[: len(whole) // 2] if answer.fault == "truncate" else b"", len(whole)
    )


async def _hang_up(request: web.Request, part: bytes, size: int) -> web.StreamResponse:
    """Close the connection before the answer is complete."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if part:
        response.content_length = size
        await response.prepare(request)
        await response.write(part)
    if request.transport is not None:
        request.transport.close()
    return response


async def _stream(request: web.Request, asked: Asked, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for chunk in replies.chunks(asked, answer):
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response
