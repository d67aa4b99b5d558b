"""Reflector: the watch of one kind in one namespace, as of client-go.

It goes on after its last event, or the list before it, when the server ends it. Where the server no longer has what
followed, everything is listed again.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import aclosing
from itertools import chain, repeat

from swefoundry import errors, metrics
from swefoundry.controllers.watch import Informer
from swefoundry.kube.resources import Resource
from swefoundry.structured_log import fields

log = logging.getLogger("swefoundry.watch")

MAX_PAUSE_SECONDS = 15.0
"""Longest pause of a watch that is refused, so that a namespace may come back."""

SHORT_WATCH_SECONDS = 1.0
"""A watch that ends sooner, without an event, is followed by a pause as if it was refused."""


class Reflector:
    """Feeds an informer with the events of one kind in one namespace."""

    def __init__(self, informer: Informer, resource: Resource, namespace: str, selector: str) -> None:
        self._informer = informer
        self._resource = resource
        self._namespace = namespace
        self._selector = selector
        self._version = ""
        """The version after the last event; empty where a list has to come first."""
        self._pauses = pauses()

    async def run(self) -> None:
        """Watch until cancelled. The informer has listed everything before."""
        self._version = self._informer.versions.get((self._namespace, self._resource.kind), "")
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except errors.SwefoundryError as error:
                if isinstance(error, errors.ApiExpired):
                    self._version = ""
                pause = next(self._pauses)
                log.warning("watch failed; will retry", extra=self._fields(error=error, seconds=pause))
                await asyncio.sleep(pause)

    async def _list(self) -> None:
        changes = await self._informer.list_all(self._resource, self._namespace, self._selector)
        self._version = self._informer.versions[self._namespace, self._resource.kind]
        metrics.WATCH_RELISTS.labels(self._resource.kind).inc()
        log.info("listed again for a watch", extra=self._fields(changes=changes))

    async def _watch(self) -> None:
        """Follow one watch to its end."""
        started, first = time.monotonic(), self._version
        kube = self._informer.context.kube
        async with aclosing(kube.watch(self._resource, self._namespace, self._selector, first)) as events:
            async for event in events:
                if event["type"] != "BOOKMARK":
                    self._informer.apply_event(event)
                self._version = event["object"]["metadata"]["resourceVersion"]
                self._pauses = pauses()
        if self._version == first and time.monotonic() - started < SHORT_WATCH_SECONDS:
            await asyncio.sleep(next(self._pauses))

    def _fields(self, **values: object) -> dict[str, object]:
        return fields(None, resource=self._resource.plural, namespace=self._namespace, **values)


def pauses() -> Iterator[float]:
    """Seconds after each failure in a row: 1 to 15, without an end."""
    return chain((1, 1, 2, 3, 5, 8), repeat(MAX_PAUSE_SECONDS))
