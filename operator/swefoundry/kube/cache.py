"""Cache of the objects that reconciles read, updated by watches and by the responses to our own writes.

A store of our own rather than ``kopf.index``: that one is quadratic at start-up (10,000 objects do not finish).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from sys import intern
from typing import Any, TypeVar

from swefoundry.kube.resources import PODS, ApiObject
from swefoundry.kube.workqueue import Key

By = TypeVar("By")

POD_SPEC_FIELDS = ("nodeName", "activeDeadlineSeconds", "schedulingGates")
"""Parts of a pod's spec that snapshots of pods read."""

SHARED_CHARACTERS = 64
"""Longest text that is kept once for all objects; digests and messages seldom repeat."""


class Cache:
    """Objects by key, with indexes by the UID of the controlling owner and by repository."""

    def __init__(self) -> None:
        self._objects: dict[Key, ApiObject] = {}
        self._children: dict[str, set[Key]] = {}
        self._repos: dict[tuple[str, str], set[Key]] = {}
        self._subscribers: list[Callable[[ApiObject], None]] = []

    def subscribe(self, notify: Callable[[ApiObject], None]) -> None:
        """Call ``notify`` with every object that is added, changed or deleted, after the cache has changed."""
        self._subscribers.append(notify)

    def put(self, body: ApiObject) -> bool:
        """Store ``body`` unless a newer version is cached; return whether it was stored."""
        key = key_of(body)
        known = self._objects.get(key)
        if known is not None and _version(known) >= _version(body):
            return False
        if known is not None:
            self._unlink(key, known)
        self._objects[key] = strip_unused(body)
        owner = owner_of(body)
        if owner is not None:
            self._children.setdefault(owner[1], set()).add(key)
        if repo := _repo_of(body):
            self._repos.setdefault((key.kind, repo), set()).add(key)
        self._notify(body)
        return True

    def replace_status(self, key: Key, version: str, status: ApiObject) -> None:
        """Keep a status that is not written yet, unless another version of the object is cached."""
        known = self._objects.get(key)
        if (
            known is None
            or known["metadata"].get("resourceVersion") != version
            or known.get("status") == status
        ):
            return
        self._objects[key] = {**known, "status": _with_shared_texts(status)}
        self._notify(self._objects[key])

    def note_deletion(self, key: Key, uid: str, at: datetime) -> None:
        """Mark an object as deleted, which was deleted by its labels: no answer tells its new version."""
        known = self._objects.get(key)
        if known is None or _uid(known) != uid or "deletionTimestamp" in known["metadata"]:
            return
        meta = known["metadata"] | {"deletionTimestamp": at.isoformat(timespec="seconds")}
        self._objects[key] = {**known, "metadata": meta}

    def drop(self, key: Key, uid: str | None = None) -> None:
        """Remove an object; with ``uid``, only if it is still that one."""
        known = self._objects.get(key)
        if known is None or (uid is not None and _uid(known) != uid):
            return
        del self._objects[key]
        self._unlink(key, known)
        self._notify(known)

    def get(self, key: Key) -> ApiObject | None:
        """The object as last observed."""
        return self._objects.get(key)

    def children(self, owner_uid: str, kind: str) -> list[ApiObject]:
        """Objects of ``kind`` controlled by the owner, by name."""
        keys = sorted(
            (key for key in self._children.get(owner_uid, ()) if key.kind == kind), key=lambda key: key.name
        )
        return [self._objects[key] for key in keys]

    def same_repo(self, kind: str, repo: str) -> list[ApiObject]:
        """Objects of ``kind`` whose ``spec.repo`` is ``repo``, in no order."""
        return [self._objects[key] for key in self._repos.get((kind, repo), ())]

    def keys(self, kind: str) -> list[Key]:
        """All keys of ``kind``."""
        return [key for key in self._objects if key.kind == kind]

    def bodies(self, kind: str) -> Iterator[ApiObject]:
        """All objects of ``kind``."""
        return (body for key, body in self._objects.items() if key.kind == kind)

    def count_by_phase(self) -> dict[tuple[str, str], int]:
        """Number of objects by kind and phase."""
        objects = list(self._objects.items())  # scraped from another thread
        return Counter(
            (key.kind, str(body.get("status", {}).get("phase", "Pending"))) for key, body in objects
        )

    def _notify(self, body: ApiObject) -> None:
        for notify in self._subscribers:
            notify(body)

    def _unlink(self, key: Key, body: ApiObject) -> None:
        owner = owner_of(body)
        if owner is not None:
            _discard(self._children, owner[1], key)
        if repo := _repo_of(body):
            _discard(self._repos, (key.kind, repo), key)


def _discard(index: dict[By, set[Key]], under: By, key: Key) -> None:
    keys = index.get(under, set())
    keys.discard(key)
    if not keys:
        index.pop(under, None)


def _repo_of(body: ApiObject) -> str:
    return str(body.get("spec", {}).get("repo", ""))


def key_of(body: ApiObject) -> Key:
    """The key of an object."""
    meta = body["metadata"]
    return Key(body["kind"], meta["namespace"], meta["name"])


def owner_of(body: ApiObject) -> tuple[Key, str] | None:
    """Key and UID of the controlling owner."""
    meta = body["metadata"]
    for reference in meta.get("ownerReferences", ()):
        if reference.get("controller"):
            return Key(reference["kind"], meta["namespace"], reference["name"]), reference["uid"]
    return None


def strip_unused(body: ApiObject) -> ApiObject:
    """The object as it is kept: without managedFields, kubectl's annotations and most of a pod's spec, which are never
    read, and with one copy of the short texts that all objects have, which are two fifths of what is left. Pods have
    copies of their own: there are few at a time, and nine events of each.
    """
    meta = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    notes = meta.get("annotations", {})
    if "kubectl.kubernetes.io/last-applied-configuration" in notes:
        meta["annotations"] = {
            name: text for name, text in notes.items() if not name.startswith("kubectl.kubernetes.io/")
        }
    kept = {**body, "metadata": meta}
    if body["kind"] == PODS.kind:
        spec = body.get("spec", {})
        kept["spec"] = {name: spec[name] for name in POD_SPEC_FIELDS if name in spec}
        return kept
    return {intern(name): _with_shared_texts(value) for name, value in kept.items()}


def _with_shared_texts(value: Any) -> Any:
    """An equal value, whose names and short texts are the same objects wherever they occur: a parser makes them anew in
    each document.
    """
    if isinstance(value, dict):
        return {intern(name): _with_shared_texts(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_shared_texts(part) for part in value]
    return intern(value) if type(value) is str and len(value) <= SHARED_CHARACTERS else value


def _version(body: ApiObject) -> int:
    # Resource versions of one kind are comparable as integers: KEP-5504, promised since Kubernetes 1.35.
    return int(body["metadata"].get("resourceVersion") or 0)


def _uid(body: ApiObject) -> str:
    return str(body["metadata"].get("uid", ""))
