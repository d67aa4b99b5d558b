"""Transport of the operator's registry client: aiohttp's connections below httpx.

Half of the operator's CPU time of a batch was httpcore, which looks at every connection of its pool for every request.
Programs in pods send few requests, and some of their images have no aiohttp; they use httpx's own transport.
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import aiohttp
import httpx
from yarl import URL

from swefoundry import metrics
from swefoundry.environment_proxy import environment_proxy

MAX_CONNECTIONS = 32


class RegistryTransport(httpx.AsyncBaseTransport):
    """Sends the requests of an ``httpx.AsyncClient``; environment variables may name a proxy, as with httpx's own."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None
        self._proxy_for = cache(environment_proxy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of the answer is read later."""
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        with _errors_of_httpx(request):
            response = await self._open_session().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=_body(request),
                allow_redirects=False,
                proxy=self._proxy_for(f"{request.url.scheme}://{request.url.host}"),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=limits.get("connect"), sock_read=limits.get("read")
                ),
            )
        metrics.REGISTRY_REQUESTS.labels(request.method, str(response.status)).inc()
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_ResponseBody(response, request)
        )

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        # Not before the first request: a session belongs to the running event loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=self._trust),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


class _ResponseBody(httpx.AsyncByteStream):
    """The body of an answer."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx(self._request):
            async for part in self._response.content.iter_any():
                yield part

    async def aclose(self) -> None:
        # A connection whose answer was not read to its end cannot be used again; aiohttp closes it.
        self._response.close()


def _body(request: httpx.Request) -> Any:
    """Bytes, or the parts of a file; None when there is no body, so that aiohttp adds no headers for one."""
    if isinstance(request.stream, httpx.ByteStream):
        return request.content or None
    return request.stream


@contextmanager
def _errors_of_httpx(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error) or "time-out", request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(str(error) or type(error).__name__, request=request) from error
