"""Time limits of `before` that are the bug itself: a test that hangs without the fix. Pure.

A slow machine ends a run in the middle of a test, too. It is no reason where the whole run with the fix took a small
part of the time in which the one without it did not end.
"""

HANG_FACTOR = 4
"""The run without the fix took at least so many times as long: no machine is so unsteady for minutes."""


def explains_time_limit(
    running: str | None, before_seconds: float | None, after_seconds: float | None
) -> bool:
    """Whether the test that was running hung; ``running`` is None when no test was seen to run at the limit."""
    if running is None or before_seconds is None or after_seconds is None:
        return False
    return after_seconds * HANG_FACTOR <= before_seconds
