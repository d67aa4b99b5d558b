"""Ask an index why pip found nothing there: pip prints the same for a missing distribution and an index that fails.

pip gives "No matching distribution found" alike for 404, 429 and 503 (it tells them apart in its debug log alone), so
the page that it asked for is asked for once more, while the fault lasts.
"""

import asyncio
import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

ANSWER_SECONDS = 15.0
"""pip's own time limit."""

_MISSING = re.compile(r"No matching distribution found for ([A-Za-z0-9][\w.-]*)")
_INDEXES = re.compile(r"^\s*Looking in indexes: (.*)")
_HIDDEN_PASSWORD = ":****@"


def missing_distribution(lines: Sequence[str]) -> str | None:
    """Return the distribution of which pip found no release, by the step's last lines."""
    found = [item for item in map(_MISSING.search, lines) if item is not None]
    return canonicalize_name(found[-1][1]) if found else None


def asked_pages(lines: Sequence[str], settings: Mapping[str, str]) -> list[str]:
    """Return the index pages on which pip found no release of the distribution that it calls missing.

    pip names its indexes unless it asks its default one alone. It hides passwords: then the settings have the address.
    """
    name = missing_distribution(lines)
    named = [item for item in map(_INDEXES.match, lines) if item is not None]
    if name is None or not named:
        return []
    indexes = named[-1][1].split(", ")
    if any(_HIDDEN_PASSWORD in index for index in indexes):
        configured = [settings.get("PIP_INDEX_URL", ""), *settings.get("PIP_EXTRA_INDEX_URL", "").split()]
        indexes = [*(index for index in indexes if _HIDDEN_PASSWORD not in index), *filter(None, configured)]
    return [f"{index.rstrip('/')}/{name}/" for index in dict.fromkeys(indexes)]


async def failing_pages(pages: Sequence[str], settings: Mapping[str, str], certificates: Path) -> list[str]:
    """Ask for the pages with the steps' proxies and certificates; return the addresses that gave no page, and why."""
    answers = await asyncio.gather(
        *(asyncio.to_thread(_answer, page, settings, certificates) for page in pages)
    )
    return [
        f"{_without_password(page)}: {answer}" for page, answer in zip(pages, answers, strict=True) if answer
    ]


def _answer(page: str, settings: Mapping[str, str], certificates: Path) -> str:
    """Return the status or the error; empty where the page is there."""
    try:
        with _opener(page, settings, certificates).open(page, timeout=ANSWER_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error)


def _opener(page: str, settings: Mapping[str, str], certificates: Path) -> urllib.request.OpenerDirector:
    proxies = {kind: settings[f"{kind}_proxy"] for kind in ("http", "https") if f"{kind}_proxy" in settings}
    if _needs_no_proxy(urlsplit(page).hostname or "", settings.get("no_proxy", "")):
        proxies = {}
    context = ssl.create_default_context(cafile=str(certificates) if certificates.exists() else None)
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)
    )


def _needs_no_proxy(host: str, no_proxy: str) -> bool:
    names = [name.strip().lstrip(".") for name in no_proxy.split(",")]
    return any(name == "*" or f".{host}".endswith(f".{name}") for name in names if name)


def _without_password(page: str) -> str:
    return re.sub(r"//[^/@]*@", "//", page)
