"""Client of an OCI registry: the only module with the registry's HTTP and httpx.

A blob is uploaded in one piece (POST for an address, PUT of the bytes), because every registry supports
that and the digest is known beforehand.
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self
from weakref import WeakValueDictionary

import httpx

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.wire import JsonObject
from swefoundry.errors import NotFound, PermanentError, RegistryRefused, RegistryUnavailable
from swefoundry.oci.content import MANIFEST_TYPES, Manifest, canonical_json, digest_of
from swefoundry.oci.cookieless_client import CookielessClient
from swefoundry.oci.credentials import Challenge, Login, login_for, parse_challenge
from swefoundry.oci.known_blobs import KnownBlobs
from swefoundry.oci.registry_retries import ReplyT, retry_while_busy
from swefoundry.oci.requests import (
    RETRY_SECONDS,
    TIMEOUT_SECONDS,
    RegistryRequest,
    error_from_response,
    pull_request,
    push_request,
)

MANIFEST_LIMIT_BYTES = 4 << 20
"""The smallest limit for manifests that the distribution specification allows registries."""
LIST_LIMIT_BYTES = 64 << 20
"""Registries without paging return all tags of a repository at once; enough for a million."""
LIST_PAGE = 1000
"""Some registries refuse larger pages."""
_CHUNK_BYTES = 1 << 20
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}  # digests are over the bytes as stored


class RegistryClient:
    """One registry host. Safe for concurrent tasks; connections are pooled; close it when done."""

    @classmethod
    def for_location(cls, location: RegistryLocation, ca_bundle: Path | None = None) -> Self:
        """Open the registry of a pod's spec, with the credentials that are mounted for it."""
        auth_file = Path(location.auth_file) if location.auth_file else None
        return cls(location.registry, insecure=location.insecure, auth_file=auth_file, ca_bundle=ca_bundle)

    def __init__(
        self,
        host: str,
        *,
        insecure: bool = False,
        auth_file: Path | None = None,
        ca_bundle: Path | None = None,
        retry_seconds: float = RETRY_SECONDS,
        transport: Callable[[ssl.SSLContext], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        """``transport`` replaces httpx's own."""
        self.host = host
        self._retry_seconds = retry_seconds
        self._auth_file = auth_file
        self._tokens: dict[tuple[str, str], str] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        trust = httpx.create_ssl_context()
        if ca_bundle is not None:
            trust.load_verify_locations(ca_bundle)
        self._base = _base_url(host, insecure)
        self._known_blobs = KnownBlobs()
        self._client = CookielessClient(
            verify=trust,
            transport=transport(trust) if transport is not None else None,
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=3),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
            follow_redirects=True,  # to a bucket, say; httpx drops the Authorization for other hosts
            headers=_HEADERS,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()

    def lock(self, name: str) -> asyncio.Lock:
        """Return a lock for a read-modify-write inside this process; registries have no conditional writes."""
        return self._locks.setdefault(name, asyncio.Lock())

    # Blobs

    async def has_blob(self, repo: str, digest: Digest) -> bool:
        async def attempt() -> bool:
            try:
                await self._request(pull_request(repo, f"/v2/{repo}/blobs/{digest}", method="HEAD"))
            except NotFound:
                return False
            return True

        return await self._with_retries(attempt)

    async def put_blob(self, repo: str, data: bytes, *, new: bool = False) -> Digest:
        """Store ``data`` unless the repository has it, which is not asked for ``new`` data; return its digest."""
        digest = digest_of(data)
        if (repo, digest) not in self._known_blobs:
            if new or not await self.has_blob(repo, digest):
                await self._store_blob(repo, digest, data, len(data))
            self._known_blobs.add(repo, digest)
        return digest

    async def put_blob_file(self, repo: str, path: Path) -> tuple[Digest, int]:
        """Store a file of any size unless the repository has it; return its digest and size."""
        digest, size = await asyncio.to_thread(_digest_and_size, path)
        if not await self.has_blob(repo, digest):
            await self._store_blob(repo, digest, path, size)
        return digest, size

    async def _store_blob(self, repo: str, digest: Digest, content: bytes | Path, size: int) -> None:
        async def attempt() -> None:
            opened = await self._request(
                push_request(repo, f"/v2/{repo}/blobs/uploads/", method="POST", content=b"")
            )
            location = opened.headers["Location"]
            address = location if "://" in location else str(opened.url.join(location))
            address += f"{'&' if '?' in address else '?'}digest={digest}"
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            await self._request(push_request(repo, address, method="PUT", content=content, headers=headers))

        await self._with_retries(attempt)

    async def get_blob(self, repo: str, digest: Digest, limit_bytes: int) -> bytes:
        """Return a blob of at most ``limit_bytes`` after checking its digest."""

        async def attempt() -> bytes:
            parts: list[bytes] = []
            async for part in self._blob_parts(repo, digest, limit_bytes):
                parts.append(part)
            return b"".join(parts)

        return await self._with_retries(attempt)

    async def get_blob_to(self, repo: str, digest: Digest, path: Path) -> None:
        """Write a blob of any size to ``path``; a damaged or partial one is deleted."""

        async def attempt() -> None:
            with await asyncio.to_thread(open, path, "wb") as handle:
                async for part in self._blob_parts(repo, digest, None):
                    await asyncio.to_thread(handle.write, part)

        try:
            await self._with_retries(attempt)
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise

    async def _blob_parts(self, repo: str, digest: Digest, limit: int | None) -> AsyncIterator[bytes]:
        sha256, size = hashlib.sha256(), 0
        async with self._open_response(pull_request(repo, f"/v2/{repo}/blobs/{digest}")) as response:
            async for part in response.aiter_bytes(_CHUNK_BYTES):
                size += len(part)
                if limit is not None and size > limit:
                    raise PermanentError(f"{repo}@{digest} is larger than the {limit} bytes that may be read")
                sha256.update(part)
                yield part
        if digest != "sha256:" + sha256.hexdigest():
            raise RegistryUnavailable(f"{self.host} sent damaged content for {repo}@{digest}")

    # Manifests

    async def put_manifest(
        self, repo: str, manifest: JsonObject, media_type: str, tag: str | None = None
    ) -> Digest:
        """Store a manifest (canonical JSON) under a tag, or by its digest alone; return its digest."""
        digest, _ = await self.put_manifest_bytes(repo, canonical_json(manifest), media_type, tag)
        return digest

    async def put_manifest_bytes(
        self, repo: str, body: bytes, media_type: str, tag: str | None
    ) -> tuple[Digest, bool]:
        """Store a manifest's bytes; return its digest and whether the registry maintains its subject's referrers."""
        digest = digest_of(body)
        request = push_request(
            repo,
            f"/v2/{repo}/manifests/{tag or digest}",
            method="PUT",
            content=body,
            headers={"Content-Type": media_type},
        )
        try:
            response = await self._with_retries(lambda: self._request(request))
        except (NotFound, RegistryRefused):
            self._known_blobs.forget(repo)  # perhaps a garbage collection has deleted one
            raise
        return digest, "OCI-Subject" in response.headers

    async def get_manifest(self, repo: str, reference: str) -> Manifest:
        """Return a manifest or index by tag or digest."""
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        request = pull_request(repo, f"/v2/{repo}/manifests/{reference}", headers=headers)
        response = await self._with_retries(lambda: self._request(request))
        body = response.content
        digest = digest_of(body)
        if reference.startswith("sha256:") and reference != digest:
            raise RegistryUnavailable(f"{self.host} sent damaged content for {repo}@{reference}")
        content = _json_object(body, f"{self.host}/{repo}:{reference}")
        media_type = response.headers.get("Content-Type", "").split(";")[0].strip()
        return Manifest(digest, content.get("mediaType") or media_type, content, len(body), body)

    async def has_manifest(self, repo: str, reference: str) -> bool:
        """Whether a manifest of any type exists. Registries that limit pulls do not count this request (HEAD)."""
        headers = {"Accept": ", ".join([*MANIFEST_TYPES, "*/*"])}
        request = pull_request(repo, f"/v2/{repo}/manifests/{reference}", method="HEAD", headers=headers)
        try:
            await self._with_retries(lambda: self._request(request))
        except NotFound:
            return False
        return True

    async def delete_manifest(self, repo: str, digest: Digest) -> None:
        """Delete a manifest with all its tags; no error when there is none."""
        request = RegistryRequest("DELETE", f"/v2/{repo}/manifests/{digest}", repo, "pull,delete")
        with suppress(NotFound):
            await self._with_retries(lambda: self._request(request))

    async def list_tags(self, repo: str) -> list[str]:
        """Return every tag of a repository; none when it does not exist yet."""
        pages = self._pages(repo, f"/v2/{repo}/tags/list")
        try:
            return [tag async for page in pages for tag in page.get("tags") or []]
        except NotFound:
            return []

    async def list_repositories(self) -> list[str]:
        """Return every repository that is visible; registries shared by many owners refuse."""
        pages = self._pages("", "/v2/_catalog")
        return [name async for page in pages for name in page.get("repositories") or []]

    async def _pages(self, repo: str, path: str) -> AsyncIterator[JsonObject]:
        """Yield a list page by page."""
        request: RegistryRequest | None = pull_request(repo, f"{path}?n={LIST_PAGE}")
        while request is not None:
            response = await self._with_retries(partial(self._request, request, LIST_LIMIT_BYTES))
            yield _json_object(response.content, f"{self.host}{path}")
            following = response.links.get("next", {}).get("url")
            request = pull_request(repo, str(response.url.join(following))) if following else None

    # Requests

    async def _with_retries(self, attempt: Callable[[], Awaitable[ReplyT]]) -> ReplyT:
        return await retry_while_busy(attempt, self._retry_seconds)

    async def _request(self, request: RegistryRequest, limit: int = MANIFEST_LIMIT_BYTES) -> httpx.Response:
        """Return a complete answer of at most ``limit`` bytes."""
        async with self._open_response(request) as response:
            length = 0
            parts = []
            async for part in response.aiter_bytes():
                length += len(part)
                if length > limit:
                    raise PermanentError(
                        f"{self.host} answered {request.method} {request.url} with more than {limit >> 20} MiB"
                    )
                parts.append(part)
            return httpx.Response(
                response.status_code,
                headers=response.headers,
                content=b"".join(parts),
                request=response.request,
            )

    @asynccontextmanager
    async def _open_response(self, request: RegistryRequest) -> AsyncIterator[httpx.Response]:
        """Send one authorized request; map every error of httpx and HTTP to one of ours."""
        try:
            response = await self._send_authorized(request)
            try:
                if response.is_error:
                    raise error_from_response(
                        self.host, request, response.status_code, response.headers, await response.aread()
                    )
                yield response
            finally:
                await response.aclose()
        except (httpx.RequestError, httpx.StreamError) as error:
            reason = str(error) or type(error).__name__
            raise RegistryUnavailable(
                f"the registry {self.host} did not answer: {reason}", host=self.host
            ) from error
        except httpx.InvalidURL as error:
            raise RegistryRefused(f"{self.host} is not a usable registry address: {error}") from error

    async def _send_authorized(self, request: RegistryRequest) -> httpx.Response:
        response = await self._send(request, self._tokens.get(request.scope))
        if response.status_code != 401:
            return response
        await response.aread()
        challenge = parse_challenge(response.headers.get("WWW-Authenticate", ""))
        authorization = await self._authorization(challenge, request) if challenge else None
        if authorization is None:
            return response
        self._tokens[request.scope] = authorization
        return await self._send(request, authorization)

    async def _send(self, request: RegistryRequest, authorization: str | None) -> httpx.Response:
        headers = {**_HEADERS, **request.headers}
        # Whole addresses: httpx parses one several times when it is joined.
        url = httpx.URL(request.url if "://" in request.url else f"{self._base}{request.url}")
        # An upload address may be on another host, which must not learn our token.
        if authorization and url.netloc == self._base.netloc:
            headers["Authorization"] = authorization
        # Not by httpx's build_request, which parses the address twice more.
        content = _file_parts(request.content) if isinstance(request.content, Path) else request.content
        built = httpx.Request(
            request.method,
            url,
            headers=headers,
            content=content,
        )
        return await self._client.send(built, stream=True)

    # Authorization

    async def _authorization(self, challenge: Challenge, request: RegistryRequest) -> str | None:
        login = await self._login()
        if challenge.scheme == "basic":
            return login.basic_authorization() if login else None
        token = await self._token(challenge.parameters, request, login)
        return f"Bearer {token}"

    async def _login(self) -> Login | None:
        if self._auth_file is None:
            return None
        try:
            return login_for(self.host, await asyncio.to_thread(self._auth_file.read_text))
        except (OSError, ValueError) as error:
            raise RegistryRefused(f"the registry secret {self._auth_file} cannot be read: {error}") from error

    async def _token(
        self, parameters: Mapping[str, str], request: RegistryRequest, login: Login | None
    ) -> str:
        query = {"service": parameters.get("service", "")}
        scope = parameters.get("scope") or request.token_scope()
        if scope:
            query["scope"] = scope
        realm = parameters.get("realm", "")
        if login and login.identity_token:
            form = query | {"grant_type": "refresh_token", "refresh_token": login.identity_token}
            response = await self._client.post(realm, data=form | {"client_id": "swefoundry"})
        else:
            headers = {"Authorization": login.basic_authorization()} if login else {}
            response = await self._client.get(realm, params=query, headers=headers)
        if response.is_error:
            raise error_from_response(
                self.host, request, response.status_code, response.headers, response.content
            )
        body = _json_object(response.content, realm)
        return str(body.get("token") or body.get("access_token") or "")


def _base_url(host: str, insecure: bool) -> httpx.URL:
    try:
        return httpx.URL(f"{'http' if insecure else 'https'}://{host}")
    except httpx.InvalidURL as error:
        raise RegistryRefused(f"{host} is not a usable registry address: {error}") from error


def _json_object(body: bytes, where: str) -> JsonObject:
    try:
        value: Any = json.loads(body)
    except ValueError as error:
        raise RegistryRefused(f"{where} is not JSON: is this an OCI registry?") from error
    if not isinstance(value, dict):
        raise RegistryRefused(f"{where} is not a JSON object: is this an OCI registry?")
    return value


def _digest_and_size(path: Path) -> tuple[Digest, int]:
    with path.open("rb") as handle:
        return "sha256:" + hashlib.file_digest(handle, "sha256").hexdigest(), path.stat().st_size


async def _file_parts(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(open, path, "rb") as handle:
        while part := await asyncio.to_thread(handle.read, _CHUNK_BYTES):
            yield part
