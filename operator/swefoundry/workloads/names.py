"""Deterministic names of pods, labels, repositories and tags. Pure.

A pod cannot be created twice: the second create fails with AlreadyExists.
"""

import hashlib
import re

MAX_NAME_LENGTH = 63
"""Characters: pod names become host names, and label values have the same limit."""


def pod_name(owner: str, owner_uid: str, work: str, attempt: int) -> str:
    """``<owner>-<work>-<attempt>-<hash>``, at most 63 characters.

    The hash covers all parts whole (and the UID, so that a re-created owner never meets its predecessor's pods):
    names stay apart even where the owner's name is cut.
    """
    identity = hashlib.sha256(f"{owner_uid}/{owner}/{work}/{attempt}".encode()).hexdigest()[:8]
    tail = f"-{work}-{attempt}-{identity}"
    return slug(owner)[: MAX_NAME_LENGTH - len(tail)].rstrip("-") + tail


def open_pod_name(owner: str, suffix: str) -> str:
    """``<owner>-open-<suffix>``, at most 63 characters."""
    tail = f"-open-{suffix}"
    return slug(owner)[: MAX_NAME_LENGTH - len(tail)].rstrip("-") + tail


def label_value(text: str) -> str:
    """``text`` as a label value: itself where it fits, else cut with a hash."""
    if len(text) <= MAX_NAME_LENGTH and re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?", text):
        return text
    return f"{slug(text)[: MAX_NAME_LENGTH - 9].rstrip('-')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def repository(prefix: str, repo: str) -> str:
    """Path of a source repository's task repository in the registry: lower case, as OCI wants it."""
    parts = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") or "x" for part in repo.split("/")]
    path = "/".join([prefix.strip("/"), *parts])
    # Distinct sources must not share a repository because odd characters were dropped.
    plain = "/".join([prefix.strip("/"), repo]) == path
    return path if plain else f"{path}-{hashlib.sha256(repo.encode()).hexdigest()[:6]}"


def tag(namespace: str, name: str, suffix: str = "") -> str:
    """A human tag: ``<namespace>.<name>[.<suffix>]``, at most 128 characters."""
    text = re.sub(r"[^A-Za-z0-9_.-]", "-", ".".join(part for part in (namespace, name, suffix) if part))
    if len(text) <= 128:
        return text
    return f"{text[:119]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def slug(text: str) -> str:
    """``text`` as the start of a DNS label."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
