"""Models as a company may offer them: HTTPS with a certificate of its own authority, a key, headers, a proxy.

It runs on this machine, which pods of the lab reach, and says what scripts say::

    agent pod ──HTTPS──────────────> near ──┐
        └──CONNECT──> proxy ──────> far ────┴──> scripted model, which wants the key

``far`` listens on loopback and its name is nobody's: only the proxy knows the way.
"""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

import scripted
from scripted_model.server import Server
from swefoundry_lab import pki
from swefoundry_lab.layout import Lab

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FAR = "models.test"
"""Nobody's name (RFC 2606), so no name server knows it."""


@dataclass
class Outage:
    """Requests that hold all of some texts find nobody: the first is told so at once, the others when released."""

    texts: tuple[str, ...]
    message: str
    """What the endpoint says meanwhile."""
    requests: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> web.Response:
        self.requests += 1
        if self.requests > 1:
            await self.released.wait()
        return web.json_response({"error": {"message": self.message, "type": "busy"}}, status=503)


@dataclass
class Gateway:
    """What runs, and what it was asked."""

    loop: asyncio.AbstractEventLoop
    server: Server
    authority: str
    """PEM certificate of the authority that signed the endpoints' certificates."""
    near: str = ""
    """Base URL of the endpoint that pods reach themselves."""
    far: str = f"https://{FAR}/v1"
    proxy: str = ""
    headers: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Host and headers of each request, names in small letters."""
    proxy_requests: list[str] = field(default_factory=list)
    """First lines of what the proxy was asked."""
    outages: list[Outage] = field(default_factory=list)

    def load_script(self, name: str, script: Json) -> None:
        """Play a script beside the others."""
        stage = scripted.active_scripts(script, name)
        self.loop.call_soon_threadsafe(self.server.scripts.put, name, stage.scripts[name])

    def request_report(self, containing: str) -> Json:
        """What was asked about something, bodies included."""
        return self.server.request_log.report(containing, bodies=True)

    def start_outage(self, *texts: str, message: str) -> Outage:
        """Be away for some requests from now on."""
        self.outages.append(made := Outage(texts, message))
        return made

    def release(self, outage: Outage) -> None:
        """Tell those who wait that nobody is there."""
        self.loop.call_soon_threadsafe(outage.released.set)

    def end_outage(self, outage: Outage) -> None:
        """Answer again."""
        self.outages.remove(outage)
        self.release(outage)

    @web.middleware
    async def intercept(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Before the model sees a request."""
        self.headers.append((request.host, {name.lower(): said for name, said in request.headers.items()}))
        text = await request.text()
        for outage in self.outages:
            if all(each in text for each in outage.texts):
                return await outage.answer()
        return await handler(request)

    async def tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """A proxy that knows one way."""
        with suppress(OSError, asyncio.IncompleteReadError):
            asked = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").partition(" HTTP/")[0]
            self.proxy_requests.append(asked)
            if asked == f"CONNECT {FAR}:443":
                inner = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_pump(reader, inner[1]), _pump(inner[0], writer))
            else:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def running_gateway(address: str, key: str, folder: Path) -> Iterator[Gateway]:
    """The gateway at an address of this machine until the block ends, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        made, stack = asyncio.run_coroutine_threadsafe(
            _start_gateway(loop, address, key, folder), loop
        ).result(60)
        yield made
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)


async def _start_gateway(
    loop: asyncio.AbstractEventLoop, address: str, key: str, folder: Path
) -> tuple[Gateway, AsyncExitStack]:
    authority, tls = _make_certificates(folder, address)
    made = Gateway(loop, Server(key=key), authority)
    stack = AsyncExitStack()
    runner = web.AppRunner(_application(made), access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    for place in (address, "127.0.0.1"):
        await web.TCPSite(runner, place, 0, ssl_context=tls).start()
    (_, near), (_, far) = runner.addresses

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await made.tunnel(reader, writer, far)

    proxy = await asyncio.start_server(tunnel, address, 0)
    stack.callback(proxy.close)
    made.near = f"https://{address}:{near}/v1"
    made.proxy = f"http://{address}:{proxy.sockets[0].getsockname()[1]}"
    return made, stack


def _application(gateway: Gateway) -> web.Application:
    application = gateway.server.application()
    application.middlewares.append(gateway.intercept)
    return application


def _make_certificates(folder: Path, address: str) -> tuple[str, ssl.SSLContext]:
    """A new authority's certificate, and a server's context with a certificate that it signed."""
    own = Lab(folder)
    own.pki.mkdir(parents=True)
    pki.ensure_authority(own)
    pki.ensure_certificate(own, pki.Identity("gateway", "gateway", serves=(address, FAR)))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own.pki / "gateway.crt", own.pki / "gateway.key")
    return (own.pki / "ca.crt").read_text(), context
