"""A web server on this machine that has one archive and is under maintenance at first."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAINTENANCE = b"maintenance until noon"
RETRY_AFTER_SECONDS = 8
"""Long enough for a test to see on a busy machine that the host is waited for."""


@dataclass
class ArchiveHost:
    """The running server."""

    host: str
    port: int
    archive: bytes
    failures_left: int
    """Requests that are still answered with 503."""

    @property
    def source(self) -> dict[str, object]:
        """``spec.source`` of a row from this archive."""
        url = f"http://{self.host}:{self.port}/project.tar.gz"
        return {"archive": {"url": url, "sha256": hashlib.sha256(self.archive).hexdigest()}}


def packed(files: Mapping[str, str]) -> bytes:
    """An archive of text files in one folder."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"project-1.0/{path}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


@contextmanager
def running_archive_host(host: str, files: Mapping[str, str], failures: int) -> Iterator[ArchiveHost]:
    """Run a server at an address of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            away = running.failures_left > 0
            running.failures_left -= away
            body = MAINTENANCE if away else running.archive
            self.send_response(503 if away else 200)
            self.send_header("Content-Length", str(len(body)))
            if away:
                self.send_header("Retry-After", str(RETRY_AFTER_SECONDS))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    running = ArchiveHost(host, server.server_port, packed(files), failures)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
