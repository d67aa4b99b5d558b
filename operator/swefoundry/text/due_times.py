"""Times at which something is done again, in messages."""

from datetime import UTC, datetime


def due_time(when: datetime, now: datetime) -> str:
    """The time in UTC, to the second; with its date when that is not today's."""
    when, now = when.astimezone(UTC), now.astimezone(UTC)
    return f"{when:%H:%M:%S} UTC" if when.date() == now.date() else f"{when:%Y-%m-%d %H:%M:%S} UTC"
