"""The proxy that environment variables name for a host.

aiohttp's own ``trust_env`` looks it up anew for each request, in a thread, and .netrc in another one: a tenth of the
operator's CPU time.
"""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def environment_proxy(url: str) -> str | None:
    """URL of the proxy for ``url`` (HTTPS_PROXY, HTTP_PROXY), unless NO_PROXY has its host."""
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)
