"""Parse credentials of a dockerconfigjson and authentication challenges of a registry; pure.

A registry answers an anonymous request with ``WWW-Authenticate``: ``Basic``, or ``Bearer`` with the address
of a token service. https://distribution.github.io/distribution/spec/auth/token/
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_DOCKER_HUB = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
_PARAMETER = re.compile(r'([a-zA-Z_]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True)
class Login:
    """A user and password, or an identity token to exchange for access tokens."""

    user: str
    password: str
    identity_token: str | None = None

    def basic_authorization(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Challenge:
    """An authentication challenge; ``scheme`` is lower case."""

    scheme: str
    parameters: Mapping[str, str]


def login_for(host: str, docker_config: str) -> Login | None:
    """Return the login for ``host`` in the text of a dockerconfigjson, if it has one."""
    auths = json.loads(docker_config).get("auths") or {}
    spellings = _DOCKER_HUB if host in _DOCKER_HUB else (host,)
    for key, entry in auths.items():
        if key in spellings or _bare_host(key) in spellings:
            return _login(entry)
    return None


def _bare_host(key: str) -> str:
    """Return the host of the old spellings ``https://host/v1/`` and ``host/path``."""
    return re.sub(r"^https?://", "", key).split("/", 1)[0]


def _login(entry: Mapping[str, str]) -> Login:
    user, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth"):
        user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    return Login(user, password, entry.get("identitytoken") or None)


def parse_challenge(header: str) -> Challenge | None:
    """Parse ``Bearer realm="…",service="…",scope="…"``; None for an unknown scheme."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() not in ("basic", "bearer"):
        return None
    found = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)}
    return Challenge(scheme.lower(), found)
