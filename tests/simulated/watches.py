"""Watches of the in-memory API server: the changes after a version, as lines of JSON, until time is over."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

Json = dict[str, Any]
GONE = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"}
PAUSE_SECONDS = 0.005


async def stream_changes(
    request: web.Request, changes: list[Json], kept_from: int, selects: Callable[[Json], bool]
) -> web.StreamResponse:
    """Send the changes of selected objects after `resourceVersion`, for `timeoutSeconds`.

    A version before ``kept_from`` is answered by the event ERROR, as one that etcd no longer has.
    """
    response = web.StreamResponse()
    await response.prepare(request)
    version = int(request.query["resourceVersion"])
    if version < kept_from:
        await send(response, {"type": "ERROR", "object": GONE})
        return response
    loop, sent = asyncio.get_running_loop(), 0
    until = loop.time() + float(request.query["timeoutSeconds"])
    while loop.time() < until and not closed(request):
        for change in later(changes[sent:], version):
            if selects(change["object"]):
                await send(response, change)
        sent = len(changes)
        await asyncio.sleep(PAUSE_SECONDS)
    await send(response, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}})
    return response


def closed(request: web.Request) -> bool:
    """Whether the client has gone."""
    return request.transport is None or request.transport.is_closing()


def later(changes: list[Json], version: int) -> Iterator[Json]:
    return (change for change in changes if int(change["object"]["metadata"]["resourceVersion"]) > version)


async def send(response: web.StreamResponse, event: Json) -> None:
    await response.write(json.dumps(event).encode() + b"\n")
