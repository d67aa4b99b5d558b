"""Health of the operator: the liveness check, and how late the event loop runs."""

import asyncio
import time
from collections.abc import Sequence

from swefoundry import errors, metrics
from swefoundry.controllers.watch import MAX_MISSED_RESYNCS, Informer

LAG_INTERVAL_SECONDS = 1.0
"""How often the event loop's lag is measured."""


def check_health(informer: Informer, tasks: Sequence[asyncio.Task[None]]) -> dict[str, float]:
    """Ages for the health page. Raise, and so fail the probe, when work does not move."""
    context = informer.context
    waited = context.queue.stalled_seconds()
    if waited > context.settings.stale_seconds:
        raise errors.SwefoundryError(f"keys wait, and no worker has taken one for {waited:.0f} s")
    if informer.missed_resyncs >= MAX_MISSED_RESYNCS:
        raise errors.SwefoundryError(
            f"{informer.missed_resyncs} consecutive resyncs found changes that no watch had delivered"
        )
    ended = [task for task in tasks if task.done()]
    if ended:
        raise errors.SwefoundryError(f"{len(ended)} of {len(tasks)} internal tasks have ended")
    return {"queueSeconds": waited, "watchSeconds": time.monotonic() - informer.last_event_at}


async def measure_loop_lag() -> None:
    """Keep the metric of the event loop's lag current."""
    while True:
        due = time.monotonic() + LAG_INTERVAL_SECONDS
        await asyncio.sleep(LAG_INTERVAL_SECONDS)
        metrics.LOOP_LAG.set(max(0.0, time.monotonic() - due))
