"""Back-off per host, which all pods share: a host that refused one row is not asked by a thousand others at once.

::

    answers ──unavailable──> away ──pause over──> one object probes ──answered──> all others go on
                               ^                        │
                               └──── a longer pause <───┘

It is kept in memory: a restart of the operator loses the pauses and nothing else.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from swefoundry import metrics
from swefoundry.kube.workqueue import Key
from swefoundry.text.due_times import due_time
from swefoundry.workloads.decide import MAX_DOUBLINGS
from swefoundry.workloads.pod_outcomes import UnavailableHost

MAX_HOSTS = 4096
"""Hosts that are remembered; the oldest is forgotten, and then asked again."""

MAX_HOST_LABELS = 32
"""Values of the metric's label; further hosts are counted together."""

PROBE_RECHECK_SECONDS = 60.0
"""Those who wait are woken when the probe succeeds; this is for a probe that nobody reports, as of a deleted object."""


@dataclass(frozen=True)
class HostWait:
    """A host must not be asked now."""

    host: str
    message: str
    seconds: float


@dataclass
class _AwayHost:
    message: str
    failures: int = 0
    next_probe: float = 0.0
    due: str = ""
    probe: Key | None = None
    probe_ends: float = 0.0
    waiting: set[Key] = field(default_factory=set)

    def seconds_until(self, key: Key, now: float) -> float:
        """How long ``key`` has to wait; 0 when it may ask."""
        if self.probe == key:
            return 0.0
        if now < self.next_probe:
            return self.next_probe - now
        return PROBE_RECHECK_SECONDS if self.probe is not None and now < self.probe_ends else 0.0

    def described(self, now: float) -> str:
        """The host's own words, and when it is asked again."""
        when = f"asked again at {self.due}" if now < self.next_probe else "another object asks it now"
        return f"{self.message}; {when}"


@dataclass(frozen=True)
class BackoffLimits:
    """Pauses between two probes of a host, and how long a probe may take, in seconds."""

    first: float
    longest: float
    probe: float


class HostBackoff:
    """Hosts that are away, and who waits for them."""

    def __init__(
        self, limits: BackoffLimits, wake: Callable[[Key], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._wake = wake
        self._clock = clock
        self._away: OrderedDict[str, _AwayHost] = OrderedDict()

    @property
    def away(self) -> Collection[str]:
        """Hosts that did not answer when they were asked last."""
        return self._away.keys()

    def admit(self, hosts: Collection[str], key: Key) -> HostWait | None:
        """None when ``key`` may ask these hosts; of those that are away it is then the only one to probe."""
        now = self._clock()
        away = {host: self._away[host] for host in hosts if host in self._away}
        for host, state in away.items():
            if seconds := state.seconds_until(key, now):
                state.waiting.add(key)
                return HostWait(host, state.described(now), seconds)
        for state in away.values():
            state.waiting.discard(key)
            state.probe, state.probe_ends = key, now + self._limits.probe
        return None

    def report_unavailable(self, key: Key, report: UnavailableHost) -> None:
        """Begin or lengthen the pause of a host. Intakes that ran beside the first that failed lengthen nothing."""
        now, state = self._clock(), self._away.setdefault(report.host, _AwayHost(report.message))
        asked_for = min(report.retry_after_seconds or 0.0, self._limits.longest)
        if state.failures == 0 or state.probe == key:
            state.failures += 1
            state.probe = None
            doubled = self._limits.first * 2.0 ** min(state.failures - 1, MAX_DOUBLINGS)
            asked_for = max(asked_for, min(doubled, self._limits.longest))
            state.message = report.message
        if now + asked_for > state.next_probe:
            state.next_probe = now + asked_for
            today = datetime.now(UTC)
            state.due = due_time(today + timedelta(seconds=asked_for), today)
        while len(self._away) > MAX_HOSTS:
            self._go_on(next(iter(self._away)))
        self._publish()

    def report_answer(self, key: Key) -> None:
        """The hosts that ``key`` probes answered: whoever waits for them goes on."""
        for host in self._probed_by(key):
            self._go_on(host)
        self._publish()

    def end_probe(self, key: Key) -> None:
        """The probe ended without a word about the host: another may probe."""
        for host in self._probed_by(key):
            self._away[host].probe = None

    def snapshot(self, limit: int) -> dict[str, object]:
        """State for people who debug it."""
        now = self._clock()
        return {
            "away": len(self._away),
            "hosts": {
                host: {
                    "failures": state.failures,
                    "nextProbeInSeconds": round(max(0.0, state.next_probe - now), 1),
                    "probe": str(state.probe) if state.probe else None,
                    "waiting": len(state.waiting),
                    "message": state.message,
                }
                for host, state in list(self._away.items())[:limit]
            },
        }

    def _probed_by(self, key: Key) -> list[str]:
        return [host for host, state in self._away.items() if state.probe == key]

    def _go_on(self, host: str) -> None:
        for key in self._away.pop(host).waiting:
            self._wake(key)

    def _publish(self) -> None:
        hosts = list(self._away)
        metrics.HOSTS_UNAVAILABLE.clear()
        for host in hosts[:MAX_HOST_LABELS]:
            metrics.HOSTS_UNAVAILABLE.labels(host).set(1)
        if len(hosts) > MAX_HOST_LABELS:
            metrics.HOSTS_UNAVAILABLE.labels("other").set(len(hosts) - MAX_HOST_LABELS)
