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

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml
from aiohttp import web

from cluster.commands import environment, path_of
from scripted_model.loading import parse_script
from scripted_model.rule_matching import ActiveScripts
from scripted_model.server import Server

Json = dict[str, Any]
ScriptText = str | Json
"""A script as YAML text or as what YAML would make of it."""

SERVICE = "swefoundry-scripted-model"
TIMEOUT_SECONDS = 60
"""With a cluster that has much else to do."""


@dataclass(frozen=True)
class LocalModel:
    """A server in this process."""

    root: str
    server: Server

    @property
    def base_url(self) -> str:
        """What the openai client is given."""
        return f"{self.root}/v1"

    def load(self, script: ScriptText, name: str = "script") -> None:
        """Play this script instead of all others."""
        self.server.scripts = active_scripts(script, name)

    def request_report(self, containing: str | None = None, bodies: bool = False) -> Json:
        """What was asked so far."""
        return self.server.request_log.report(containing, bodies)


@dataclass(frozen=True)
class HeldRequest:
    """A request at a gate."""

    request: web.Request
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Now the server sees it."""
        self.released.set()

    async def disconnected(self) -> None:
        """Return when who asked is gone."""
        while (line := self.request.transport) is not None and not line.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class RequestGate:
    """Where requests wait until the test lets them through, one by one: no answer comes too early or too late."""

    waiting: asyncio.Queue[HeldRequest] = field(default_factory=asyncio.Queue)

    async def next_request(self) -> HeldRequest:
        """The next request that has come."""
        return await self.waiting.get()

    @web.middleware
    async def hold(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Before the server sees a request."""
        await request.read()
        held = HeldRequest(request)
        await self.waiting.put(held)
        await held.released.wait()
        return await handler(request)


@dataclass(frozen=True)
class ClusterModel:
    """The server in the cluster."""

    root: str

    @contextmanager
    def loaded(self, name: str, script: ScriptText) -> Iterator[None]:
        """Play a script beside the others while the block runs."""
        text = script if isinstance(script, str) else json.dumps(script)
        self._checked_json(
            httpx.put(f"{self.root}/_scripted/scripts/{name}", content=text, timeout=TIMEOUT_SECONDS)
        )
        try:
            yield
        finally:
            self._checked_json(httpx.delete(f"{self.root}/_scripted/scripts/{name}", timeout=TIMEOUT_SECONDS))

    def request_report(self, containing: str | None = None, bodies: bool = False) -> Json:
        """What was asked since the server started."""
        query = {"containing": containing} if containing else {}
        wanted = {**query, "bodies": int(bodies)}
        return self._checked_json(
            httpx.get(f"{self.root}/_scripted/requests", params=wanted, timeout=TIMEOUT_SECONDS)
        )

    @staticmethod
    def _checked_json(answer: httpx.Response) -> Json:
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def active_scripts(script: ScriptText, name: str = "script") -> ActiveScripts:
    """A script, ready to be played."""
    stage = ActiveScripts()
    stage.put(name, parse_script(script if isinstance(script, str) else yaml.safe_dump(script), name))
    return stage


@asynccontextmanager
async def serve(
    script: ScriptText, key: str | None = None, gate: RequestGate | None = None
) -> AsyncIterator[LocalModel]:
    """A server on loopback until the block ends; with a key, others get 401; with a gate, requests wait before it."""
    server = Server(active_scripts(script), key=key)
    application = server.application()
    if gate is not None:
        application.middlewares.append(gate.hold)
    async with serve_application(application) as root:
        yield LocalModel(root, server)


@asynccontextmanager
async def serve_application(application: web.Application) -> AsyncIterator[str]:
    """Any application on loopback until the block ends: its root URL."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextmanager
def in_cluster(namespace: str = "swefoundry") -> Iterator[ClusterModel]:
    """The server that the chart installed, reached through the API server."""
    command = [path_of("kubectl"), "port-forward", "-n", namespace, f"service/{SERVICE}", ":8080"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            first = forwarding.stdout.readline()
            assert "127.0.0.1:" in first, f"no way to {SERVICE}: {first}"
            yield ClusterModel(f"http://127.0.0.1:{first.split('127.0.0.1:')[1].split()[0]}")
        finally:
            forwarding.terminate()
