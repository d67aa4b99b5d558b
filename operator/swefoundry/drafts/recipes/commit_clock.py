"""Tests that depend on the date: the command sets the clock back to the day of the change, by libfaketime.

The clock goes on from noon of that day, for the tests and every program that they start; clocks that only measure, and
the times of files, are real. Programs that are linked statically, such as those of Go, see the real date.
"""

import re
from datetime import UTC, date, datetime, time

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.proposal import TriedRound

CLOCK_PACKAGE = "libfaketime"
"""Debian's package of the library."""
_LIBRARY = "/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketimeMT.so.1"
"""The variant for programs with threads."""

_EXPIRED = re.compile(
    r"\b(?:has|have|is|was|are|already|jwt|token|certificate|signature) expired\b|CERT_HAS_EXPIRED|ExpiredSignature"
    r"|TokenExpired|\bexpiry\b",
    re.IGNORECASE,
)
_AGO = re.compile(r"\b\d+ (?:months?|years?) (?:ago|old)\b|\b(?:in|about|over|almost) \d+ years?\b")
_COMPARED = re.compile(
    r"assert|expected|actual|received|should|equal|[!=]=|^\s*(?:E\s+)?[-+] ", re.IGNORECASE | re.M
)
_YEAR = re.compile(r"(?<![\d.])20\d\d(?![\d.]\d|\d)")


def date_explains(tried: TriedRound, created: date | None) -> bool:
    """Whether tests that fail after the fix may pass with the clock of the change's day."""
    if created is None or tried.outcome is not RoundOutcome.AFTER_FAILED or tried.draft.date_dependent:
        return False
    log = tried.message
    return bool(_EXPIRED.search(log) or _AGO.search(log)) or _compares_a_later_year(log, created.year)


def _compares_a_later_year(log: str, year: int) -> bool:
    """Whether a failed comparison has a year in it that the change's tests cannot have known."""
    lines = (line for line in log.splitlines() if _COMPARED.search(line))
    return any(int(found) > year + 1 for line in lines for found in _YEAR.findall(line))


def with_clock_of(day: date, command: str) -> str:
    """Return the command with the clock set back to noon of the day, in UTC, when it begins."""
    noon = int(datetime.combine(day, time(12), UTC).timestamp())
    variables = (
        f"LD_PRELOAD={_LIBRARY}",
        f"FAKETIME=-$(($(date +%s) - {noon}))",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "NO_FAKE_STAT=1",
    )
    return f"export {' '.join(variables)}; {command}"
