"""What a page of the command line consists of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PageSection:
    """A heading and what stands below it: lines, or a table."""

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    logs: tuple[tuple[str, str], ...] = ()
    """Telling lines by where they are from."""
