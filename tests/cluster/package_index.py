"""A package index on this machine that answers 503 until its outage ends."""

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PACKAGE = "lab-answer"
WHEEL = "lab_answer-1.0-py3-none-any.whl"
ASKED_BY_A_BUILD = 3
"""How often a build that gets no page asks for it: pip, with one retry, and then the build pod."""


@dataclass
class PackageIndex:
    """The running index, which has one package."""

    host: str
    port: int
    away: bool = True
    """An outage that ends while a build asks ends for the next one: pip calls a package missing where it gets no page,
    and a page that is there for the build pod would be no outage."""
    refused: int = 0
    """Requests for the package's page that were answered with 503."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/simple"

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body for a request."""
        if path.endswith(WHEEL):
            return 200, a_wheel()
        if path != f"/simple/{PACKAGE}/":
            return 404, b""
        if self.away or self.refused % ASKED_BY_A_BUILD:
            self.refused += 1
            return 503, b""
        return 200, f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()


def a_wheel() -> bytes:
    """A wheel with an empty module."""
    content = io.BytesIO()
    about = "lab_answer-1.0.dist-info"
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr("lab_answer.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return content.getvalue()


@contextmanager
def running_index(host: str) -> Iterator[PackageIndex]:
    """Run an index at an address of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = index.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    index = PackageIndex(host, server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
