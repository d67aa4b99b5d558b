"""Asking an index why pip found nothing there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopback import Request, Response, serving
from swefoundry.programs.build.index_pages import asked_pages, failing_pages

MISSING = "ERROR: No matching distribution found for {}"
LOOKING = "Looking in indexes: {}"
NO_CERTIFICATES = Path("/nonexistent.pem")


def test_the_page_that_pip_asked_for_is_named() -> None:
    lines = [LOOKING.format("http://index.example.org/simple"), MISSING.format("Zope.Interface==4.1")]
    assert asked_pages(lines, {}) == ["http://index.example.org/simple/zope-interface/"]


def test_every_index_is_named_once() -> None:
    lines = [
        "      " + LOOKING.format("http://one.example.org/simple, http://two.example.org/simple/"),
        "      " + MISSING.format("six"),
    ]
    assert asked_pages(lines, {}) == [
        "http://one.example.org/simple/six/",
        "http://two.example.org/simple/six/",
    ]


@pytest.mark.parametrize(
    "lines",
    [
        [MISSING.format("six")],
        [LOOKING.format("http://index.example.org/simple"), "ERROR: Invalid requirement"],
        [],
    ],
    ids=["its default index alone", "another failure", "no output"],
)
def test_without_an_address_nothing_is_asked(lines: list[str]) -> None:
    assert asked_pages(lines, {"PIP_INDEX_URL": "http://index.example.org/simple"}) == []


def test_an_address_with_a_hidden_password_comes_from_the_settings() -> None:
    lines = [LOOKING.format("http://me:****@index.example.org/simple"), MISSING.format("six")]
    settings = {"PIP_INDEX_URL": "http://me:secret@index.example.org/simple"}
    assert asked_pages(lines, settings) == ["http://me:secret@index.example.org/simple/six/"]


@pytest.fixture
def index() -> Iterator[str]:
    """An index that answers with the status in the address."""

    def answer(request: Request) -> Response:
        return Response(int(request.target.split("/")[1]))

    with serving(answer) as host:
        yield f"http://{host}"


async def test_a_page_that_is_there_does_not_fail(index: str) -> None:
    assert await failing_pages([f"{index}/200/six/"], {}, NO_CERTIFICATES) == []


async def test_a_page_that_fails_is_told_with_its_answer(index: str) -> None:
    pages = [f"{index}/503/six/", f"{index}/404/six/"]
    assert await failing_pages(pages, {}, NO_CERTIFICATES) == [
        f"{index}/503/six/: 503 Service Unavailable",
        f"{index}/404/six/: 404 Not Found",
    ]


async def test_a_server_that_does_not_answer_is_told_with_the_error() -> None:
    page = "http://127.0.0.1:1/simple/six/"
    assert await failing_pages([page], {}, NO_CERTIFICATES) == [f"{page}: [Errno 111] Connection refused"]


async def test_an_address_that_is_none_is_told_too() -> None:
    (failure,) = await failing_pages(["simple/six/"], {}, NO_CERTIFICATES)
    assert failure.startswith("simple/six/: unknown url type")


async def test_passwords_are_not_told() -> None:
    page = "http://me:secret@127.0.0.1:1/six/"
    (failure,) = await failing_pages([page], {}, NO_CERTIFICATES)
    assert failure.startswith("http://127.0.0.1:1/six/: ") and "secret" not in failure


async def test_the_proxy_of_the_steps_is_used_but_for_hosts_that_need_none(index: str) -> None:
    settings = {"http_proxy": "http://127.0.0.1:1"}
    page = f"{index}/503/six/"
    assert await failing_pages([page], settings, NO_CERTIFICATES) == [
        f"{page}: [Errno 111] Connection refused"
    ]
    direct = settings | {"no_proxy": "example.org,127.0.0.1"}
    assert await failing_pages([page], direct, NO_CERTIFICATES) == [f"{page}: 503 Service Unavailable"]
