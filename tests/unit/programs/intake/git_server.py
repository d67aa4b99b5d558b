"""A git server for tests: git's own http-backend behind a small HTTP server, with a login under /private/."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import loopback
from loopback import Request, Response

LOGIN = "Basic " + base64.b64encode(b"x-access-token:the-token").decode()


@dataclass
class Server:
    root: Path
    url: str = ""
    old: set[str] = field(default_factory=set)
    """Repositories that are served as by a server that knows protocol version 0 only."""
    failures: dict[str, int] = field(default_factory=dict)
    """How many requests to a repository fail before it works."""
    answers: dict[str, Response] = field(default_factory=dict)
    """The response to requests that fail, by repository; status 503 for the others."""
    lfs: dict[str, bytes] = field(default_factory=dict)
    """Files of Git LFS by the sha256 under which they are offered."""
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    server = Server(root)
    with loopback.serving(lambda request: _answer(request, server)) as host:
        server.url = f"http://{host}"
        yield server


def _answer(request: Request, server: Server) -> Response:
    parts = urlsplit(request.target)
    server.headers.append(dict(request.headers))
    name = parts.path.split(".git/")[0].lstrip("/")
    if server.failures.get(name, 0) > 0:
        server.failures[name] -= 1
        return server.answers.get(name, Response(503))
    if name.startswith("private/") and request.headers.get("Authorization") != LOGIN:
        return Response(401, headers={"WWW-Authenticate": 'Basic realm="git"'})
    if parts.path.endswith("/info/lfs/objects/batch"):
        return _lfs_batch(request, server)
    if parts.path.startswith("/lfs-files/"):
        return Response(200, server.lfs[parts.path.rpartition("/")[2]])
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
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    if name not in server.old:
        environment["GIT_PROTOCOL"] = request.headers.get("Git-Protocol", "")
    done = subprocess.run(
        ["git", "http-backend"], input=request.body, capture_output=True, env=environment, check=False
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
    status = int(lines.pop("Status", "200 OK").split()[0])
    return Response(status, content, lines)


def _lfs_batch(request: Request, server: Server) -> Response:
    objects = []
    for entry in json.loads(request.body)["objects"]:
        oid = entry["oid"]
        actions = {"download": {"href": f"{server.url}/lfs-files/{oid}"}}
        objects.append(entry | ({"actions": actions} if oid in server.lfs else {"error": {"code": 404}}))
    return Response(200, json.dumps({"transfer": "basic", "objects": objects}).encode())
