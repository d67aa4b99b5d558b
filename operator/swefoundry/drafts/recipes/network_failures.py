"""Tests that fail because they look up a host: tests have no network, so they fail in every environment."""

import re
from collections.abc import Collection

_LOOKUP = re.compile(
    r"dial (?:tcp|udp): lookup \S+|UnknownHostException: \S+|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) \S+"
    r"|failed to lookup address information|(?:Temporary failure in|[Ff]ailure in) name resolution"
    r"|Name or service not known"
)
"""What Go, Java, Node, Rust and Python say of a name that nothing resolves."""


def network_explains(log: str, failing: Collection[str]) -> bool:
    """Whether a log has a failed lookup for each failing test; those that have subtests fail with these."""
    innermost = [name for name in failing if not any(other.startswith(f"{name}/") for other in failing)]
    lines = {line.strip() for line in log.splitlines() if _LOOKUP.search(line)}
    return 0 < len(innermost) <= len(lines)
