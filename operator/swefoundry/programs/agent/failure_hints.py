"""Hints for failures that depend on where tests run: clock, locale, root, network, time limits. Pure.

A hint is shown to the analyst when a failure's text or a log matches its pattern; no decision depends on it.
"""

import re
from collections.abc import Iterable

_HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"time ?zone|tzinfo|\bTZ\b|\bUTC\b|\bGMT\b|\b\d{1,2}:\d\d\b.*\b\d{1,2}:\d\d\b", re.IGNORECASE
        ),
        "Clock: images run in UTC; where times differ by hours, set `ENV TZ`. Where the day of today matters, run "
        "the tests under `faketime` with the day of the commit.",
    ),
    (
        re.compile(r"Unicode(De|En)codeError|'ascii' codec|unsupported locale|invalid byte sequence|LC_ALL"),
        "Locale: set `ENV LANG=C.UTF-8`, or install and set the locale that is named.",
    ),
    (
        re.compile(r"PermissionError|\bEACCES\b|\bEPERM\b|as root\b|[Pp]ermission denied"),
        "Root: tests of permissions fail as root; the Test Manager sets `run_as_user`.",
    ),
    (
        re.compile(
            r"\bENOTFOUND|EAI_AGAIN|getaddrinfo|Name or service not known|name resolution|UnknownHost|no such host",
            re.IGNORECASE,
        ),
        "Network: tests have none. Put what they fetch into the image; tests that need a server outside can only be "
        "tolerated.",
    ),
    (
        re.compile(r"timeout of \d+ ?ms|exceeded timeout|timed out after|TimeoutError", re.IGNORECASE),
        "Time limits: machines are slower here than the authors'; raise the runner's own limit per test.",
    ),
)


def hints_for(texts: Iterable[str]) -> tuple[str, ...]:
    """The hints whose pattern is found in one of the texts, in a fixed order."""
    whole = "\n".join(texts)
    return tuple(hint for pattern, hint in _HINTS if pattern.search(whole))
