"""Client of the Kubernetes API, against a real HTTP server that answers as the API does."""

import asyncio
import json
import socket
from contextlib import aclosing

import pytest
from aiohttp import web
from kubernetes.aio import client

from simulated.api_server import listening_server
from swefoundry import errors, metrics
from swefoundry.kube import api_client
from swefoundry.kube.api_client import KubeClient, error_for_status
from swefoundry.kube.rate_limit import TokenBucket
from swefoundry.kube.resources import BUILDS, CONFIG_MAPS, PODS, TASKS, Resource


def connected(url, **limits):
    return KubeClient(client.ApiClient(configuration=client.Configuration(host=url)), **limits)


def a_pod(name="pod", **meta):
    return {"metadata": {"name": name} | meta, "spec": {"nodeName": "n"}}


async def listed(kube, *where):
    return [body["metadata"]["name"] async for body in kube.list(*where)]


@pytest.mark.parametrize("status", range(400, 600))
def test_every_http_error_is_mapped(status):
    found = error_for_status(status, b'{"message": "because"}', None)
    expected = {
        401: errors.ApiForbidden,
        403: errors.ApiForbidden,
        404: errors.NotFound,
        409: errors.ApiConflict,
        410: errors.ApiExpired,
        429: errors.ApiUnavailable,
    }
    usual = errors.ApiUnavailable if status >= 500 else errors.ApiRefused
    assert (type(found), str(found)) == (expected.get(status, usual), "because")


@pytest.mark.parametrize(
    ("header", "after"), [("7", 7.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
def test_retry_after_is_used(header, after):
    assert error_for_status(429, b"{}", header).after == after


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"message": "m"}', "m"),
        (b"<html>", "<html>"),
        (b"[]", "[]"),
        (b"{}", "{}"),
        (b"\xff" * 999, "\ufffd" * 300),
    ],
)
def test_a_refusal_without_a_status_object_is_quoted(data, message):
    assert str(error_for_status(503, data, None)) == message


async def test_errors_carry_the_message_of_the_server(server):
    server.forced_errors["GET pods"] = (403, "pods is forbidden")
    kube = server.client()
    with pytest.raises(errors.ApiRefused, match="pods is forbidden"):
        await kube.get(PODS, "here", "pod")
    await kube.close()


async def test_an_object_is_created_read_changed_and_deleted(server):
    kube = server.client()
    created = await kube.create(PODS, "here", a_pod())
    assert (await kube.get(PODS, "here", "pod"))["metadata"] == created["metadata"]
    changed = await kube.patch(PODS, "here", "pod", {"metadata": {"labels": {"a": "b"}}})
    assert changed["metadata"]["labels"] == {"a": "b"}
    await kube.delete(PODS, "here", "pod", force=True)
    with pytest.raises(errors.NotFound):
        await kube.get(PODS, "here", "pod")
    await kube.close()


async def test_creating_an_existing_object_returns_none(server):
    kube = server.client()
    assert await kube.create(PODS, "here", a_pod()) is not None
    assert await kube.create(PODS, "here", a_pod()) is None
    await kube.close()


async def test_a_patch_of_an_older_version_is_a_conflict(server):
    kube = server.client()
    created = await kube.create(TASKS, "here", a_pod("task"))
    await kube.patch(TASKS, "here", "task", {"status": {"phase": "Intake"}}, subresource="status")
    stale = {
        "metadata": {"resourceVersion": created["metadata"]["resourceVersion"]},
        "status": {"phase": "Failed"},
    }
    with pytest.raises(errors.ApiConflict):
        await kube.patch(TASKS, "here", "task", stale, subresource="status")
    assert server.one("taskinstances")["status"] == {"phase": "Intake"}
    await kube.close()


async def test_lists_are_paged_and_items_have_their_kind(server):
    kube, server.page = server.client(), 2
    for number in range(5):
        server.create(
            "pods", "here" if number else "there", a_pod(f"p{number}", labels={"odd": str(number % 2)})
        )
    assert await listed(kube, PODS, "") == ["p0", "p1", "p2", "p3", "p4"]
    assert await listed(kube, PODS, "here") == ["p1", "p2", "p3", "p4"]
    assert await listed(kube, PODS, "here", "odd=1") == ["p1", "p3"]
    assert {body["kind"] async for body in kube.list(PODS, "")} == {"Pod"}
    assert await listed(kube, BUILDS, "") == []
    await kube.close()


async def test_deleting_a_deleted_object_is_no_error(server):
    kube = server.client()
    await kube.delete(PODS, "here", "nobody")
    await kube.close()


async def test_a_successor_of_the_same_name_is_not_deleted(server):
    kube = server.client()
    created = server.create("pods", "here", a_pod())
    await kube.delete(PODS, "here", "pod", uid="another")
    assert server.bodies("pods") == [created]
    await kube.delete(PODS, "here", "pod", uid=created["metadata"]["uid"])
    assert server.one("pods")["metadata"]["deletionGracePeriodSeconds"] == 30
    await kube.delete(PODS, "here", "pod", uid=created["metadata"]["uid"], force=True)
    assert server.bodies("pods") == []
    await kube.close()


async def test_without_a_selector_nothing_is_deleted_together(server):
    with pytest.raises(ValueError, match="all objects would be deleted"):
        await server.client().delete_selected(PODS, "here", "")
    assert server.requests == []


async def test_a_log_is_bytes(server):
    kube = server.client()
    uid = server.create("pods", "here", a_pod())["metadata"]["uid"]
    server.logs[uid] = b"\xff\x00 not text"
    assert await kube.log(PODS, "here", "pod", 100) == b"\xff\x00 not text"
    await kube.close()


async def test_an_unreachable_api_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        kube = connected(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(errors.ApiUnavailable, match="did not answer"):
            await kube.get(PODS, "here", "pod")
        await kube.close()


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"rubbish\r\n\r\n"])
async def test_a_truncated_response_is_unavailable(sent):
    async def answer(_, writer):
        writer.write(sent)
        writer.close()

    raw = await asyncio.start_server(answer, "127.0.0.1", 0)
    kube = connected(f"http://127.0.0.1:{raw.sockets[0].getsockname()[1]}")
    with pytest.raises(errors.ApiUnavailable):
        await kube.get(PODS, "here", "pod")
    await kube.close()
    raw.close()


async def test_an_api_that_is_silent_is_unavailable(monkeypatch):
    async def sleep(_):
        await asyncio.wait_for(over.wait(), 30)
        return web.Response()

    over = asyncio.Event()
    monkeypatch.setattr(api_client, "REQUEST_SECONDS", 0.03)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", sleep)
    async with listening_server(app) as url:
        kube = connected(url)
        with pytest.raises(errors.ApiUnavailable, match="Timeout"):
            await kube.get(PODS, "here", "pod")
        over.set()
        await kube.close()


@pytest.mark.parametrize("answer", ["<html>login</html>", ""])
async def test_a_response_without_json_is_unavailable(answer):
    """A proxy between us and the API may answer 200 with a page of its own."""

    async def page(_):
        return web.Response(text=answer)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    async with listening_server(app) as url:
        kube = connected(url)
        with pytest.raises(errors.ApiUnavailable):
            await kube.get(PODS, "here", "pod")
        await kube.close()


async def test_writes_and_deletions_have_separate_rate_limits_and_reads_none(server):
    never = 1e-6
    kube = connected(server.url, writes=TokenBucket(never, 1), deletes=TokenBucket(never, 1))
    await kube.create(PODS, "here", a_pod("a"))
    await kube.delete(PODS, "here", "a", force=True)
    for _ in range(3):
        with pytest.raises(errors.NotFound):
            await kube.get(PODS, "here", "a")
    for waiting in (kube.create(PODS, "here", a_pod("b")), kube.delete(PODS, "here", "a")):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 0.02)
    assert server.writes() == ["POST pods", "DELETE pods/a"]
    await kube.close()


async def test_requests_are_counted_by_verb_resource_and_code(server):
    def counted(code):
        expected = {"verb": "GET", "resource": "configmaps", "code": code}
        return metrics.REGISTRY.get_sample_value("swefoundry_api_requests_total", expected) or 0

    kube, before = server.client(), counted("404")
    with pytest.raises(errors.NotFound):
        await kube.get(CONFIG_MAPS, "here", "secret-name")
    assert counted("404") == before + 1
    await kube.close()


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (("",), "/apis/g/v/things"),
        (("ns",), "/apis/g/v/namespaces/ns/things"),
        (("ns", "n"), "/apis/g/v/namespaces/ns/things/n"),
        (("ns", "n", "status"), "/apis/g/v/namespaces/ns/things/n/status"),
    ],
)
def test_url_paths(where, path):
    assert Resource("Thing", "things", "/apis/g/v").path(*where) == path


async def test_watches_of_fifty_namespaces_leave_connections_for_requests(server, tmp_path, monkeypatch):
    path = tmp_path / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "current-context": "here",
                "clusters": [{"name": "here", "cluster": {"server": server.url}}],
                "users": [{"name": "me", "user": {"token": "t"}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            }
        )
    )
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    kube = await KubeClient.connect()
    watches = [asyncio.ensure_future(first_event(kube, resource, f"n-{number}"))
               for number in range(50) for resource in (TASKS, BUILDS, PODS)]  # fmt: skip
    try:
        async with asyncio.timeout(20):
            while len([line for line in server.requests if line.startswith("WATCH")]) < len(watches):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert await kube.version() == server.git_version
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.wait(watches)
        await kube.close()


async def first_event(kube, resource, namespace):
    async with aclosing(kube.watch(resource, namespace, "", "0")) as events:
        return await anext(events)
