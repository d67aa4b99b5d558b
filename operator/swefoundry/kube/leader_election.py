"""Leader election by a Lease, as client-go's leaderelection: of several processes only the holder reconciles.

::

    leader   renew ── renew ── renew ── x  killed
                              │
    standby  read ─── read ── │ read ── read ── read ── read ── take
                              └──── lease duration (15 s) ────────┘

    leader   renew ── renew ── x ─ x ─ x  the API does not answer
                        └ renew deadline ┘ ends its process: 5 s before a standby may take the Lease

A standby waits until the Lease has not changed for its whole duration by the clock of the standby, so clocks need not
agree; they must only run at about the same speed. The holder counts from the moment at which it sent its last
successful renewal, which is before any standby can have read it.

kubernetes.aio.leaderelection is not used: decision 0034.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from swefoundry import errors, metrics
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.lease import LeaseSpec, held_spec, is_free, released_spec
from swefoundry.kube.resources import LEASES
from swefoundry.structured_log import fields

log = logging.getLogger("swefoundry.election")

RETRY_JITTER = 1.2
"""Pauses of standbys are up to so many times as long, so that they do not ask at the same moment."""


def utc_micros() -> datetime:
    """The time, with the microseconds of a MicroTime."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class ElectionClock:
    """The clocks of an elector."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = utc_micros
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


SYSTEM_CLOCK = ElectionClock()


@dataclass(frozen=True)
class LeaseConfig:
    """The Lease and its times."""

    namespace: str
    name: str
    duration_seconds: int = 15
    renew_deadline_seconds: float = 10.0
    retry_seconds: float = 2.0


class LeaderElector:
    """One candidate for a Lease. ``kube`` is a client of its own: a rate limit of writes would delay renewals."""

    def __init__(
        self,
        kube: KubeClient,
        lease: LeaseConfig,
        identity: str,
        on_lost: Callable[[], None],
        clock: ElectionClock = SYSTEM_CLOCK,
    ) -> None:
        self.identity = identity
        self._kube = kube
        self._on_lost = on_lost
        self._lease = lease
        self._clock = clock
        self._spec: LeaseSpec = {}
        self._version = ""
        """Resource version of the Lease; empty: it must be read."""
        self._changed_at = clock.monotonic()
        self._renewed_at: float | None = None
        self._last_log = ""

    @property
    def leads(self) -> bool:
        """Whether no other candidate can hold the Lease now."""
        return self._remaining_seconds() > 0

    async def acquire(self) -> None:
        """Wait until the Lease is held."""
        while not await self.try_to_hold():
            await self._clock.sleep(self._lease.retry_seconds * random.uniform(1, RETRY_JITTER))

    async def renew(self) -> None:
        """Renew the Lease until it is lost, because another holds it or the renew deadline has passed."""
        while self.leads:
            await self._clock.sleep(min(self._lease.retry_seconds, self._remaining_seconds()))
            await self.try_to_hold()
        self._lose()

    def require_lead(self) -> None:
        """Refuse to go on where the Lease is not held: for each write, because an event loop that was blocked may
        write before it learns that the renew deadline has passed.
        """
        if not self.leads:
            self._lose()

    async def try_to_hold(self) -> bool:
        """Take or renew the Lease; False when another holds it or the API does not answer in time."""
        sent_at = self._clock.monotonic()
        seconds = self._remaining_seconds() if self.leads else self._lease.renew_deadline_seconds
        try:
            async with asyncio.timeout(seconds):
                held = await self._read_and_write()
        except (TimeoutError, errors.SwefoundryError) as exc:
            self._log_once(
                f"the Lease cannot be read or written: {exc or 'no answer in time'}", logging.WARNING
            )
            return False
        if not held:
            self._renewed_at = None
            self._log_once("standing by", logging.INFO)
            return False
        self._renewed_at = sent_at
        self._log_once("leading", logging.INFO)
        return True

    async def release(self) -> None:
        """Give the Lease up, so that another candidate takes it at its next attempt."""
        if not self.leads:
            return
        seconds = self._remaining_seconds()  # after them a standby may hold it
        self._renewed_at = None
        metrics.LEADER.set(0)
        try:
            async with asyncio.timeout(seconds):
                while not await self._try_to_release():
                    pass
            log.info("the Lease is released", extra=self._log_fields())
        except (TimeoutError, errors.SwefoundryError) as exc:
            log.warning("the Lease cannot be released", extra=self._log_fields(error=exc))

    async def _try_to_release(self) -> bool:
        """Write that nobody holds the Lease, if it is held here; False when a cancelled renewal came in between."""
        if not self._version:
            await self._read()
        if self._spec.get("holderIdentity") != self.identity:
            return True
        try:
            return await self._write(released_spec(self._spec, self._clock.now()))
        except errors.ApiConflict:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._kube.close()

    def _lose(self) -> None:
        metrics.LEADER.set(0)
        log.error("the Lease is lost", extra=self._log_fields())
        self._on_lost()

    def _remaining_seconds(self) -> float:
        if self._renewed_at is None:
            return 0.0
        return self._renewed_at + self._lease.renew_deadline_seconds - self._clock.monotonic()

    async def _read_and_write(self) -> bool:
        if not (self.leads and self._version):
            await self._read()
        unchanged_seconds = self._clock.monotonic() - self._changed_at
        if not is_free(self._spec, self.identity, unchanged_seconds):
            return False
        spec = held_spec(self._spec, self.identity, self._lease.duration_seconds, self._clock.now())
        return await self._write(spec)

    async def _read(self) -> None:
        try:
            body = await self._kube.get(LEASES, self._lease.namespace, self._lease.name)
        except errors.NotFound:
            body = {"metadata": {}}
        self._store(body.get("spec", {}), body["metadata"].get("resourceVersion", ""))

    async def _write(self, spec: LeaseSpec) -> bool:
        """Create or patch the Lease; False when another has created it."""
        where = (LEASES, self._lease.namespace)
        # A write without an answer, or one that is cancelled, may have taken effect: then the Lease is read again.
        version, self._version = self._version, ""
        if version:
            metadata = {"resourceVersion": version}
            body = await self._kube.patch(*where, self._lease.name, {"metadata": metadata, "spec": spec})
        else:
            metadata = {"name": self._lease.name}
            created = await self._kube.create(
                *where,
                {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec},
            )
            if created is None:
                return False
            body = created
        self._store(body["spec"], body["metadata"]["resourceVersion"])
        return True

    def _store(self, spec: LeaseSpec, version: str) -> None:
        if spec != self._spec:
            self._changed_at = self._clock.monotonic()
        self._spec, self._version = spec, version

    def _log_once(self, text: str, level: int) -> None:
        if text != self._last_log:
            self._last_log = text
            log.log(level, text, extra=self._log_fields())

    def _log_fields(self, **more: object) -> dict[str, object]:
        name = f"{self._lease.namespace}/{self._lease.name}"
        holder = self._spec.get("holderIdentity", "")
        return fields(None, lease=name, identity=self.identity, holder=holder, **more)
