"""Sends answers over HTTP: complete, streamed, delayed, as an error, broken off, or exactly as the script has them."""

import asyncio
import json

from aiohttp import web

from scripted_model import replies
from scripted_model.request import ChatRequest
from scripted_model.script import Answer, Error, RawResponse

INVALID_BODY = "<html><body><h1>502 Bad Gateway</h1></body></html>"


async def send_answer(request: web.Request, chat: ChatRequest, answer: Answer) -> web.StreamResponse:
    """Send an answer after its delay."""
    await asyncio.sleep(answer.delay)
    if answer.raw:
        return _raw_response(answer.raw)
    if answer.error:
        return _error_response(answer.error)
    if answer.fault:
        return await _send_fault(request, chat, answer)
    if chat.wants_stream:
        return await _stream(request, chat, answer)
    return web.json_response(replies.completion(chat, answer))


def _raw_response(raw: RawResponse) -> web.Response:
    text = raw.body if isinstance(raw.body, str) else json.dumps(raw.body)
    return web.Response(text=text, status=raw.status, headers=raw.headers, content_type=raw.content_type)


def _error_response(error: Error) -> web.Response:
    headers = {} if error.retry_after is None else {"Retry-After": f"{error.retry_after:g}"}
    body = replies.error(error.status, error.message, error.code, error.type)
    return web.json_response(body, status=error.status, headers=headers)


async def _send_fault(request: web.Request, chat: ChatRequest, answer: Answer) -> web.StreamResponse:
    if answer.fault == "garbage":
        return web.Response(text=INVALID_BODY, content_type="application/json")
    if answer.fault == "empty":
        return web.json_response(replies.without_choices(chat, answer))
    whole = json.dumps(replies.completion(chat, answer)).encode()
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


async def _stream(request: web.Request, chat: ChatRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for chunk in replies.chunks(chat, answer):
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response
