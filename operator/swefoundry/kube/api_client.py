"""Client of the Kubernetes API: objects are plain dicts, errors are those of ``swefoundry.errors``.

Typed client models are not used: they refuse fields newer than themselves and cost CPU on every object.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, closing
from typing import Any

import aiohttp
from kubernetes.aio import client, config
from pydantic_core import from_json

from swefoundry import errors, metrics
from swefoundry.api import labels
from swefoundry.environment_proxy import environment_proxy
from swefoundry.kube.rate_limit import TokenBucket
from swefoundry.kube.resources import EVENTS, PODS, ApiObject, Resource

PAGE_SIZE = 100
"""Objects per list request. A page stalls the event loop while it is parsed, and is what the process needs of memory
besides the cache: 500 TaskInstances with their statuses were 25 MiB.
"""

WARNINGS_PAGE_SIZE = 50

REQUEST_SECONDS = 30.0
"""Time limit of a request: one that takes longer has lost its connection."""

FOLLOW_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS)
"""A log that is followed has no time limit: tests may be silent for long."""

WATCH_SECONDS = 300
"""For how long the server sends events before it ends a watch, as of controllers in Go (5 to 10 minutes)."""

WATCH_TIMEOUT = aiohttp.ClientTimeout(total=WATCH_SECONDS + 10, sock_connect=REQUEST_SECONDS)
"""A watch that lasts longer has lost its connection without a word."""

NO_LIMIT = 0
"""Of connections: each namespace has three watches, which would use up the default of 100. What else is open at a time
is limited by the number of workers.
"""

VERSION_INFO = Resource("Info", "version", "")
"""Not a kind of objects, but a document of the API server."""

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class KubeClient:
    """A small asynchronous client. Every call may raise the errors of ``swefoundry.errors``."""

    def __init__(
        self,
        api: client.ApiClient,
        writes: TokenBucket | None = None,
        deletes: TokenBucket | None = None,
        before_write: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._writes = writes
        self._deletes = deletes
        self._before_write = before_write

    @classmethod
    async def connect(
        cls,
        writes: TokenBucket | None = None,
        deletes: TokenBucket | None = None,
        context: str | None = None,
        before_write: Callable[[], None] = lambda: None,
    ) -> "KubeClient":
        """Connect with the pod's service account, else with a context of the kubeconfig.

        ``before_write`` is called before each request that is not a GET, after the rate limit.
        """
        settings = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=settings)
        except config.ConfigException:
            try:
                await config.load_kube_config(client_configuration=settings, context=context)
            except config.ConfigException as exc:
                raise errors.ApiRefused(
                    f"no cluster is configured: {exc}; set KUBECONFIG or --context"
                ) from exc
        settings.proxy = settings.proxy or environment_proxy(settings.host)
        settings.client_session_kwargs = {"trust_env": False}
        settings.connection_pool_maxsize = NO_LIMIT
        return cls(client.ApiClient(configuration=settings), writes, deletes, before_write)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> ApiObject:
        """One object; ``NotFound`` when there is none."""
        return await self._json("GET", resource, resource.path(namespace, name))

    async def warnings(self, namespace: str, uid: str) -> list[ApiObject]:
        """Warning events of one object, the first page of them: events are few per object, and kept for an hour."""
        query = {"fieldSelector": f"involvedObject.uid={uid},type=Warning", "limit": str(WARNINGS_PAGE_SIZE)}
        page = await self._json("GET", EVENTS, EVENTS.path(namespace), query=query)
        items: list[ApiObject] = page.get("items", [])
        return items

    async def version(self) -> str:
        """The version of the API server, such as `v1.33.1`."""
        return str((await self._json("GET", VERSION_INFO, VERSION_INFO.path(""))).get("gitVersion", ""))

    async def list(self, resource: Resource, namespace: str, selector: str = "") -> AsyncIterator[ApiObject]:
        """All objects, page by page."""
        async for page in self.pages(resource, namespace, selector):
            for item in page["items"]:
                yield item

    async def pages(self, resource: Resource, namespace: str, selector: str = "") -> AsyncIterator[ApiObject]:
        """All objects in lists, at least one; a watch goes on from their common `metadata.resourceVersion`."""
        query = {"limit": str(PAGE_SIZE), "labelSelector": selector}
        while True:
            page = await self._json("GET", resource, resource.path(namespace), query=query)
            for item in page.setdefault("items", []):
                item.setdefault("kind", resource.kind)
            yield page
            token = page.get("metadata", {}).get("continue")
            if not token:
                return
            query["continue"] = token

    async def watch(
        self, resource: Resource, namespace: str, selector: str, version: str
    ) -> AsyncGenerator[ApiObject, None]:
        """The events after a version, with bookmarks, until the server ends the watch: `{"type": …, "object": …}`.

        ``ApiExpired`` when the server no longer has all that followed.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
            "labelSelector": selector,
        }
        async with aclosing(self._stream(resource.path(namespace), query, WATCH_TIMEOUT)) as parts:
            async for line in _lines(parts):
                yield _event(line)

    async def create(self, resource: Resource, namespace: str, body: ApiObject) -> ApiObject | None:
        """Create; ``None`` when an object of that name exists already."""
        try:
            return await self._json("POST", resource, resource.path(namespace), body=body)
        except errors.ApiConflict:
            return None

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: ApiObject, subresource: str = ""
    ) -> ApiObject:
        """Merge-patch; with ``metadata.resourceVersion`` in it, ``ApiConflict`` when it was changed meanwhile."""
        path = resource.path(namespace, name, subresource)
        return await self._json("PATCH", resource, path, body=body, content=MERGE_PATCH)

    async def remove_finalizer(
        self, resource: Resource, namespace: str, name: str, uid: str, finalizer: str
    ) -> ApiObject:
        """Remove one finalizer from an object of a built-in kind, which alone take a strategic merge patch.

        Those of others stay as they are, whoever changes them at the same time. ``ApiConflict`` when the object of this
        name has another UID. The Job controller does the same:
        https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/job/job_controller.go#L2070
        """
        body = {"metadata": {"uid": uid, "$deleteFromPrimitiveList/finalizers": [finalizer]}}
        path = resource.path(namespace, name)
        return await self._json("PATCH", resource, path, body=body, content=STRATEGIC_PATCH)

    async def apply(
        self, resource: Resource, namespace: str, name: str, body: ApiObject, dry_run: bool = False
    ) -> ApiObject:
        """Server-side apply under the field manager ``swefoundry-cli``."""
        query = {"fieldManager": labels.CLI, "force": "true", "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        path = resource.path(namespace, name)
        return await self._json("PATCH", resource, path, query=query, body=body, content=APPLY_PATCH)

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        uid: str | None = None,
        *,
        force: bool = False,
    ) -> ApiObject:
        """Delete; no error when the object is gone already or has been replaced by another of the same name.

        Return the object, when it stays until its kubelet or its finalizers are done. ``force`` does not wait for a
        pod's kubelet.
        """
        body: ApiObject = {"propagationPolicy": "Background"}
        if force:
            body["gracePeriodSeconds"] = 0
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            return await self._json("DELETE", resource, resource.path(namespace, name), body=body)
        except (errors.NotFound, errors.ApiConflict):
            return {}

    async def delete_selected(self, resource: Resource, namespace: str, selector: str) -> None:
        """Delete all objects of a namespace that the labels select, with one request."""
        if not selector:
            raise ValueError("without a selector, all objects would be deleted")
        path, query = resource.path(namespace), {"labelSelector": selector}
        await self._send("DELETE", resource, path, query=query, body={"propagationPolicy": "Background"})

    async def log(self, resource: Resource, namespace: str, pod: str, limit_bytes: int) -> bytes:
        """The log of a pod's only container, cut to ``limit_bytes``."""
        query = {"limitBytes": str(limit_bytes)}
        return await self._send("GET", resource, resource.path(namespace, pod, "log"), query=query)

    async def follow_log(self, namespace: str, pod: str) -> AsyncIterator[bytes]:
        """The log of a pod's only container, as it is written, until the container ends."""
        path = PODS.path(namespace, pod, "log")
        async with aclosing(self._stream(path, {"follow": "true"}, FOLLOW_TIMEOUT)) as parts:
            async for part in parts:
                yield part

    async def _stream(
        self, path: str, query: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> AsyncGenerator[bytes, None]:
        """The parts of a response as they come."""
        request = await self._request("GET", path, query)
        try:
            response = await self._api.call_api(*request, _request_timeout=timeout)
            with closing(response.response):
                if response.status >= 400:
                    retry_after = response.getheader("Retry-After")
                    raise error_for_status(response.status, await response.read(), retry_after)
                async for part in response.response.content.iter_any():
                    yield part
        except (TimeoutError, aiohttp.ClientError, OSError) as exc:
            raise errors.ApiUnavailable(f"the Kubernetes API did not answer: {exc!r}") from exc

    async def proxy_get(self, namespace: str, pod: str, port: int, path: str) -> ApiObject:
        """JSON that a pod serves over HTTP, through the API server."""
        return await self._json("GET", PODS, PODS.path(namespace, f"{pod}:{port}", f"proxy/{path}"))

    async def _json(self, verb: str, resource: Resource, path: str, **request: Any) -> ApiObject:
        data = await self._send(verb, resource, path, **request)
        try:
            body = from_json(data, cache_strings="keys")  # pages of long lists: 0.6 of the time of json.loads
        except ValueError as exc:
            # For example, the error page of a proxy in between.
            raise errors.ApiUnavailable(
                f"the Kubernetes API did not answer with JSON: {_error_message(data)}"
            ) from exc
        return body if isinstance(body, dict) else {}

    async def _send(
        self,
        verb: str,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: ApiObject | None = None,
        content: str = "application/json",
    ) -> bytes:
        await self._throttle(verb)
        with metrics.api_request(verb, resource.plural) as outcome:
            try:
                request = await self._request(verb, path, query or {}, body, content)
                response = await self._api.call_api(*request, _request_timeout=REQUEST_SECONDS)
                data: bytes = await response.read()
            except (TimeoutError, aiohttp.ClientError, OSError) as exc:
                raise errors.ApiUnavailable(f"the Kubernetes API did not answer: {exc!r}") from exc
            outcome.code = response.status
        if response.status >= 400:
            raise error_for_status(response.status, data, response.getheader("Retry-After"))
        return data

    async def _request(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str],
        body: ApiObject | None = None,
        content: str = "application/json",
    ) -> tuple[str, str, Any, Any, Any]:
        """Method, URL, headers, body and form of a request, as ``call_api`` takes them."""
        request: tuple[str, str, Any, Any, Any] = await self._api.param_serialize(
            verb,
            path,
            query_params=[(key, value) for key, value in query.items() if value],
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        return request

    async def _throttle(self, verb: str) -> None:
        bucket = self._deletes if verb == "DELETE" else None if verb == "GET" else self._writes
        if bucket is not None:
            metrics.API_THROTTLE.inc(await bucket.acquire())
        if verb != "GET":
            self._before_write()


async def _lines(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, of any length; what follows the last end of a line is left out."""
    begun: list[bytes] = []
    async for part in parts:
        first, *others = part.split(b"\n")
        begun.append(first)
        for line in others:
            yield b"".join(begun)
            begun = [line]


def _event(line: bytes) -> ApiObject:
    """An event of a watch. Raise the error that one of type ERROR is."""
    try:
        event: ApiObject = from_json(line, cache_strings="keys")
    except ValueError as exc:
        raise errors.ApiUnavailable(f"a watch sent what is no JSON: {_error_message(line)}") from exc
    if event["type"] == "ERROR":
        status = event["object"]
        raise error_for_status(int(status.get("code", 500)), json.dumps(status).encode(), None)
    return event


def error_for_status(status: int, data: bytes, retry_after: str | None) -> errors.SwefoundryError:
    """Our error for an HTTP status of the API."""
    message = _error_message(data)
    if status == 404:
        return errors.NotFound(message)
    if status == 409:
        return errors.ApiConflict(message)
    if status == 410:
        return errors.ApiExpired(message)
    if status == 429 or status >= 500:
        after = float(retry_after) if retry_after and retry_after.isdigit() else None
        return errors.ApiUnavailable(message, after=after)
    return errors.ApiForbidden(message) if status in (401, 403) else errors.ApiRefused(message)


def _error_message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:300].decode(errors="replace")


__all__ = ["KubeClient", "error_for_status"]
