"""A real registry for tests: Debian's docker-registry on a free loopback port."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MISSING = "the docker-registry program (Debian package docker-registry) is not installed"


@dataclass(frozen=True)
class Server:
    host: str
    data: Path


def program() -> str | None:
    return shutil.which("docker-registry")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, users: Path | None = None, port: int | None = None) -> Iterator[Server]:
    """Run a registry until the block ends; with ``users`` (an htpasswd file) it asks for a login."""
    host = f"127.0.0.1:{port or free_port()}"
    settings = folder / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{host}'}}\n"
        + (f"auth: {{htpasswd: {{realm: test, path: {users}}}}}\n" if users else "")
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            [str(program()), "serve", str(settings)], stdout=log, stderr=log, env=environment
        )
    try:
        _wait(process, host)
        yield Server(host, folder / "data")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], host: str) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"docker-registry ended with {process.returncode}")
        try:
            urllib.request.urlopen(f"http://{host}/v2/", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("docker-registry did not answer")
