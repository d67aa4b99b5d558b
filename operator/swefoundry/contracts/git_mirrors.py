"""Mirrors of git hosts: a map from URL prefix to URL prefix. The manifest keeps the original URL. Pure."""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit


def without_login(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def mirror_of(url: str, mirrors: Mapping[str, str]) -> str | None:
    """The URL to fetch from in place of ``url``, by the longest prefix; None when no prefix matches.

    A prefix ends where a part of the path does, so that a mirror of github.com is none of github.com.example.org.
    """
    bare = without_login(url)
    prefixes = [prefix.rstrip("/") for prefix in mirrors if f"{bare}/".startswith(f"{prefix.rstrip('/')}/")]
    if not prefixes:
        return None
    longest = max(prefixes, key=len)
    target = next(value for prefix, value in mirrors.items() if prefix.rstrip("/") == longest)
    return target.rstrip("/") + bare.removeprefix(longest)
