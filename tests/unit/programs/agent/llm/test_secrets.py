"""The API key goes only to the endpoint; certificates and proxies are the configured ones."""

import asyncio
import base64
import datetime
import ipaddress
import ssl
import traceback
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import ModelRefused, ModelUnavailable
from swefoundry.programs.agent.redaction import REDACTED, Redactor
from unit.oci import registry_server
from unit.programs.agent.llm.model_answers import (
    Answer,
    calling,
    raw,
    refusing,
    serving,
    text_answer,
    text_of,
)
from unit.programs.agent.llm.model_clients import (
    GREP,
    KEY,
    RecordingHooks,
    a_model,
    a_model_client,
    a_request,
)


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    return str(path)


async def test_the_key_is_sent_as_a_bearer_token(
    registry: RegistryClient, conversation: str, key_file: str
) -> None:
    async with (
        serving(text_answer("Hello.")) as server,
        a_model_client(
            registry, a_model(server.base_url), conversation=conversation, key_file=key_file
        ) as client,
    ):
        await client.ask(a_request())
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_the_key_is_neither_stored_nor_printed(
    registry: RegistryClient, conversation: str, key_file: str, shared_registry: registry_server.Server
) -> None:
    hooks = RecordingHooks()
    leaks: list[Answer] = [
        refusing(503, f"proxy said: Authorization: Bearer {KEY}"),
        text_answer(f"Your key is {KEY}, in base64 {base64.b64encode(KEY.encode()).decode()}."),
        calling("grep", f'{{"pattern": "{KEY}"}}'),
    ]
    async with (
        serving(*leaks) as models,
        a_model_client(
            registry, a_model(models.base_url), hooks=hooks, conversation=conversation, key_file=key_file
        ) as client,
    ):
        first = await client.ask(a_request(f"Is {KEY} my key?"))
        second = await client.ask(a_request("Search.", tools=(GREP,)))
    assert first.message.text == f"Your key is {REDACTED}, in base64 {REDACTED}."
    assert second.message.calls[0].arguments == f'{{"pattern": "{REDACTED}"}}'
    assert KEY not in text_of(models.bodies[0])
    assert hooks.lines and not any(KEY in line for line in hooks.lines)
    assert client.redact(f"x{KEY}y") == f"x{REDACTED}y"
    stored = [path.read_bytes() for path in shared_registry.data.rglob("data") if path.is_file()]
    assert stored and not any(KEY.encode() in content for content in stored)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refusing(401, f"Incorrect API key provided: {KEY}"), id="401"),
        pytest.param(refusing(400, f"bad header {KEY}"), id="400"),
        pytest.param(raw(f"<p>{KEY}</p>", "text/html"), id="a page"),
        pytest.param(refusing(503, f"{KEY} is over its limit"), id="503"),
        pytest.param(refusing(400, f"context_length_exceeded by {KEY}"), id="too long"),
    ],
)
async def test_no_error_contains_the_key(
    registry: RegistryClient, conversation: str, key_file: str, fault: Answer
) -> None:
    hooks = RecordingHooks()
    async with (
        serving(fault) as server,
        a_model_client(
            registry, a_model(server.base_url), hooks=hooks, conversation=conversation, key_file=key_file
        ) as client,
    ):
        with pytest.raises(Exception, match="redacted") as caught:
            await client.ask(a_request())
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert not any(KEY in line for line in hooks.lines)


def test_what_looks_like_a_key_is_redacted_too() -> None:
    redact = Redactor(["x", ""])
    assert redact("sk-proj-AbCdEfGhIjKlMnOpQrStUv and box") == f"{REDACTED} and box"
    assert redact("Incorrect API key: sk-ab****wxyz.") == f"Incorrect API key: {REDACTED}."
    assert redact("Bearer abcdefghijklmnopqrst") == f"Bearer {REDACTED}"
    assert redact("http://user:pass@proxy:3128/") == f"http://{REDACTED}@proxy:3128/"
    assert redact("pip install disk-space task-queue==1.0") == "pip install disk-space task-queue==1.0"


@pytest.mark.parametrize("content", ["", "two words", "schlüssel"])
async def test_a_file_without_a_key_is_refused(
    registry: RegistryClient, conversation: str, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "key"
    path.write_text(content, "utf-8")
    model = a_model("http://127.0.0.1:9/v1")
    with pytest.raises(ModelRefused, match=r"holds no key.*check the Secret"):
        async with a_model_client(registry, model, conversation=conversation, key_file=str(path)):
            pass


async def test_a_missing_key_file_is_refused(
    registry: RegistryClient, conversation: str, tmp_path: Path
) -> None:
    model = a_model("http://127.0.0.1:9/v1")
    with pytest.raises(ModelRefused, match=r"cannot be read.*check the Secret"):
        async with a_model_client(
            registry, model, conversation=conversation, key_file=str(tmp_path / "none")
        ):
            pass


# Certificates and proxies


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A self-signed certificate of this machine, as a server's context and as a bundle to trust."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "model gateway")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    bundle = folder / "ca.crt"
    bundle.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = folder / "tls.key"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(bundle, private)
    return context, str(bundle)


async def test_a_private_authority_is_trusted_with_a_bundle(
    registry: RegistryClient, conversation: str, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, bundle = certificate
    async with (
        serving(text_answer("Hello.")) as plain,
        serving(text_answer("Safe."), tls=context) as server,
        a_model_client(
            registry,
            a_model(server.base_url),
            a_model(plain.base_url),
            conversation=conversation,
            ca_file=bundle,
        ) as client,
    ):
        assert (await client.ask(a_request())).message.text == "Safe."


async def test_an_unknown_authority_stops_at_once(
    registry: RegistryClient, conversation: str, certificate: tuple[ssl.SSLContext, str]
) -> None:
    hooks = RecordingHooks()
    async with (
        serving(text_answer("Hello."), tls=certificate[0]) as server,
        a_model_client(registry, a_model(server.base_url), hooks=hooks, conversation=conversation) as client,
    ):
        with pytest.raises(ModelRefused, match=r"certificate of https://.* is not trusted.*caConfigMap"):
            await client.ask(a_request())
    assert (len(server.bodies), hooks.pauses) == (0, [])


async def test_a_certificate_for_another_name_needs_no_other_bundle(
    registry: RegistryClient, conversation: str, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, bundle = certificate
    async with serving(text_answer("Hello."), tls=context) as server:
        model = a_model(server.base_url.replace("127.0.0.1", "localhost"))
        async with a_model_client(registry, model, conversation=conversation, ca_file=bundle) as client:
            with pytest.raises(ModelRefused, match="not valid for 'localhost'; check baseUrl") as caught:
                await client.ask(a_request())
    assert "caConfigMap" not in str(caught.value)


async def test_a_bundle_without_certificates_is_rejected(
    registry: RegistryClient, conversation: str, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("nothing")
    model = a_model("https://127.0.0.1:9/v1")
    async with a_model_client(registry, model, conversation=conversation, ca_file=str(bundle)) as client:
        with pytest.raises(ModelRefused, match=r"CA bundle .* cannot be read"):
            await client.ask(a_request())


def use_proxy(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HTTP_PROXY": url, "HTTPS_PROXY": url, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)


async def test_proxies_from_the_environment_are_used(
    registry: RegistryClient, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(text_answer("By proxy.")) as proxy:
        use_proxy(monkeypatch, proxy.root)
        model = a_model("http://gateway.test/v1")
        async with a_model_client(registry, model, conversation=conversation) as client:
            assert (await client.ask(a_request())).message.text == "By proxy."
    assert [str(each.url) for each in proxy.requests] == ["http://gateway.test/v1/chat/completions"]


@pytest.mark.parametrize(
    ("answer", "exit_type", "expected"),
    [
        (
            "407 Proxy Authentication Required",
            ModelRefused,
            r"says: 407 Proxy Auth.*; check the proxy in .*agents.env",
        ),
        ("502 Bad Gateway", ModelUnavailable, "says: 502 Bad Gateway; retried"),
    ],
)
async def test_a_proxy_that_forbids_the_connection_is_not_retried(
    registry: RegistryClient,
    conversation: str,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    exit_type: type,
    expected: str,
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as proxy:
        use_proxy(monkeypatch, f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        model = a_model("https://gateway.test/v1")
        async with a_model_client(registry, model, conversation=conversation) as client:
            with pytest.raises(
                exit_type, match=f"the proxy on the way to https://gateway.test/v1 {expected}"
            ):
                await client.ask(a_request())
