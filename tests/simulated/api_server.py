"""A small Kubernetes API over real HTTP: what the operator relies on of the real one, and nothing else.

Kept in memory: create, get, list by labels in pages, merge-patch with resource versions, a status apart from the rest,
deletion with finalizers, grace and preconditions, pod logs, and the log of changes that watches would bring.
"""

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from kubernetes.aio import client

from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, CONFIG_MAPS, EVENTS, PODS, TASKS

Json = dict[str, Any]
ObjectKey = tuple[str, str, str]
"""Plural, namespace, name."""
RequestHook = Callable[[str], Awaitable[Callable[[], None] | None]]
"""Asked before each request; what it returns is called after the request has taken effect."""

KINDS = {resource.plural: resource.kind for resource in (TASKS, BUILDS, PODS, EVENTS, CONFIG_MAPS)}
EPOCH = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


class ApiStatusError(Exception):
    """An answer of 400 or more."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def no_hook(_: str) -> None:
    """Lets everything through."""


@dataclass
class ApiServer:
    """What the server holds. Tests may look at it, and change it as other clients would."""

    objects: dict[ObjectKey, Json] = field(default_factory=dict)
    changes: list[Json] = field(default_factory=list)
    """Every change in order, as a watch would tell it."""
    created: list[Json] = field(default_factory=list)
    """Every object as it was created."""
    requests: list[str] = field(default_factory=list)
    """`VERB plural/name/subresource` of every request."""
    logs: dict[str, bytes] = field(default_factory=dict)
    """By the UID of the pod."""
    forced_errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """`VERB plural` -> status and message of every such request."""
    request_hook: RequestHook = no_hook
    now: datetime = EPOCH
    page: int = 500
    url: str = ""
    _version: int = 100

    def client(self) -> KubeClient:
        """The operator's own client, connected to this server."""
        return KubeClient(client.ApiClient(configuration=client.Configuration(host=self.url)))

    def bodies(self, plural: str) -> list[Json]:
        """All objects of a kind, oldest first."""
        return [body for place, body in self.objects.items() if place[0] == plural]

    def one(self, plural: str) -> Json:
        """The only object of a kind."""
        (body,) = self.bodies(plural)
        return body

    def writes(self, plural: str = "") -> list[str]:
        """Requests that are no reads."""
        return [line for line in self.requests if not line.startswith("GET") and f" {plural}" in line]

    # What clients may do

    def create(self, plural: str, namespace: str, body: Json) -> Json:
        meta = dict(body["metadata"])
        place = (plural, namespace, meta["name"])
        if place in self.objects:
            raise ApiStatusError(409, f'{plural} "{meta["name"]}" already exists')
        meta |= {"namespace": namespace, "uid": str(uuid.uuid4()), "generation": 1}
        meta["creationTimestamp"] = _timestamp(self.now)
        made = body | {"kind": KINDS[plural], "metadata": meta, "status": {}}
        if plural == "pods":
            made["status"] = {"phase": "Pending"}
        self.created.append(made)
        return self._store(place, made, "ADDED")

    def patch(self, place: ObjectKey, change: Json, subresource: str = "") -> Json:
        old = self.get(place)
        self._check(old, change.get("metadata", {}))
        new = merge_patch(
            old, {key: value for key, value in change.items() if (key == "status") == bool(subresource)}
        )
        new["metadata"] = (
            old["metadata"] if subresource else merge_patch(old["metadata"], change.get("metadata", {}))
        )
        if new == old:
            return old
        if new.get("spec") != old.get("spec"):
            new["metadata"] = new["metadata"] | {"generation": old["metadata"]["generation"] + 1}
        stored = self._store(place, new, "MODIFIED")
        self._remove_if_released(place)
        return stored

    def delete(self, place: ObjectKey, uid: str | None = None, grace: int | None = None) -> None:
        body = self.get(place)
        self._check(body, {"uid": uid} if uid else {})
        meta = dict(body["metadata"])
        wanted = self._grace(place, body, grace)
        if wanted >= meta.get("deletionGracePeriodSeconds", wanted + 1):
            return
        meta["deletionTimestamp"] = meta.get("deletionTimestamp", _timestamp(self.now))
        meta["deletionGracePeriodSeconds"] = wanted
        self._store(place, body | {"metadata": meta}, "MODIFIED")
        self._remove_if_released(place)

    def get(self, place: ObjectKey) -> Json:
        try:
            return self.objects[place]
        except KeyError:
            raise ApiStatusError(404, f'{place[0]} "{place[2]}" not found') from None

    # What the control plane does

    def set_status(self, place: ObjectKey, status: Json, **spec: Any) -> None:
        """A kubelet's or scheduler's write."""
        body = self.get(place)
        self._store(place, body | {"status": status, "spec": body.get("spec", {}) | spec}, "MODIFIED")

    def orphans(self) -> list[ObjectKey]:
        """Objects that the garbage collector would delete."""
        alive = {body["metadata"]["uid"] for body in self.objects.values()}
        return [
            place
            for place, body in self.objects.items()
            if "deletionTimestamp" not in body["metadata"]
            and any(ref["uid"] not in alive for ref in body["metadata"].get("ownerReferences", ()))
        ]

    # Inside

    def _grace(self, place: ObjectKey, body: Json, wanted: int | None) -> int:
        # A pod that no kubelet has, or that ended, goes at once; so does everything that is no pod.
        held = place[0] == "pods" and body.get("spec", {}).get("nodeName")
        if not held or body["status"].get("phase") in ("Succeeded", "Failed"):
            return 0
        default = int(body["spec"].get("terminationGracePeriodSeconds", 30))
        return default if wanted is None else wanted

    def _remove_if_released(self, place: ObjectKey) -> None:
        body = self.objects[place]
        meta = body["metadata"]
        if meta.get("deletionGracePeriodSeconds") == 0 and not meta.get("finalizers"):
            del self.objects[place]
            self._version += 1
            last = body | {"metadata": meta | {"resourceVersion": str(self._version)}}
            self.changes.append({"type": "DELETED", "object": last})

    def _check(self, body: Json, said: Json) -> None:
        for name in ("resourceVersion", "uid"):
            if said.get(name) not in (None, body["metadata"][name]):
                raise ApiStatusError(
                    409, f"{name} {said[name]} is not {body['metadata'][name]}: the object has been modified"
                )

    def _store(self, place: ObjectKey, body: Json, change: str) -> Json:
        self._version += 1
        stored = body | {"metadata": body["metadata"] | {"resourceVersion": str(self._version)}}
        self.objects[place] = json.loads(json.dumps(stored))
        self.changes.append({"type": change, "object": self.objects[place]})
        return self.objects[place]

    # HTTP

    async def answer(self, request: web.Request) -> web.StreamResponse:
        plural, namespace, name, sub = _parse_path(request.path)
        line = f"{request.method} {'/'.join(part for part in (plural, name, sub) if part)}"
        self.requests.append(line)
        content = await request.read()
        after = await self.request_hook(line)
        try:
            if f"{request.method} {plural}" in self.forced_errors:
                raise ApiStatusError(*self.forced_errors[f"{request.method} {plural}"])
            if sub == "log":
                return web.Response(body=self._log(("pods", namespace, name)))
            made = self._do(request, (plural, namespace, name), sub, json.loads(content or b"{}"))
        except ApiStatusError as refusal:
            return web.json_response({"kind": "Status", "message": str(refusal)}, status=refusal.status)
        finally:
            if after is not None:
                after()
        return web.json_response(made, status=201 if request.method == "POST" else 200)

    def _do(self, request: web.Request, place: ObjectKey, sub: str, body: Json) -> Json:
        match request.method:
            case "POST":
                return self.create(place[0], place[1], body)
            case "PATCH":
                return self.patch(place, body, sub)
            case "DELETE":
                uid = body.get("preconditions", {}).get("uid")
                self.delete(place, uid, body.get("gracePeriodSeconds"))
                return {"kind": "Status", "status": "Success"}
        return self.get(place) if place[2] else self._page(place, request.query)

    def _page(self, place: ObjectKey, query: Any) -> Json:
        wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
        found = [
            # The API leaves the kind out of a list's items.
            {key: value for key, value in body.items() if key != "kind"}
            for known, body in self.objects.items()
            if known[0] == place[0]
            and place[1] in ("", known[1])
            and wanted.items() <= body["metadata"].get("labels", {}).items()
        ]
        start = int(query.get("continue", 0))
        end = start + min(self.page, int(query.get("limit", self.page)))
        more = {"continue": str(end)} if end < len(found) else {}
        return {"items": found[start:end], "metadata": more}

    def _log(self, place: ObjectKey) -> bytes:
        uid = self.get(place)["metadata"]["uid"]
        if uid not in self.logs:
            raise ApiStatusError(404, f"the log of {place[2]} is gone")
        return self.logs[uid]


@asynccontextmanager
async def running_api_server() -> AsyncIterator[ApiServer]:
    """Run a server on a free loopback port until the block ends."""
    server = ApiServer()
    app = web.Application(client_max_size=16 << 20)
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with listening_server(app) as server.url:
        yield server


@asynccontextmanager
async def listening_server(app: web.Application) -> AsyncIterator[str]:
    """The address of an HTTP server that runs until the block ends."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def merge_patch(old: Json, change: Json) -> Json:
    """RFC 7386."""
    new = dict(old)
    for key, value in change.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = merge_patch(old[key] if isinstance(old.get(key), dict) else {}, value)
        else:
            new[key] = value
    return new


def _parse_path(path: str) -> tuple[str, str, str, str]:
    inside = path.partition("/v1/" if path.startswith("/api/") else "/v1alpha1/")[2].split("/")
    namespace = ""
    if inside[0] == "namespaces":
        namespace, inside = inside[1], inside[2:]
    plural, name, sub = (*inside, "", "")[:3]
    return plural, namespace, name, sub


def _timestamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
