"""HTTP endpoints on the metrics port: /metrics, and the state dump as JSON under /debug/state.

They are served from a thread of their own, so that metrics are scraped even when the event loop is busy.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STATE_PATH = "/debug/state"

STATE_SECONDS = 5.0
"""How long a request for the state waits for the event loop."""


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """One thread per request; none keeps the process from ending."""

    daemon_threads = True


class SilentHandler(WSGIRequestHandler):
    """No access log: a scrape every few seconds is no news."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(port: int, metrics: "WSGIApplication", state: Callable[[], object]) -> WSGIServer | None:
    """Serve until the process ends; None when ``port`` is 0. ``state`` is called on the running event loop."""
    if not port:
        return None
    loop = asyncio.get_running_loop()

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == STATE_PATH:
            return _state(start_response, loop, state)
        return metrics(environ, start_response)

    server = make_server("0.0.0.0", port, app, ThreadingServer, SilentHandler)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server


def _state(
    start_response: "StartResponse", loop: asyncio.AbstractEventLoop, state: Callable[[], object]
) -> list[bytes]:
    async def on_loop() -> object:
        return state()

    waiting = asyncio.run_coroutine_threadsafe(on_loop(), loop)
    try:
        status, body = "200 OK", waiting.result(STATE_SECONDS)
    except TimeoutError:
        waiting.cancel()
        message = f"the event loop did not answer within {STATE_SECONDS:g} s"
        status, body = "503 Service Unavailable", {"error": message}
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
