"""URLs of submodules: what .gitmodules says, resolved against the source's URL. Pure; the file is hostile input.

Relative URLs are resolved as ``git submodule`` does. ``git://``, ``ssh://`` and ``git@host:path`` become https: intake
speaks http and https only, and the hosts that old .gitmodules name serve the same repositories there.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from swefoundry.programs.intake.intake_errors import source_mismatch
from swefoundry.programs.intake.remotes import Remote, remote
from swefoundry.text.urls import host_and_port

_ENTRY = re.compile(rb"submodule\.(?P<name>.*)\.(?P<key>path|url)\n(?P<value>.*)", re.DOTALL)
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+\.[\w-]+):(?!//)(?P<path>[^\s:]+)")
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f]")
_MAX_URL_CHARACTERS = 2048


def parse_gitmodules(listing: bytes) -> dict[bytes, str]:
    """Path -> URL, from the output of ``git config --list -z``."""
    found: dict[bytes, dict[bytes, bytes]] = {}
    for entry in listing.split(b"\0"):
        if (match := _ENTRY.fullmatch(entry)) is not None:
            found.setdefault(match["name"], {})[match["key"]] = match["value"]
    return {
        each[b"path"].rstrip(b"/"): each[b"url"].decode("utf-8", "replace")
        for each in found.values()
        if b"path" in each and b"url" in each
    }


def resolve_url(base: str, url: str) -> str:
    """The http or https URL of a submodule of the repository at ``base``."""
    if len(url) > _MAX_URL_CHARACTERS or _UNPRINTABLE.search(url):
        raise source_mismatch(f"the URL of a submodule has spaces or is too long: {url[:80]!r}")
    if url.startswith(("./", "../")):
        return _relative(base, url)
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return url
    if parts.scheme in ("git", "ssh", "git+ssh") and parts.hostname:
        return f"https://{parts.hostname}/{parts.path.lstrip('/')}"
    if not parts.scheme and (match := _SCP_LIKE.fullmatch(url)) is not None:
        return f"https://{match['host']}/{match['path'].lstrip('/')}"
    raise source_mismatch(
        f"the URL of a submodule is no http or https URL, and nothing else is fetched: {url[:80]!r}"
    )


def submodule_remote(
    base: str, url: str, token: str | None, mirrors: Mapping[str, str] | None = None
) -> Remote:
    """The remote of a submodule. The source's token goes only to repositories beside it: same host, same owner."""
    same_owner = _folder(urlsplit(base).geturl()) == _folder(url)
    address = _with_user_of(base, url) if same_owner and token else url
    found = remote(address, token if same_owner else None, mirrors)
    return replace(found, commit_field="that the submodule's commit was pushed there")


def _relative(base: str, url: str) -> str:
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    while url.startswith(("./", "../")):
        step, _, url = url.partition("/")
        if step == "..":
            if not path:
                raise source_mismatch("the URL of a submodule leads out of its host")
            path = path.rpartition("/")[0]
    return urlunsplit(parts._replace(netloc=host_and_port(base), path=f"{path}/{url}"))


def _folder(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, host_and_port(url), parts.path.rstrip("/").rpartition("/")[0]


def _with_user_of(base: str, url: str) -> str:
    user = urlsplit(base).netloc.rpartition("@")[0].partition(":")[0]
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}@{host_and_port(url)}")) if user else url
