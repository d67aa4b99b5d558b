"""The registry client, against a real registry and, for responses that it never gives, a scripted one."""

import asyncio
import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

import loopback
from loopback import Request, Response
from swefoundry.errors import NotFound, PermanentError, RegistryRefused, RegistryUnavailable
from swefoundry.oci.content import OCI_INDEX, OCI_MANIFEST, canonical_json, descriptor, digest_of
from swefoundry.oci.registry_client import RegistryClient
from unit.oci import registry_server

ABSENT = "sha256:" + "0" * 64


async def test_a_blob_comes_back_as_it_was_stored(registry: RegistryClient) -> None:
    data = bytes(range(256)) * 4096
    digest = await registry.put_blob("store/blobs", data)
    assert digest == digest_of(data)
    assert await registry.has_blob("store/blobs", digest)
    assert await registry.get_blob("store/blobs", digest, len(data)) == data


async def test_storing_the_same_blob_again_changes_nothing(registry: RegistryClient) -> None:
    first = await registry.put_blob("store/again", b"same")
    assert await registry.put_blob("store/again", b"same") == first


async def test_an_empty_blob_can_be_stored(registry: RegistryClient) -> None:
    digest = await registry.put_blob("store/empty", b"")
    assert await registry.get_blob("store/empty", digest, 0) == b""


async def test_a_large_file_is_streamed_both_ways(registry: RegistryClient, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789abcdef" * (1 << 20))
    digest, size = await registry.put_blob_file("store/files", source)
    await registry.get_blob_to("store/files", digest, target)
    assert size == source.stat().st_size
    assert target.read_bytes() == source.read_bytes()


async def test_a_blob_over_the_limit_is_not_read(registry: RegistryClient) -> None:
    digest = await registry.put_blob("store/limit", b"x" * 100)
    with pytest.raises(PermanentError, match="larger than the 99 bytes"):
        await registry.get_blob("store/limit", digest, 99)


async def test_content_that_is_not_there_is_not_found(registry: RegistryClient, tmp_path: Path) -> None:
    await registry.put_blob("store/known", b"x")
    assert not await registry.has_blob("store/known", ABSENT)
    with pytest.raises(NotFound):
        await registry.get_blob("store/known", ABSENT, 10)
    with pytest.raises(NotFound):
        await registry.get_manifest("store/unknown", "latest")
    with pytest.raises(NotFound):
        await registry.get_blob_to("store/known", ABSENT, tmp_path / "never")
    assert not (tmp_path / "never").exists()


async def test_a_damaged_blob_is_noticed(shared_registry: registry_server.Server, tmp_path: Path) -> None:
    async with RegistryClient(shared_registry.host, insecure=True, retry_seconds=0) as registry:
        digest = await registry.put_blob("store/damaged", b"as it was")
        stored = shared_registry.data / "docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data"
        stored.write_bytes(b"as it is!")
        with pytest.raises(RegistryUnavailable, match="damaged"):
            await registry.get_blob("store/damaged", digest, 100)
        with pytest.raises(RegistryUnavailable, match="damaged"):
            await registry.get_blob_to("store/damaged", digest, tmp_path / "damaged")
    assert not (tmp_path / "damaged").exists()


async def test_a_manifest_is_found_by_tag_and_by_digest(registry: RegistryClient) -> None:
    config = await registry.put_blob("store/manifests", b"{}")
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config, 2),
        "layers": [],
    }
    digest = await registry.put_manifest("store/manifests", manifest, OCI_MANIFEST, "a-tag")
    untagged = {**manifest, "annotations": {"a": "b"}}
    other = await registry.put_manifest("store/manifests", untagged, OCI_MANIFEST)
    by_tag = await registry.get_manifest("store/manifests", "a-tag")
    assert by_tag == await registry.get_manifest("store/manifests", digest)
    assert (by_tag.media_type, by_tag.content, by_tag.size) == (
        OCI_MANIFEST,
        manifest,
        len(canonical_json(manifest)),
    )
    assert (await registry.get_manifest("store/manifests", other)).content == untagged


async def test_a_manifest_whose_blobs_are_missing_fails_with_the_registrys_message(
    registry: RegistryClient,
) -> None:
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", ABSENT, 2),
        "layers": [],
    }
    with pytest.raises(PermanentError, match="MANIFEST"):
        await registry.put_manifest("store/refused", manifest, OCI_MANIFEST, "x")


async def test_many_tasks_may_share_one_registry(registry: RegistryClient) -> None:
    blobs = [f"blob {n % 20}".encode() * 1000 for n in range(100)]
    digests = await asyncio.gather(*(registry.put_blob("store/parallel", blob) for blob in blobs))
    assert digests == [digest_of(blob) for blob in blobs]
    assert (
        await asyncio.gather(*(registry.get_blob("store/parallel", digest, 1 << 20) for digest in digests))
        == blobs
    )


async def test_a_registry_that_is_down_is_unavailable_after_a_bounded_time() -> None:
    host = f"127.0.0.1:{registry_server.refusing_port()}"
    async with RegistryClient(host, insecure=True, retry_seconds=0.5) as down:
        with pytest.raises(RegistryUnavailable, match=host):
            await down.list_tags("store/down")


def test_an_invalid_address_is_rejected() -> None:
    with pytest.raises(RegistryRefused, match="not a usable registry address"):
        RegistryClient("host:port")


def test_every_error_of_the_vendor_is_one_of_those_that_are_mapped() -> None:
    mapped = (httpx.RequestError, httpx.StreamError, httpx.InvalidURL)
    never_raised = {
        "HTTPError",  # the base
        "HTTPStatusError",  # raise_for_status is not called
        "CookieConflict",  # no cookies are read
    }
    errors = {
        name: error
        for name, error in vars(httpx).items()
        if isinstance(error, type) and issubclass(error, Exception) and name not in never_raised
    }
    assert [name for name, error in errors.items() if not issubclass(error, mapped)] == []


# Logins


def docker_config(folder: Path, host: str, user: str = "lab", password: str = "secret") -> Path:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    path = folder / "config.json"
    path.write_text(json.dumps({"auths": {f"https://{host}/v1/": {"auth": encoded}}}))
    return path


@pytest.fixture(scope="session")
def private_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry_server.Server]:
    """A registry that asks for user lab, password secret."""
    folder = tmp_path_factory.mktemp("private_server")
    crypt = pytest.importorskip("crypt")
    users = folder / "htpasswd"
    users.write_text("lab:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH)) + "\n")
    with registry_server.serving(folder, users) as running:
        yield running


async def test_a_login_from_the_registry_secret_opens_a_locked_registry(
    private_server: registry_server.Server, tmp_path: Path
) -> None:
    secret = docker_config(tmp_path, private_server.host)
    async with RegistryClient(private_server.host, insecure=True, auth_file=secret) as registry:
        source = tmp_path / "source"
        source.write_bytes(b"content")
        digest, _ = await registry.put_blob_file("store/locked", source)
        assert await registry.get_blob("store/locked", digest, 10) == b"content"


@pytest.mark.parametrize("password", [None, "wrong"])
async def test_a_refused_login_says_what_to_do(
    private_server: registry_server.Server, tmp_path: Path, password: str | None
) -> None:
    secret = docker_config(tmp_path, private_server.host, password=password) if password else None
    async with RegistryClient(private_server.host, insecure=True, auth_file=secret) as registry:
        with pytest.raises(RegistryRefused, match="check that the registry secret"):
            await registry.put_blob("store/locked", b"content")


async def test_an_unreadable_secret_is_named(private_server: registry_server.Server, tmp_path: Path) -> None:
    broken = tmp_path / "config.json"
    broken.write_text("not json")
    async with RegistryClient(private_server.host, insecure=True, auth_file=broken) as registry:
        with pytest.raises(RegistryRefused, match=r"config\.json cannot be read"):
            await registry.list_tags("store/locked")


# Answers that Debian's registry never gives, from a scripted one


class Scripted:
    """A registry that requires tokens and is busy for a given number of requests."""

    def __init__(self) -> None:
        self.busy = 0
        self.requests: list[tuple[str, str]] = []
        self.tokens: dict[str, str] = {}
        self.scopes: list[str] = []

    def answer(self, request: Request) -> Response:
        parts = urlsplit(request.target)
        authorization = request.headers.get("Authorization", "")
        self.requests.append((request.method, parts.path))
        if parts.path == "/token":
            return self.token(authorization, parse_qs(parts.query))
        if parts.path == "/v2/paged/tags/list":
            return self.page(parse_qs(parts.query).get("last", ["0"])[0])
        if self.busy:
            self.busy -= 1
            return Response(503, headers={"Retry-After": "7"})
        if authorization not in (f"Bearer {token}" for token in self.tokens.values()):
            repo = parts.path.removeprefix("/v2/").rpartition("/blobs/")[0]
            scope = f'scope="repository:{repo}:pull"'
            realm = f'Bearer realm="http://{request.headers["Host"]}/token",service="scripted",{scope}'
            return Response(401, headers={"WWW-Authenticate": realm})
        return Response(200, b"hello")

    def page(self, last: str) -> Response:
        tags = [str(number) for number in range(1, 8)][int(last) :][:3]
        more = {"Link": f'</v2/paged/tags/list?n=3&last={tags[-1]}>; rel="next"'} if tags[-1] != "7" else {}
        return Response(200, json.dumps({"name": "paged", "tags": tags}).encode(), more)

    def token(self, authorization: str, query: dict[str, list[str]]) -> Response:
        if authorization != "Basic " + base64.b64encode(b"lab:secret").decode():
            return Response(401)
        scope = query["scope"][0]
        self.scopes.append(scope)
        self.tokens[scope] = f"token-{len(self.scopes)}"
        return Response(200, json.dumps({"token": self.tokens[scope]}).encode())


@pytest.fixture
def scripted() -> Iterator[tuple[str, Scripted]]:
    script = Scripted()
    with loopback.serving(script.answer) as host:
        yield host, script


HELLO = digest_of(b"hello")


async def test_a_bearer_token_is_fetched_once_and_renewed_when_it_has_run_out(
    scripted: tuple[str, Scripted], tmp_path: Path
) -> None:
    host, script = scripted
    secret = docker_config(tmp_path, host)
    async with RegistryClient(host, insecure=True, auth_file=secret) as registry:
        for _ in range(3):
            assert await registry.get_blob("a/b", HELLO, 10) == b"hello"
        assert script.scopes == ["repository:a/b:pull"]
        script.tokens = {}
        assert await registry.get_blob("a/b", HELLO, 10) == b"hello"
    assert script.scopes == ["repository:a/b:pull"] * 2


async def test_a_token_service_that_denies_access_is_a_refusal(scripted: tuple[str, Scripted]) -> None:
    host, _ = scripted
    async with RegistryClient(host, insecure=True) as registry:
        with pytest.raises(RegistryRefused, match="registry secret"):
            await registry.get_blob("a/b", HELLO, 10)


async def test_tags_are_listed_page_by_page(scripted: tuple[str, Scripted]) -> None:
    host, script = scripted
    async with RegistryClient(host, insecure=True) as registry:
        assert await registry.list_tags("paged") == ["1", "2", "3", "4", "5", "6", "7"]
    assert len(script.requests) == 3


async def test_a_request_to_a_busy_registry_is_retried(
    scripted: tuple[str, Scripted], tmp_path: Path
) -> None:
    host, script = scripted
    script.busy = 2
    async with RegistryClient(host, insecure=True, auth_file=docker_config(tmp_path, host)) as registry:
        assert await registry.get_blob("a/b", HELLO, 10) == b"hello"


async def test_a_registry_that_stays_busy_says_when_to_come_back(scripted: tuple[str, Scripted]) -> None:
    host, script = scripted
    script.busy = 1000
    async with RegistryClient(host, insecure=True, retry_seconds=0) as registry:
        with pytest.raises(RegistryUnavailable) as caught:
            await registry.get_blob("a/b", HELLO, 10)
    assert caught.value.after == 7


async def test_an_index_is_distinguished_from_a_manifest(registry: RegistryClient) -> None:
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    digest = await registry.put_manifest("store/index", index, OCI_INDEX, "index")
    assert (await registry.get_manifest("store/index", digest)).media_type == OCI_INDEX


async def test_a_registry_that_comes_up_late_is_waited_for(tmp_path: Path) -> None:
    if registry_server.program() is None:
        pytest.skip(registry_server.MISSING)
    port = registry_server.free_port()
    with contextlib.ExitStack() as stack:
        async with RegistryClient(f"127.0.0.1:{port}", insecure=True, retry_seconds=60) as registry:
            upload = asyncio.create_task(registry.put_blob("store/late", b"content"))
            await asyncio.sleep(0.3)
            server = registry_server.serving(tmp_path, port=port)
            await asyncio.to_thread(stack.enter_context, server)
            assert await upload == digest_of(b"content")


async def test_every_tag_is_listed_and_a_repository_that_is_not_there_has_none(
    registry: RegistryClient,
) -> None:
    blob = await registry.put_blob("store/tags", b"{}")
    for name in ("one", "two", "env-3"):
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor("application/json", blob, 2),
            "layers": [],
        }
        await registry.put_manifest("store/tags", manifest, OCI_MANIFEST, name)
    assert sorted(await registry.list_tags("store/tags")) == ["env-3", "one", "two"]
    assert await registry.list_tags("store/never") == []


async def test_the_same_content_pushed_by_many_at_the_same_moment_is_there(registry: RegistryClient) -> None:
    blob = await registry.put_blob("store/race", b"{}")
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/json", blob, 2),
        "layers": [],
        "annotations": {"long": "x" * 100_000},
    }
    pushes = (registry.put_manifest("store/race", manifest, OCI_MANIFEST, f"tag-{n}") for n in range(30))
    assert len(set(await asyncio.gather(*pushes))) == 1
