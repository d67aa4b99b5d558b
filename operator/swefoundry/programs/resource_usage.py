"""What this container has used, by the files of its control group; ``images/runner`` reads the same ones."""

import os
import re
from pathlib import Path

from swefoundry.contracts.measured import MeasuredResources

CGROUP_ROOT = Path("/sys/fs/cgroup")
"""Where a container has its own control group, of either version."""


def container_usage() -> MeasuredResources | None:
    """Use of this container since it started; None outside one, where the files are about the whole machine."""
    return measured_in(CGROUP_ROOT) if os.getpid() == 1 else None


def measured_in(root: Path) -> MeasuredResources:
    """Use by the control group at ``root``: of version 2, or with a folder for each controller of version 1."""
    stat = _text(root / "cpu" / "cpu.stat", root / "cpu.stat")
    written = _text(root / "blkio" / "blkio.throttle.io_service_bytes", root / "io.stat")
    return MeasuredResources(
        cpu_seconds=_seconds(_number(r"^usage_usec (\d+)$", stat), 1_000)
        or _seconds(_number(r"^(\d+)$", _text(root / "cpuacct" / "cpuacct.usage")), 1_000_000),
        peak_memory_bytes=_number(
            r"^(\d+)$", _text(root / "memory" / "memory.max_usage_in_bytes", root / "memory.peak")
        ),
        written_bytes=_sum(r"(?:^\S+ Write |\bwbytes=)(\d+)", written),
        peak_processes=_number(r"^(\d+)$", _text(root / "pids" / "pids.peak", root / "pids.peak")),
        throttled_seconds=_throttled_seconds(stat),
    )


def _throttled_seconds(stat: str) -> float | None:
    micros = _number(r"^throttled_usec (\d+)$", stat)
    if micros is not None:
        return _seconds(micros, 1_000)
    return _seconds(_number(r"^throttled_time (\d+)$", stat), 1_000_000)


def _text(*files: Path) -> str:
    """The first file that can be read; empty when the kernel has none of them."""
    for file in files:
        try:
            return file.read_text()
        except OSError:
            continue
    return ""


def _number(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text, re.MULTILINE)
    return int(found[1]) if found else None


def _sum(pattern: str, text: str) -> int | None:
    found = re.findall(pattern, text, re.MULTILINE)
    return sum(map(int, found)) if found else None


def _seconds(count: int | None, per_millisecond: int) -> float | None:
    """Seconds with milliseconds: more digits would only fill the record."""
    return None if count is None else count // per_millisecond / 1000
