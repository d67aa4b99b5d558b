"""A model gateway as in a company network: HTTPS with a private CA, an API key, extra headers and a proxy.

It runs on this machine, where pods of the lab reach it, and its answers are scripted::

    agent pod ──HTTPS──────────────> near ──┐
        └──CONNECT──> proxy ──────> far ────┴──> scripted model, which requires the key

``far`` listens on loopback under a name that does not resolve: it is reached through the proxy only.
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
"""A reserved name (RFC 2606), which no name server resolves."""


@dataclass
class Outage:
    """Answers 503 to requests that contain all of `texts`: to the first one at once, to the others when released."""

    texts: tuple[str, ...]
    message: str
    """Error message of the answers."""
    requests: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> web.Response:
        self.requests += 1
        if self.requests > 1:
            await self.released.wait()
        return web.json_response({"error": {"message": self.message, "type": "busy"}}, status=503)


@dataclass
class Gateway:
    """The running gateway, and the requests that it received."""

    loop: asyncio.AbstractEventLoop
    server: Server
    authority: str
    """PEM certificate of the authority that signed the endpoints' certificates."""
    near: str = ""
    """Base URL of the endpoint that pods reach without the proxy."""
    far: str = f"https://{FAR}/v1"
    proxy: str = ""
    headers: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Host and headers of each request, with names in lower case."""
    proxy_requests: list[str] = field(default_factory=list)
    """Request lines that the proxy received, without the version."""
    outages: list[Outage] = field(default_factory=list)

    def load_script(self, name: str, script: Json) -> None:
        """Add a script to the active ones."""
        active = scripted.active_scripts(script, name)
        self.loop.call_soon_threadsafe(self.server.scripts.put, name, active.scripts[name])

    def request_report(self, containing: str) -> Json:
        """Report of the requests that contain a text, with their bodies."""
        return self.server.request_log.report(containing, bodies=True)

    def start_outage(self, *texts: str, message: str) -> Outage:
        """Answer 503 to requests that contain all of `texts` from now on."""
        self.outages.append(outage := Outage(texts, message))
        return outage

    def release(self, outage: Outage) -> None:
        """Answer the requests that wait."""
        self.loop.call_soon_threadsafe(outage.released.set)

    def end_outage(self, outage: Outage) -> None:
        """Pass on all requests again."""
        self.outages.remove(outage)
        self.release(outage)

    @web.middleware
    async def intercept(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record the request's headers, and answer it if there is an outage for it."""
        self.headers.append((request.host, {name.lower(): value for name, value in request.headers.items()}))
        text = await request.text()
        for outage in self.outages:
            if all(each in text for each in outage.texts):
                return await outage.answer()
        return await handler(request)

    async def tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Serve one client of the proxy, which tunnels to the `far` endpoint only."""
        with suppress(OSError, asyncio.IncompleteReadError):
            request_line = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").partition(" HTTP/")[0]
            self.proxy_requests.append(request_line)
            if request_line == f"CONNECT {FAR}:443":
                upstream = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_pump(reader, upstream[1]), _pump(upstream[0], writer))
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
    """Run the gateway at an address of this machine, in a thread, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        gateway, stack = asyncio.run_coroutine_threadsafe(
            _start_gateway(loop, address, key, folder), loop
        ).result(60)
        yield gateway
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)


async def _start_gateway(
    loop: asyncio.AbstractEventLoop, address: str, key: str, folder: Path
) -> tuple[Gateway, AsyncExitStack]:
    authority, tls = _make_certificates(folder, address)
    gateway = Gateway(loop, Server(key=key), authority)
    stack = AsyncExitStack()
    runner = web.AppRunner(_application(gateway), access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    for host in (address, "127.0.0.1"):
        await web.TCPSite(runner, host, 0, ssl_context=tls).start()
    (_, near), (_, far) = runner.addresses

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gateway.tunnel(reader, writer, far)

    proxy = await asyncio.start_server(tunnel, address, 0)
    stack.callback(proxy.close)
    gateway.near = f"https://{address}:{near}/v1"
    gateway.proxy = f"http://{address}:{proxy.sockets[0].getsockname()[1]}"
    return gateway, stack


def _application(gateway: Gateway) -> web.Application:
    application = gateway.server.application()
    application.middlewares.append(gateway.intercept)
    return application


def _make_certificates(folder: Path, address: str) -> tuple[str, ssl.SSLContext]:
    """Certificate of a new CA, and a server's TLS context with a certificate signed by it."""
    lab = Lab(folder)
    lab.pki.mkdir(parents=True)
    pki.ensure_authority(lab)
    pki.ensure_certificate(lab, pki.Identity("gateway", "gateway", serves=(address, FAR)))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(lab.pki / "gateway.crt", lab.pki / "gateway.key")
    return (lab.pki / "ca.crt").read_text(), context
