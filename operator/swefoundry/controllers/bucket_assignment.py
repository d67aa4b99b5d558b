"""BucketAssignment: gives objects the label by which the API server sends them to their shard.

::

    kubectl apply ──no bucket──> first shard ──label──> DELETED in its watch, ADDED in that of the object's shard
    relabelled by hand ──> shard of the wrong bucket ──label──> the same

An object is reconciled only with its right bucket, so by exactly one shard. What an object owns gets the bucket before
it does: after a change from one operator to several shards, whoever sees a TaskInstance finds its EnvBuild and its
pods. Without shards, nothing is read or written.
"""

import logging
from collections.abc import Callable

from swefoundry import errors
from swefoundry.api import labels
from swefoundry.api.shards import Shard, bucket_label, bucket_of
from swefoundry.kube.cache import Cache, key_of, owner_of
from swefoundry.kube.resources import BUILDS, PODS, RECONCILED, ApiObject
from swefoundry.kube.workqueue import Key
from swefoundry.structured_log import fields
from swefoundry.workloads.context import ReconcileContext

log = logging.getLogger("swefoundry.shards")


class BucketAssignment:
    """The objects that this shard sees with a bucket that is missing or wrong."""

    def __init__(self, context: ReconcileContext, observe: Callable[[ApiObject], object]) -> None:
        self._context = context
        self._observe = observe
        self._shard = Shard.from_settings(context.settings)
        self._unassigned = Cache()

    def admits(self, body: ApiObject, deleted: bool) -> bool:
        """Whether an observed object is this shard's. One without its bucket is kept and enqueued for `assign`."""
        if self._shard.count == 1:
            return True
        key, bucket = key_of(body), _right_bucket(body)
        owned = bucket is not None and self._shard.owns(bucket)
        if deleted:
            self._unassigned.drop(key)
            return owned or self._context.cache.get(key) is not None
        if bucket is not None:
            self._unassigned.drop(key)
        elif self._unassigned.put(body):
            self._context.queue.add(key)
        return owned

    async def assign(self, key: Key) -> None:
        """Write the bucket of an object that has not the right one, after the buckets of all that it owns."""
        body = self._unassigned.get(key)
        if body is None:
            return
        uid = body["metadata"]["uid"]
        for kind in (PODS.kind, BUILDS.kind):
            for child in self._unassigned.children(uid, kind):
                await self.assign(key_of(child))
        bucket = bucket_of(await self._repo(body))
        change = {"metadata": {"uid": uid, "labels": {labels.BUCKET: bucket}}}
        try:
            written = await self._context.kube.patch(RECONCILED[key.kind], key.namespace, key.name, change)
        except errors.NotFound:
            self._unassigned.drop(key)
            return
        log.debug("bucket assigned", extra=fields(key, bucket=bucket))
        self._observe({"kind": key.kind, **written})

    async def _repo(self, body: ApiObject) -> str:
        """The repository of an object, of a pod that of its owner; empty for an orphan, which any shard may release."""
        if body["kind"] != PODS.kind:
            return _repo_in_spec(body)
        owner = owner_of(body)
        if owner is None or owner[0].kind not in RECONCILED:
            return ""
        key = owner[0]
        known = self._context.cache.get(key) or self._unassigned.get(key)
        try:
            return _repo_in_spec(
                known or await self._context.kube.get(RECONCILED[key.kind], key.namespace, key.name)
            )
        except errors.NotFound:
            return ""


def _right_bucket(body: ApiObject) -> str | None:
    """The bucket of an object; None when it has not the right one. That of a pod cannot be told from the pod."""
    bucket = bucket_label(body)
    if body["kind"] == PODS.kind or bucket == bucket_of(_repo_in_spec(body)):
        return bucket
    return None


def _repo_in_spec(body: ApiObject) -> str:
    return str(body.get("spec", {}).get("repo", ""))
