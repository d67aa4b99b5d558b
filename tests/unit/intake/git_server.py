"""A git server for tests: git's own http-backend behind a small HTTP server, with a login under /private/."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

LOGIN = "Basic " + base64.b64encode(b"x-access-token:the-token").decode()


@dataclass
class Server:
    root: Path
    url: str = ""
    old: set[str] = field(default_factory=set)
    """Repositories that are served as by a server that knows protocol version 0 only."""
    failures: dict[str, int] = field(default_factory=dict)
    """How many requests to a repository end with status 503 before it works."""
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    server = Server(root)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, server)

        def do_POST(self) -> None:
            _answer(self, server)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def _answer(handler: BaseHTTPRequestHandler, server: Server) -> None:
    parts = urlsplit(handler.path)
    server.headers.append(dict(handler.headers))
    body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    name = parts.path.split(".git/")[0].lstrip("/")
    if server.failures.get(name, 0) > 0:
        server.failures[name] -= 1
        return _plain(handler, 503)
    if name.startswith("private/") and handler.headers.get("Authorization") != LOGIN:
        return _plain(handler, 401, {"WWW-Authenticate": 'Basic realm="git"'})
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(server.root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
        "GIT_CONFIG_VALUE_1": "true",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "REQUEST_METHOD": handler.command,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    if name not in server.old:
        environment["GIT_PROTOCOL"] = handler.headers.get("Git-Protocol", "")
    done = subprocess.run(
        ["git", "http-backend"], input=body, capture_output=True, env=environment, check=False
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
    status = int(lines.pop("Status", "200 OK").split()[0])
    return _plain(handler, status, lines, content)


def _plain(
    handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str] | None = None, content: bytes = b""
) -> None:
    handler.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)
