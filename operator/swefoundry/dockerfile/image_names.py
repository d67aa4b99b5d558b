"""Normalize image names and match them against patterns.

``python:3.11-slim`` and ``docker.io/library/python:3.11-slim`` are one image, so names and patterns are compared in
their long form.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

LOCAL_TRANSPORT = re.compile(
    r"^(?:containers-storage|dir|docker-archive|docker-daemon|oci|oci-archive|ostree|sif|tarball):"
)
"""Prefixes by which buildah reads images from its own disk instead of a registry."""


def normalized(name: str) -> str:
    """Return the long form: host/path:tag, host/path@digest or host/path:tag@digest.

    ``latest`` when neither is given.
    """
    name, at, digest = name.removeprefix("docker://").partition("@")
    name = _with_host(name)
    if not at and ":" not in name.rsplit("/", 1)[-1]:
        name += ":latest"
    return name + at + digest


def is_allowed(name: str, patterns: Iterable[str]) -> bool:
    """Whether any pattern matches; a pattern without a tag allows every tag."""
    long = normalized(name)
    return any(_matches(long, pattern) for pattern in patterns)


def _matches(long: str, pattern: str) -> bool:
    pattern = pattern if pattern.startswith("*") else _with_host(pattern.removeprefix("docker://"))
    if fnmatchcase(long, pattern):
        return True
    last = pattern.rsplit("/", 1)[-1]
    return ":" not in last and "@" not in last and fnmatchcase(_repository(long), pattern)


def _repository(long: str) -> str:
    """The long form without tag and digest."""
    path = long.partition("@")[0]
    folder, slash, last = path.rpartition("/")
    return folder + slash + last.partition(":")[0]


def _with_host(name: str) -> str:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = ("docker.io" if first == "index.docker.io" else first), rest
    else:
        host, path = "docker.io", name
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return f"{host}/{path}"
