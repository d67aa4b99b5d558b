"""Read-only git server of the lab: an HTTP server that runs `git http-backend`.

    python -m swefoundry_lab.gitserver --root DIR --port 8418

`DIR/name.git` is served as `/name.git`. Repositories below `/private/` require the user and password below, so
that private sources can be tested without a real secret. Files of Git LFS are in `DIR/name.git/lfs/objects`, where
git-lfs keeps them, and are offered by its batch API:
https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

USER = PASSWORD = "lab"
MAX_REQUEST_BYTES = 64 << 20
"""Requests of a fetch are lists of commits, which are much smaller."""

LFS_BATCH = "/info/lfs/objects/batch"
LFS_FILE = re.compile(r"(/.+\.git)/info/lfs/objects/([0-9a-f]{64})\Z")

SETTINGS = {
    "safe.directory": "*",  # repositories may belong to any user
    "http.receivepack": "false",
    "uploadpack.allowAnySHA1InWant": "true",  # a commit can be fetched by its id, as from the large hosts
    "uploadpack.allowFilter": "true",
}


MISSING = {"error": {"code": 404, "message": "The lab does not have this file"}}


class Server(ThreadingHTTPServer):
    """HTTP server of the repositories below one folder."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], root: Path) -> None:
        super().__init__(address, Handler)
        self.root = root.absolute()


class Handler(BaseHTTPRequestHandler):
    """Runs `git http-backend` for each request and closes the connection."""

    server: Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._serve(body)

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        if ".." in path.split("/"):
            self.send_error(HTTPStatus.NOT_FOUND)
        elif "git-receive-pack" in (url.query.removeprefix("service="), path.rpartition("/")[2]):
            self.send_error(HTTPStatus.FORBIDDEN, "The lab's repositories are read-only")
        elif path.startswith("/private/") and not _is_authorized(self.headers):
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", 'Basic realm="lab"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.endswith(f".git{LFS_BATCH}"):
            self._offer_lfs_files(path.removesuffix(LFS_BATCH), body)
        elif file := LFS_FILE.match(path):
            self._send_lfs_file(lfs_path(self.server.root, file[1], file[2]))
        else:
            self._run(path, url.query, body)

    def _offer_lfs_files(self, repository: str, body: bytes) -> None:
        objects = []
        for entry in json.loads(body)["objects"]:
            found = re.fullmatch("[0-9a-f]{64}", entry["oid"]) and lfs_path(
                self.server.root, repository, entry["oid"]
            )
            href = f"http://{self.headers['Host']}{repository}/info/lfs/objects/{entry['oid']}"
            offer = {"actions": {"download": {"href": href}}} if found and found.is_file() else MISSING
            objects.append(entry | offer)
        answer = json.dumps({"transfer": "basic", "objects": objects}).encode()
        self._send_bytes(answer, "application/vnd.git-lfs+json")

    def _send_lfs_file(self, path: Path) -> None:
        if path.is_file():
            self._send_bytes(path.read_bytes(), "application/octet-stream")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send_bytes(self, content: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _run(self, path: str, query: str, body: bytes) -> None:
        environment = backend_environment(self.server.root, self.command, path, query, self.headers)
        with subprocess.Popen(
            ["git", "http-backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        ) as backend:
            assert backend.stdin and backend.stdout
            try:
                backend.stdin.write(body)
                backend.stdin.close()
                self._send(backend.stdout)
            except (BrokenPipeError, ConnectionResetError):
                backend.kill()  # the client disconnected, or git does not read the rest

    def _send(self, output: IO[bytes]) -> None:
        head = BytesParser().parsebytes(b"".join(iter(output.readline, b"\r\n")))
        status = int(head.get("Status", "200").split()[0])
        self.send_response(status)
        for name, value in head.items():
            if name != "Status":
                self.send_header(name, value)
        self.end_headers()
        shutil.copyfileobj(output, self.wfile)

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return _read_chunks(self.rfile)
        length = int(self.headers.get("Content-Length") or 0)
        return None if length > MAX_REQUEST_BYTES else self.rfile.read(length)

    def log_message(self, format: str, *args: object) -> None:
        """Print one line per request, flushed at once, because the output is this server's log."""
        print(self.address_string(), format % args, flush=True)


def lfs_path(root: Path, repository: str, oid: str) -> Path:
    """Where a repository has a file of Git LFS."""
    return root / repository.lstrip("/") / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def backend_environment(root: Path, method: str, path: str, query: str, headers: Message) -> dict[str, str]:
    """The CGI variables that `git http-backend` reads."""
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": str(len(SETTINGS)),
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
    }
    for number, (key, value) in enumerate(SETTINGS.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def _is_authorized(headers: Message) -> bool:
    expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return bool(headers.get("Authorization") == f"Basic {expected}")


def _read_chunks(source: BufferedIOBase) -> bytes | None:
    """Read a chunked request body; git sends long lists in this form."""
    body = b""
    while size := int(source.readline().split(b";")[0], 16):
        body += source.read(size)
        source.readline()
        if len(body) > MAX_REQUEST_BYTES:
            return None
    source.readline()
    return body


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="The lab's read-only git server, with plain HTTP.")
    parser.add_argument("--root", type=Path, required=True, help="folder of the repositories")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", default="0.0.0.0", help="address to listen on (default: all, for pods)")
    options = parser.parse_args()
    Server((options.address, options.port), options.root).serve_forever()


if __name__ == "__main__":
    main()
