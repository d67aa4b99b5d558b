"""The scripted model server for tests: real HTTP, scripts instead of wits.

On loopback, in the test's own process::

    async with scripted.serving({"rules": [{"name": "says so", "then": {"text": "yes"}}]}) as model:
        ...                                  # Model(name="any", base_url=model.base_url)
        assert model.told()["answered_twice"] == []
        model.play(another_script)           # instead of all, counting from the beginning

In the cluster, where the chart's `scriptedModel.enabled` has installed it. Tests run side by side there, so each gives
its script a name of its own, limits its rules to a repository of its own, and counts what holds that name::

    with scripted.in_cluster() as model, model.playing(story.name, script):
        ...
        assert model.told(containing=f"lab/{story.name}")["count"] == 0

What scripts look like: `images/scripted-model/scripted_model/script.py`. What `told` returns: `ledger.py` beside it;
`told(bodies=True)` brings the bodies, to look for what must not be in them.
"""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import yaml
from aiohttp import web

from cluster.commands import environment, path_of
from scripted_model.choosing import Stage
from scripted_model.loading import parsed
from scripted_model.server import Server

Json = dict[str, Any]
Text = str | Json
"""A script as YAML text or as what YAML would make of it."""

SERVICE = "swefoundry-scripted-model"


@dataclass(frozen=True)
class Local:
    """A server in this process."""

    root: str
    server: Server

    @property
    def base_url(self) -> str:
        """What the openai client is given."""
        return f"{self.root}/v1"

    def play(self, script: Text, name: str = "script") -> None:
        """Play this script instead of all others."""
        self.server.stage = a_stage(script, name)

    def told(self, containing: str | None = None, bodies: bool = False) -> Json:
        """What was asked so far."""
        return self.server.ledger.told(containing, bodies)


@dataclass(frozen=True)
class Remote:
    """The server in the cluster."""

    root: str

    @contextmanager
    def playing(self, name: str, script: Text) -> Iterator[None]:
        """Play a script beside the others while the block runs."""
        text = script if isinstance(script, str) else json.dumps(script)
        self._good(httpx.put(f"{self.root}/_scripted/scripts/{name}", content=text))
        try:
            yield
        finally:
            self._good(httpx.delete(f"{self.root}/_scripted/scripts/{name}"))

    def told(self, containing: str | None = None, bodies: bool = False) -> Json:
        """What was asked since the server started."""
        query = {"containing": containing} if containing else {}
        answer = httpx.get(f"{self.root}/_scripted/requests", params={**query, "bodies": int(bodies)})
        return self._good(answer)

    @staticmethod
    def _good(answer: httpx.Response) -> Json:
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def a_stage(script: Text, name: str = "script") -> Stage:
    """A script, ready to be played."""
    stage = Stage()
    stage.put(name, parsed(script if isinstance(script, str) else yaml.safe_dump(script), name))
    return stage


@asynccontextmanager
async def serving(script: Text, key: str | None = None, port: int = 0) -> AsyncIterator[Local]:
    """A server on loopback until the block ends; with a key, others get 401."""
    server = Server(a_stage(script), key=key)
    async with listening(server.application(), port) as root:
        yield Local(root, server)


@asynccontextmanager
async def listening(application: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Any application on loopback until the block ends: its root URL."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextmanager
def in_cluster(namespace: str = "swefoundry") -> Iterator[Remote]:
    """The server that the chart installed, reached through the API server."""
    command = [path_of("kubectl"), "port-forward", "-n", namespace, f"service/{SERVICE}", ":8080"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            first = forwarding.stdout.readline()
            assert "127.0.0.1:" in first, f"no way to {SERVICE}: {first}"
            yield Remote(f"http://127.0.0.1:{first.split('127.0.0.1:')[1].split()[0]}")
        finally:
            forwarding.terminate()
