"""Cookies of registries."""

import loopback
from loopback import Request, Response
from swefoundry.oci.content import digest_of
from swefoundry.oci.registry_client import RegistryClient


async def test_a_registrys_cookie_is_not_sent_back() -> None:
    cookies: list[str | None] = []

    def answer(request: Request) -> Response:
        cookies.append(request.headers.get("Cookie"))
        return Response(200, b"hello", {"Set-Cookie": "session=1; Path=/"})

    with loopback.serving(answer) as host:
        async with RegistryClient(host, insecure=True) as registry:
            for _ in range(2):
                assert await registry.get_blob("any", digest_of(b"hello"), 5) == b"hello"
    assert cookies == [None, None]
