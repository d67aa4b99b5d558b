"""Starts, finds and stops the lab's long-running programs.

A pid may have been reused for another process. So the record also has the start time (in clock ticks since boot) and
the boot id, and a process belongs to the lab only if all three agree.
"""

import hashlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from swefoundry_lab import cgroups
from swefoundry_lab.command import last_lines
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import SOURCES, Lab

MAX_LOG_BYTES = 64 * 1024 * 1024
"""A larger log is deleted at the next start of its program, so that logs do not fill the disk."""


@dataclass(frozen=True)
class Daemon:
    """A program that the lab keeps running."""

    name: str
    argv: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    """Configuration files; the program is restarted when one changes."""
    namespace: str | None = None
    """The network namespace to run in."""
    group: str = cgroups.SYSTEM
    """The control group to run in."""

    def fingerprint(self) -> str:
        """Hash of everything whose change requires a restart."""
        parts = [*self.argv, self.namespace or ""]
        parts += [path.read_text() for path in self.reads]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class DaemonRecord:
    """Content of a pid file."""

    pid: int
    started_ticks: int
    boot: str
    fingerprint: str


def boot_id() -> str:
    """Random id of the current boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started_ticks(pid: int) -> int | None:
    """Start time of a process, or None if it does not run.

    A zombie does not, unless threads of it are still ending: until the last one has, its sockets listen.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the program's name may contain spaces and brackets
    threads, ticks = int(fields[16]), int(fields[18])
    return None if state in "ZX" and threads <= 1 else ticks


def started_at(record: DaemonRecord | None) -> datetime:
    """Start time of a recorded process, rounded down to a second."""
    ticks = record.started_ticks if record else 0
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return datetime.fromtimestamp(int(boot.split()[1]) + ticks // os.sysconf("SC_CLK_TCK"), UTC)


def read_record(lab: Lab, name: str) -> DaemonRecord | None:
    """The record of a program, or None without a complete pid file."""
    try:
        return DaemonRecord(**json.loads(_pid_file(lab, name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def is_alive(record: DaemonRecord | None) -> bool:
    """Whether the recorded process still runs."""
    if record is None or record.boot != boot_id():
        return False
    return started_ticks(record.pid) == record.started_ticks


def ensure(lab: Lab, daemon: Daemon) -> bool:
    """Start a program unless it runs with the current configuration; return whether it was started."""
    record = read_record(lab, daemon.name)
    if is_alive(record) and record is not None and record.fingerprint == daemon.fingerprint():
        return False
    stop(lab, daemon.name)
    _start(lab, daemon)
    return True


def _start(lab: Lab, daemon: Daemon) -> None:
    log = log_file(lab, daemon.name)
    too_large = log.exists() and log.stat().st_size > MAX_LOG_BYTES
    argv = [*_enter_namespace(daemon.namespace), *daemon.argv]
    # The shell enters the control group before it executes the program, so that all child processes are in it.
    shell = [
        "/bin/sh",
        "-c",
        'echo $$ >"$0/cgroup.procs" && exec "$@"',
        str(cgroups.tracking_folder(daemon.group)),
    ]
    with log.open("wb" if too_large else "ab") as output:
        process = subprocess.Popen(
            [*shell, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env={**lab.environment(), "PYTHONPATH": str(SOURCES)},
        )
    ticks = started_ticks(process.pid)
    if ticks is None:
        raise LabError(f"{daemon.name} ended at once:\n{log_excerpt(lab, daemon.name)}")
    record = DaemonRecord(process.pid, ticks, boot_id(), daemon.fingerprint())
    temporary = _pid_file(lab, daemon.name).with_suffix(".new")
    temporary.write_text(json.dumps(asdict(record)))
    temporary.replace(_pid_file(lab, daemon.name))


def _enter_namespace(namespace: str | None) -> list[str]:
    # Not `ip netns exec`, which remounts /sys: the kubelet would not find the control groups.
    return ["nsenter", f"--net=/run/netns/{namespace}"] if namespace else []


def stop(lab: Lab, *names: str, grace_seconds: float = 10) -> None:
    """Send SIGTERM to all programs, and SIGKILL to those that do not end; never to another process with the pid."""
    records = [record for name in names if (record := read_record(lab, name)) and is_alive(record)]
    for signum, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
        for record in filter(is_alive, records):
            os.kill(record.pid, signum)
        for record in records:
            _wait_until_exited(record, seconds)
    for name in names:
        _pid_file(lab, name).unlink(missing_ok=True)


def kill(lab: Lab, name: str) -> None:
    """Send SIGKILL to a program, to simulate a failure."""
    record = read_record(lab, name)
    if record is not None and is_alive(record):
        os.kill(record.pid, signal.SIGKILL)
        _wait_until_exited(record, 5)


def _wait_until_exited(record: DaemonRecord, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_alive(record) and time.monotonic() < deadline:
        _reap(record.pid)
        time.sleep(0.02)


def _reap(pid: int) -> None:
    """Reap the process if it is a child of this one; most were started by an earlier run."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def log_file(lab: Lab, name: str) -> Path:
    """Log file of a program."""
    return lab.log / f"{name}.log"


def log_excerpt(lab: Lab, name: str) -> str:
    """The last lines of a program's log."""
    log = log_file(lab, name)
    return last_lines(log.read_text(errors="replace")[-8000:]) if log.exists() else "(it wrote no log)"


def recorded_daemons(lab: Lab) -> list[str]:
    """Names of all programs that were started."""
    return sorted(path.stem for path in lab.run.glob("*.pid"))


def _pid_file(lab: Lab, name: str) -> Path:
    return lab.run / f"{name}.pid"
