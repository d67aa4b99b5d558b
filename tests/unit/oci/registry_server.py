"""A real registry for tests: Debian's docker-registry on a free loopback port."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

MISSING = "the docker-registry program (Debian package docker-registry) is not installed"
PORTS = range(20_000, 30_000)
"""Below the ports that Linux gives to connections and to servers which ask for any."""


@dataclass(frozen=True)
class Server:
    host: str
    data: Path


def program() -> str | None:
    return shutil.which("docker-registry")


def free_port() -> int:
    """A port on which nothing listens, below those that the system gives to tests that run beside this one."""
    while True:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@cache
def _held_socket() -> socket.socket:
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held


def refusing_port() -> int:
    """A port that refuses connections as long as this process lives: a free one may be taken by a server beside it."""
    port: int = _held_socket().getsockname()[1]
    return port


@contextmanager
def serving(folder: Path, users: Path | None = None, port: int | None = None) -> Iterator[Server]:
    """Run a registry until the block ends; with ``users`` (an htpasswd file) it asks for a login.

    A test that needs it is skipped where the program is not installed.
    """
    if program() is None:
        pytest.skip(MISSING)
    process, host = _started(folder, users, port)
    try:
        yield Server(host, folder / "data")
    finally:
        process.terminate()
        process.wait(timeout=120)


def _started(folder: Path, users: Path | None, port: int | None) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(1 if port else 10):  # somebody else may be quicker to take a port that was free
        host = f"127.0.0.1:{port or free_port()}"
        process = _start(folder, users, host)
        if _answers(process, host):
            return process, host
    raise RuntimeError(f"docker-registry ended: {(folder / 'registry.log').read_text()}")


def _start(folder: Path, users: Path | None, host: str) -> subprocess.Popen[bytes]:
    settings = folder / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{host}'}}\n"
        + (f"auth: {{htpasswd: {{realm: test, path: {users}}}}}\n" if users else "")
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
    with (folder / "registry.log").open("wb") as log:
        return subprocess.Popen(
            [str(program()), "serve", str(settings)], stdout=log, stderr=log, env=environment
        )


def _answers(process: subprocess.Popen[bytes], host: str) -> bool:
    """Wait for its first answer; False when it has ended instead."""
    for _ in range(1200):
        if process.poll() is not None:
            return False
        try:
            urllib.request.urlopen(f"http://{host}/v2/", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
        else:
            return True
    process.kill()
    raise RuntimeError("docker-registry did not answer")
