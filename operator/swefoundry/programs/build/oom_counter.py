"""Processes of this container that were killed for memory. The kernel counts them per control group."""

import re
from pathlib import Path

COUNTERS = (
    Path("/sys/fs/cgroup/memory.events"),  # cgroup v2
    Path("/sys/fs/cgroup/memory/memory.oom_control"),  # cgroup v1
)


def count_oom_kills(counters: tuple[Path, ...] = COUNTERS) -> int:
    """Kills since the container started; 0 when the kernel does not count them."""
    for counter in counters:
        if counter.exists() and (found := re.search(r"^oom_kill (\d+)$", counter.read_text(), re.MULTILINE)):
            return int(found[1])
    return 0
