"""Parts of URLs."""

from urllib.parse import urlsplit


def host_and_port(url: str) -> str:
    """``host[:port]`` of a URL, without user and password: the key of a host's back-off."""
    return urlsplit(url).netloc.rpartition("@")[2]
