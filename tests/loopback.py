"""An HTTP server on loopback that answers as a function says: real requests, and no network."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    target: str
    """Path and query."""
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Response:
    """What is answered."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] | None = None


@contextmanager
def serving(answer: Callable[[Request], Response]) -> Iterator[str]:
    """Answer every request until the block ends; gives host:port."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = answer(Request(self.command, self.path, self.headers, body))
            self.send_response(response.status)
            for name, value in {
                **(response.headers or {}),
                "Content-Length": str(len(response.content)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - http.server looks for these names

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
