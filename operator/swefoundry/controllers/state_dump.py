"""State dump: what the operator holds in memory, for people who debug it. Names and numbers, never specs or secrets."""

import logging
import time
from collections.abc import Sequence

from swefoundry import __version__
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.watch import Informer
from swefoundry.structured_log import fields
from swefoundry.workloads.context import ReconcileContext

log = logging.getLogger("swefoundry.state")

SHOWN = 100
"""Keys of each sort in a dump: a batch of ten thousand objects must not make it unreadable."""


def state_dump(informer: Informer, controllers: Sequence[Controller]) -> dict[str, dict[str, object]]:
    """The state by section, as JSON values."""
    context = informer.context
    return {
        "operator": {
            "version": __version__,
            "namespaces": context.settings.namespaces,
            "leads": not context.queue.held,
            **_shard(context),
        },
        "queue": context.queue.snapshot(SHOWN),
        "pods": context.pod_limiter.snapshot(SHOWN),
        "hosts": context.hosts.snapshot(SHOWN),
        **{name: state for each in controllers for name, state in each.state_sections(SHOWN).items()},
        "cache": _cache(context),
        "watch": {
            "lastEventSeconds": round(time.monotonic() - informer.last_event_at, 1),
            "missedResyncs": informer.missed_resyncs,
        },
    }


def log_state(informer: Informer, controllers: Sequence[Controller]) -> None:
    """Write one line per section; the handler of SIGUSR2."""
    for section, state in state_dump(informer, controllers).items():
        log.info("state", extra=fields(None, section=section, **state))


def _shard(context: ReconcileContext) -> dict[str, object]:
    settings = context.settings
    return {"shard": settings.shard, "shards": settings.shards} if settings.shards > 1 else {}


def _cache(context: ReconcileContext) -> dict[str, object]:
    objects: dict[str, dict[str, int]] = {}
    for (kind, phase), number in sorted(context.cache.count_by_phase().items()):
        objects.setdefault(kind, {})[phase] = number
    return {"objects": objects, **context.cache_counts()}
