"""State dump: what the operator holds in memory, for people who debug it. Names and numbers, never specs or secrets."""

import logging
import time

from swefoundry import __version__
from swefoundry.controllers.watch import Informer
from swefoundry.kube.resources import BUILDS
from swefoundry.structured_log import fields
from swefoundry.workloads.context import ReconcileContext

log = logging.getLogger("swefoundry.state")

SHOWN = 100
"""Keys of each sort in a dump: a batch of ten thousand objects must not make it unreadable."""


def state_dump(informer: Informer) -> dict[str, dict[str, object]]:
    """The state by section, as JSON values."""
    context = informer.context
    return {
        "operator": {"version": __version__, "namespaces": context.settings.namespaces},
        "queue": context.queue.snapshot(SHOWN),
        "pods": context.pod_limiter.snapshot(SHOWN),
        "searches": _searches(context),
        "usage": context.usage_index.snapshot(SHOWN),
        "cache": _cache(context),
        "watch": {
            "lastEventSeconds": round(time.monotonic() - informer.last_event_at, 1),
            "missedResyncs": informer.missed_resyncs,
        },
    }


def log_state(informer: Informer) -> None:
    """Write one line per section; the handler of SIGUSR2."""
    for section, state in state_dump(informer).items():
        log.info("state", extra=fields(None, section=section, **state))


def _searches(context: ReconcileContext) -> dict[str, object]:
    """EnvBuilds that lead the search of their repository, and those that wait for one."""
    leaders = (body for body in context.cache.bodies(BUILDS.kind) if _uid(body) in context.search_leaders)
    waiting = sorted(context.leader_waiters.items())
    return {
        "leaders": sorted(f"{body['metadata']['namespace']}/{body['metadata']['name']}" for body in leaders),
        "waiting": sum(len(keys) for _, keys in waiting),
        "waitingByRepository": {repo: sorted(map(str, keys))[:SHOWN] for repo, keys in waiting[:SHOWN]},
    }


def _cache(context: ReconcileContext) -> dict[str, object]:
    objects: dict[str, dict[str, int]] = {}
    for (kind, phase), number in sorted(context.cache.count_by_phase().items()):
        objects.setdefault(kind, {})[phase] = number
    return {"objects": objects, **context.cache_counts()}


def _uid(body: dict[str, dict[str, object]]) -> object:
    return body["metadata"]["uid"]
