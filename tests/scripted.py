"""The scripted model server for tests: a real HTTP server with answers from a script.

On loopback, in the test's own process::

    async with scripted.serve({"rules": [{"name": "yes", "then": {"text": "yes"}}]}) as model:
        ...                                  # Model(name="any", base_url=model.base_url)
        assert model.request_report()["answered_twice"] == []
        model.load(another_script)           # replaces all scripts, with use counts from 0

In the cluster, where the chart's `scriptedModel.enabled` has installed it. Tests run side by side there, so each gives
its script a name of its own, limits its rules to a repository of its own, and counts the requests that contain it::

    with scripted.in_cluster() as model, model.loaded(instance.name, script):
        ...
        assert model.request_report(containing=f"lab/{instance.name}")["count"] == 0

The format of scripts: `images/scripted-model/scripted_model/script.py`. The report: `request_log.py` beside it;
`request_report(bodies=True)` has the bodies, to check what must not be in them.
"""

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
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
"""A script as YAML text, or as the parsed object."""

SERVICE = "swefoundry-scripted-model"
TIMEOUT_SECONDS = 60
"""Of a request to the server in a busy cluster."""
GRACE_SECONDS = 0.1
"""For requests in flight when a server on loopback stops; 0 would wait for delayed answers."""


@dataclass
class LocalModel:
    """A server in this process."""

    root: str
    server: Server
    requests: list[web.Request] = field(default_factory=list)
    """As they arrived, for their headers and paths."""

    @property
    def base_url(self) -> str:
        """The base URL for an OpenAI client."""
        return f"{self.root}/v1"

    @property
    def bodies(self) -> list[Json]:
        """The bodies of all requests."""
        return [entry.request.body for entry in self.server.request_log.entries if entry.request]

    @property
    def headers(self) -> list[dict[str, str]]:
        """The headers of all requests, with names in small letters."""
        return [{name.lower(): value for name, value in each.headers.items()} for each in self.requests]

    def load(self, script: ScriptText, name: str = "script") -> None:
        """Replace all scripts."""
        self.server.scripts = active_scripts(script, name)

    def request_report(self, containing: str | None = None, bodies: bool = False) -> Json:
        """The report of the request log."""
        return self.server.request_log.report(containing, bodies)


@dataclass(frozen=True)
class HeldRequest:
    """A request at a gate."""

    request: web.Request
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let the request reach the server."""
        self.released.set()

    async def disconnected(self) -> None:
        """Return when the client has disconnected."""
        while (line := self.request.transport) is not None and not line.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class RequestGate:
    """Holds requests until the test releases them one by one, so that no answer comes too early or too late."""

    waiting: asyncio.Queue[HeldRequest] = field(default_factory=asyncio.Queue)

    async def next_request(self) -> HeldRequest:
        """The next request that arrives."""
        return await self.waiting.get()

    @web.middleware
    async def hold(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Hold a request before the server gets it."""
        await request.read()
        held = HeldRequest(request)
        await self.waiting.put(held)
        await held.released.wait()
        return await handler(request)


@dataclass
class ClusterModel:
    """The server in the cluster, reached with kubectl port-forward."""

    namespace: str
    root: str = ""
    _forwarding: subprocess.Popen[str] | None = None

    def connect(self) -> None:
        """Forward a port of this machine, in place of the one before."""
        self.close()
        command = [path_of("kubectl"), "port-forward", "-n", self.namespace, f"service/{SERVICE}", ":8080"]
        self._forwarding = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
        assert self._forwarding.stdout is not None
        first = self._forwarding.stdout.readline()
        assert "127.0.0.1:" in first, f"no way to {SERVICE}: {first}"
        self.root = f"http://127.0.0.1:{first.split('127.0.0.1:')[1].split()[0]}"

    def close(self) -> None:
        """End the forwarding."""
        if self._forwarding is not None:
            with self._forwarding as ending:
                ending.terminate()

    @contextmanager
    def loaded(self, name: str, script: ScriptText) -> Iterator[None]:
        """Load a script in addition to the others until the block ends."""
        text = script if isinstance(script, str) else json.dumps(script)
        self._ask("PUT", f"scripts/{name}", content=text)
        try:
            yield
        finally:
            self._ask("DELETE", f"scripts/{name}")

    def request_report(self, containing: str | None = None, bodies: bool = False) -> Json:
        """The report of the request log since the server started."""
        parameters = ({"containing": containing} if containing else {}) | {"bodies": str(int(bodies))}
        return self._ask("GET", "requests", params=parameters)

    def _ask(self, method: str, path: str, **request: Any) -> Json:
        """The answer; where there is none, once more by a new connection: kubectl gives up the first one it loses."""
        for last in (False, True):
            try:
                response = httpx.request(
                    method, f"{self.root}/_scripted/{path}", timeout=TIMEOUT_SECONDS, **request
                )
                break
            except httpx.TransportError:
                if last:
                    raise
                self.connect()
        # Where the answer to the first deletion was lost, the second one finds nothing.
        deleted = method == "DELETE" and response.status_code == 404
        assert response.status_code == 200 or deleted, response.text
        return dict(response.json())


def active_scripts(script: ScriptText, name: str = "script") -> ActiveScripts:
    """The scripts of a server with one script."""
    scripts = ActiveScripts()
    scripts.put(name, parse_script(script if isinstance(script, str) else yaml.safe_dump(script), name))
    return scripts


def in_order(answers: Sequence[Json]) -> Json:
    """A script that gives the answers in their order, whatever is asked, and the last one again and again."""
    rules = [
        {"name": f"answer {number}", "when": {"times": 1} if number < len(answers) else {}, "then": answer}
        for number, answer in enumerate(answers, 1)
    ]
    return {"rules": rules}


@asynccontextmanager
async def serve(
    script: ScriptText,
    key: str | None = None,
    gate: RequestGate | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[LocalModel]:
    """A server on loopback until the block ends; other keys get 401; a gate holds requests before the server."""
    model = LocalModel("", Server(active_scripts(script), key=key))
    application = model.server.application()

    @web.middleware
    async def note(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        model.requests.append(request)
        return await handler(request)

    application.middlewares.append(note)
    if gate is not None:
        application.middlewares.append(gate.hold)
    async with serve_application(application, tls) as root:
        model.root = root
        yield model


@asynccontextmanager
async def serve_application(
    application: web.Application, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve an application on loopback until the block ends; gives its root URL."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=GRACE_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextmanager
def in_cluster(namespace: str = "swefoundry") -> Iterator[ClusterModel]:
    """The server that the chart installed."""
    model = ClusterModel(namespace)
    try:
        model.connect()
        yield model
    finally:
        model.close()
