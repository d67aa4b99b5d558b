"""In-memory Kubernetes API server over real HTTP, with the parts that the operator and the command line use.

It has: create, get, list by labels in pages, merge-patch with resource versions, the removal of finalizers by a
strategic merge patch, server-side apply, the status subresource, deletion with finalizers, grace periods and
preconditions, pod logs, and watches.
"""

import json
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from kubernetes.aio import client

from simulated.watches import stream_changes
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import (
    BUILDS,
    CONFIG_MAPS,
    CRDS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PODS,
    TASKS,
)

Json = dict[str, Any]
ObjectKey = tuple[str, str, str]
"""Plural, namespace, name."""
RequestHook = Callable[[str], Awaitable[Callable[[], None] | None]]
"""Called before each request; a function that it returns is called after the request has taken effect."""

CLUSTER_SCOPED = {resource.plural: resource.kind for resource in (NODES, NAMESPACES, CRDS)}
NAMESPACED = (TASKS, BUILDS, PODS, EVENTS, CONFIG_MAPS, NETWORK_POLICIES, LEASES)
KINDS = CLUSTER_SCOPED | {resource.plural: resource.kind for resource in NAMESPACED}
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
EPOCH = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


class ApiStatusError(Exception):
    """An answer with a status of 400 or more."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def no_hook(_: str) -> None:
    """Does nothing."""


@dataclass
class ApiServer:
    """State of the server. Tests may read it, and change it as other clients would."""

    objects: dict[ObjectKey, Json] = field(default_factory=dict)
    changes: list[Json] = field(default_factory=list)
    """Every change in order, as a watch sends it."""
    created: list[Json] = field(default_factory=list)
    """Every object as it was created."""
    requests: list[str] = field(default_factory=list)
    """`VERB plural/name/subresource` of every request."""
    logs: dict[str, bytes] = field(default_factory=dict)
    """By the UID of the pod."""
    forced_errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """`VERB plural` or `VERB plural/name` -> status and message of the answer to every such request."""
    request_hook: RequestHook = no_hook
    now: datetime = EPOCH
    page: int = 500
    kept_from: int = 0
    """Watches from an earlier version are refused as too old."""
    git_version: str = "v1.33.1"
    url: str = ""
    _version: int = 100

    def client(self) -> KubeClient:
        """The operator's client, connected to this server."""
        return KubeClient(client.ApiClient(configuration=client.Configuration(host=self.url)))

    def bodies(self, plural: str) -> list[Json]:
        """All objects of a kind, oldest first."""
        return [body for key, body in self.objects.items() if key[0] == plural]

    def one(self, plural: str) -> Json:
        """The only object of a kind."""
        (body,) = self.bodies(plural)
        return body

    def writes(self, plural: str = "") -> list[str]:
        """Requests other than reads."""
        return [
            line for line in self.requests if not line.startswith(("GET", "WATCH")) and f" {plural}" in line
        ]

    # Operations of clients

    def create(self, plural: str, namespace: str, body: Json) -> Json:
        meta = dict(body["metadata"])
        key = (plural, namespace, meta["name"])
        if key in self.objects:
            raise ApiStatusError(409, f'{plural} "{meta["name"]}" already exists')
        meta |= {"namespace": namespace, "uid": str(uuid.uuid4()), "generation": 1}
        meta["creationTimestamp"] = _timestamp(self.now)
        created = body | {"kind": KINDS[plural], "metadata": meta, "status": {}}
        if plural == "pods":
            created["status"] = {"phase": "Pending"}
        self.created.append(created)
        return self._store(key, created, "ADDED")

    def put(self, plural: str, body: Json) -> Json:
        """Store an object with the status that it has, in the namespace ``default`` unless its kind has none or it
        names another.
        """
        meta = {
            "namespace": "" if plural in CLUSTER_SCOPED else "default",
            "uid": str(uuid.uuid4()),
            "generation": 1,
        } | body["metadata"]
        key = (plural, meta["namespace"], meta["name"])
        return self._store(key, body | {"kind": KINDS[plural], "metadata": meta}, "ADDED")

    def apply(self, key: ObjectKey, body: Json) -> Json:
        """Server-side apply, as far as one field manager needs it."""
        return self.patch(key, body) if key in self.objects else self.create(key[0], key[1], body)

    def patch(self, key: ObjectKey, change: Json, subresource: str = "") -> Json:
        old = self.get(key)
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
        stored = self._store(key, new, "MODIFIED")
        self._remove_if_released(key)
        return stored

    def delete(self, key: ObjectKey, uid: str | None = None, grace: int | None = None) -> None:
        body = self.get(key)
        self._check(body, {"uid": uid} if uid else {})
        meta = dict(body["metadata"])
        seconds = self._grace(key, body, grace)
        if seconds >= meta.get("deletionGracePeriodSeconds", seconds + 1):
            return
        meta["deletionTimestamp"] = meta.get("deletionTimestamp", _timestamp(self.now))
        meta["deletionGracePeriodSeconds"] = seconds
        self._store(key, body | {"metadata": meta}, "MODIFIED")
        self._remove_if_released(key)

    def get(self, key: ObjectKey) -> Json:
        try:
            return self.objects[key]
        except KeyError:
            raise ApiStatusError(404, f'{key[0]} "{key[2]}" not found') from None

    # Operations of the control plane

    def set_status(self, key: ObjectKey, status: Json, **spec: Any) -> None:
        """Write as a kubelet or scheduler does."""
        body = self.get(key)
        self._store(key, body | {"status": status, "spec": body.get("spec", {}) | spec}, "MODIFIED")

    def orphans(self) -> list[ObjectKey]:
        """Objects that the garbage collector would delete."""
        uids = {body["metadata"]["uid"] for body in self.objects.values()}
        return [
            key
            for key, body in self.objects.items()
            if "deletionTimestamp" not in body["metadata"]
            and any(ref["uid"] not in uids for ref in body["metadata"].get("ownerReferences", ()))
        ]

    # Internals

    def _grace(self, key: ObjectKey, body: Json, requested: int | None) -> int:
        # A pod without a node, or that has ended, is deleted at once, and so is every other object.
        held = key[0] == "pods" and body.get("spec", {}).get("nodeName")
        if not held or body["status"].get("phase") in ("Succeeded", "Failed"):
            return 0
        default = int(body["spec"].get("terminationGracePeriodSeconds", 30))
        return default if requested is None else requested

    def _remove_if_released(self, key: ObjectKey) -> None:
        body = self.objects[key]
        meta = body["metadata"]
        if meta.get("deletionGracePeriodSeconds") == 0 and not meta.get("finalizers"):
            del self.objects[key]
            self._version += 1
            last = body | {"metadata": meta | {"resourceVersion": str(self._version)}}
            self.changes.append({"type": "DELETED", "object": last})

    def _check(self, body: Json, precondition: Json) -> None:
        for name in ("resourceVersion", "uid"):
            if precondition.get(name) not in (None, body["metadata"][name]):
                raise ApiStatusError(
                    409,
                    f"{name} {precondition[name]} is not {body['metadata'][name]}: the object has been modified",
                )

    def _store(self, key: ObjectKey, body: Json, change: str) -> Json:
        self._version += 1
        stored = body | {"metadata": body["metadata"] | {"resourceVersion": str(self._version)}}
        self.objects[key] = json.loads(json.dumps(stored))
        self.changes.append({"type": change, "object": self.objects[key]})
        return self.objects[key]

    # HTTP

    async def answer(self, request: web.Request) -> web.StreamResponse:
        plural, namespace, name, sub = _parse_path(request.path)
        verb = "WATCH" if "watch" in request.query else request.method
        line = f"{verb} {'/'.join(part for part in (plural, name, sub) if part)}"
        self.requests.append(line)
        content = await request.read()
        after = await self.request_hook(line)
        try:
            for pattern in (line, f"{verb} {plural}"):
                if pattern in self.forced_errors:
                    raise ApiStatusError(*self.forced_errors[pattern])
            if request.path == "/version":
                return web.json_response({"gitVersion": self.git_version})
            if verb == "WATCH":
                return await self._watch(request, plural, namespace)
            if sub == "log":
                return web.Response(body=self._log(("pods", namespace, name)))
            answer = self._do(request, (plural, namespace, name), sub, json.loads(content or b"{}"))
        except ApiStatusError as refusal:
            return web.json_response({"kind": "Status", "message": str(refusal)}, status=refusal.status)
        finally:
            if after is not None:
                after()
        return web.json_response(answer, status=201 if request.method == "POST" else 200)

    def _do(self, request: web.Request, key: ObjectKey, sub: str, body: Json) -> Json:
        match request.method:
            case "POST":
                return self.create(key[0], key[1], body)
            case "PATCH" if request.content_type == APPLY_PATCH:
                return self.apply(key, body)
            case "PATCH" if request.content_type == STRATEGIC_PATCH:
                return self.patch(key, {"metadata": without_finalizers(self.get(key), body["metadata"])})
            case "PATCH":
                return self.patch(key, body, sub)
            case "DELETE" if not key[2]:
                return self._delete_selected(key, request.query["labelSelector"])
            case "DELETE":
                uid = body.get("preconditions", {}).get("uid")
                self.delete(key, uid, body.get("gracePeriodSeconds"))
                return self.objects.get(key, {"kind": "Status", "status": "Success"})
        return self.get(key) if key[2] else self._page(key, request.query)

    def _delete_selected(self, key: ObjectKey, selector: str) -> Json:
        selected = [
            (each, body)
            for each, body in self.objects.items()
            if each[:2] == key[:2] and selects(selector, body["metadata"].get("labels", {}))
        ]
        for each, _ in selected:
            self.delete(each)
        return {"kind": "List", "items": [body for _, body in selected]}

    def _page(self, key: ObjectKey, query: Any) -> Json:
        selector = query.get("labelSelector", "")
        items = [
            # The API omits the kind of a list's items.
            {name: value for name, value in body.items() if name != "kind"}
            for (plural, namespace, _), body in self.objects.items()
            if plural == key[0]
            and key[1] in ("", namespace)
            and selects(selector, body["metadata"].get("labels", {}))
            and all(_field(body, path) == value for path, value in _pairs(query.get("fieldSelector", "")))
        ]
        start = int(query.get("continue", 0))
        end = start + min(self.page, int(query.get("limit", self.page)))
        more = {"continue": str(end)} if end < len(items) else {}
        return {"items": items[start:end], "metadata": more | {"resourceVersion": str(self._version)}}

    async def _watch(self, request: web.Request, plural: str, namespace: str) -> web.StreamResponse:
        selector = request.query.get("labelSelector", "")

        def selected(body: Json) -> bool:
            meta = body["metadata"]
            of_kind = (body["kind"], meta["namespace"]) == (KINDS[plural], namespace)
            return of_kind and selects(selector, meta.get("labels", {}))

        return await stream_changes(request, self.changes, self.kept_from, selected)

    def _log(self, key: ObjectKey) -> bytes:
        uid = self.get(key)["metadata"]["uid"]
        if uid not in self.logs:
            raise ApiStatusError(404, f"the log of {key[2]} is gone")
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
    """Address of an HTTP server that runs until the block ends."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def without_finalizers(old: Json, change: Json) -> Json:
    """A merge patch of metadata that does what a strategic one does which removes finalizers."""
    removed = change.pop("$deleteFromPrimitiveList/finalizers")
    kept = [each for each in old["metadata"].get("finalizers", []) if each not in removed]
    return change | {"finalizers": kept or None}


def merge_patch(old: Json, change: Json) -> Json:
    """JSON merge patch (RFC 7386)."""
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
    inside = re.sub(r"^(/apis?/([^/]+/)?v[^/]+)?/", "", path).split("/")
    namespace = ""
    if inside[0] == "namespaces" and len(inside) > 2:
        namespace, inside = inside[1], inside[2:]
    plural, name, sub = (*inside, "", "")[:3]
    return plural, namespace, name, sub


def _pairs(selector: str) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in selector.split(",") if pair)
    return [(name, value) for name, _, value in pairs]


def selects(selector: str, labels: Json) -> bool:
    """Whether the labels have every pair of the selector, one of the values of a set (with `notin`: none of them, which
    is also true without the label), and every key without a value.
    """
    sets = re.findall(r"([^,\s]+) (in|notin) \(([^)]*)\)", selector)
    parts = [part for part in re.sub(r"[^,\s]+ (in|notin) \([^)]*\)", "", selector).split(",") if part]
    return all(
        (labels.get(name) in values.split(",")) is (operator == "in") for name, operator, values in sets
    ) and all(
        labels.get(name) == value if equals else name in labels
        for name, equals, value in (part.partition("=") for part in parts)
    )


def _field(body: Json, path: str) -> object:
    value: object = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _timestamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
