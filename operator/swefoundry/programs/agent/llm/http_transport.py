"""HTTP transport to an endpoint: certificates, proxies, and a guard that keeps tests away from real models.

Connection failures are classified here: a certificate or a proxy that forbids the way needs a person, anything else is
retried.
"""

import ipaddress
import os
import re
import ssl
from pathlib import Path

import httpx2

from swefoundry.contracts.models import Model
from swefoundry.programs.agent.agent_exit import ModelRefused
from swefoundry.programs.agent.llm.api_errors import RETRY_STATUSES
from swefoundry.programs.agent.llm.request_errors import RealModelBlocked, RetryableError

CONNECT_SECONDS = 10.0
UNTRUSTED_ISSUER_CODES = frozenset({2, 18, 19, 20, 21})
"""X509_V_ERR_... codes for "no trusted authority signed the certificate". The others are about its names or dates."""

NO_REAL_MODELS = "SWEFOUNDRY_NO_REAL_MODELS"
"""Environment variable that tests set: only endpoints that cannot be real may be called."""


def http_client(model: Model, ca_file: str | None) -> httpx2.AsyncClient:
    """An HTTP client for the model's endpoint; it reads HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE."""
    return httpx2.AsyncClient(
        verify=_ssl_context(ca_file),
        timeout=httpx2.Timeout(model.request_seconds, connect=CONNECT_SECONDS),
        trust_env=True,
    )


def connection_error(base_url: str, error: BaseException) -> Exception:
    """The exception for a connection that failed: ModelRefused when a retry cannot help, else RetryableError."""
    causes = _cause_chain(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ModelRefused(
                f"the certificate of {base_url} is not trusted: {_certificate_problem(cause)}"
            )
    if any(isinstance(cause, httpx2.ProxyError) for cause in causes):
        return _proxy_error(f"the proxy on the way to {base_url} says: {causes[-1]}", str(causes[-1]))
    if any(isinstance(cause, httpx2.UnsupportedProtocol) for cause in causes):
        return ModelRefused(f"{base_url} cannot be asked: {causes[-1]}")
    return RetryableError(f"{base_url} was not reached: {causes[-1] or type(causes[-1]).__name__}")


def block_real_models(base_url: str) -> None:
    """Raise RealModelBlocked in tests, unless the host is this machine or a reserved name (RFC 2606)."""
    host = _host(base_url)
    if not os.environ.get(NO_REAL_MODELS):
        return
    if host == "localhost" or host.endswith((".test", ".invalid", ".localhost")):
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise RealModelBlocked(
            f"{base_url} may be a real model, and {NO_REAL_MODELS} is set: tests ask no real models"
        )


def _host(base_url: str) -> str:
    try:
        return httpx2.URL(base_url).host
    except httpx2.InvalidURL as error:
        raise ModelRefused(f"the model's baseUrl {base_url} is no URL: {error}") from error


def _ssl_context(ca_file: str | None) -> ssl.SSLContext:
    context = httpx2.create_ssl_context()
    if ca_file is None:
        return context
    try:
        context.load_verify_locations(cafile=Path(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ModelRefused(
            f"the CA bundle {ca_file} for models cannot be read: {error}; key ca.crt of the ConfigMap that the chart's "
            "value caConfigMap names must hold PEM certificates"
        ) from error
    return context


def _cause_chain(error: BaseException) -> list[BaseException]:
    """The error and its causes, outermost first."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _proxy_error(message: str, status: str) -> Exception:
    """A proxy that forbids the connection (4xx) needs a person; one that cannot reach the endpoint is retried."""
    if re.match(r"4\d\d", status) and int(status[:3]) not in RETRY_STATUSES:
        return ModelRefused(
            f"{message}; check the proxy in the chart's value agents.env, and what it lets through"
        )
    return RetryableError(message)


def _certificate_problem(error: ssl.SSLCertVerificationError) -> str:
    """The reason, and how to fix it."""
    reason = (error.verify_message or str(error)).rstrip(".")
    if error.verify_code not in UNTRUSTED_ISSUER_CODES:
        return f"{reason}; check baseUrl, and the certificate with whoever runs the endpoint"
    return (
        f"{reason}; put the certificate of the authority that signed it into key ca.crt of the ConfigMap that the "
        "chart's value caConfigMap names, in the task's namespace"
    )
