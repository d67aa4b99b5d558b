"""Start, find and stop the lab's long-running programs.

A pid alone proves nothing: it may have been given to somebody else's process. So the record beside it holds the
start time (in clock ticks since boot) and the boot itself, and a process is ours only when all three agree.
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

LOG_BYTES_KEPT = 64 * 1024 * 1024
"""A log larger than this is started afresh, so that a lab that lives for weeks does not fill the disk."""


@dataclass(frozen=True)
class Daemon:
    """A program that the lab keeps running."""

    name: str
    argv: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    """Configuration files; when one changes, the program is restarted."""
    namespace: str | None = None
    """The network namespace to run in."""
    group: str = cgroups.SYSTEM
    """The control group to run in."""

    def fingerprint(self) -> str:
        """Changes whenever the program has to be restarted to do what is now asked of it."""
        parts = [*self.argv, self.namespace or ""]
        parts += [path.read_text() for path in self.reads]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class DaemonRecord:
    """What a pid file says."""

    pid: int
    started_ticks: int
    boot: str
    fingerprint: str


def boot_id() -> str:
    """Differs after every start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started_ticks(pid: int) -> int | None:
    """When a process started, or None when it does not run (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the program's name may hold spaces and brackets
    return None if state in "ZX" else int(fields[18])


def started_at(record: DaemonRecord | None) -> datetime:
    """When a recorded process started, on the clock, to the second below."""
    ticks = record.started_ticks if record else 0
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return datetime.fromtimestamp(int(boot.split()[1]) + ticks // os.sysconf("SC_CLK_TCK"), UTC)


def read_record(lab: Lab, name: str) -> DaemonRecord | None:
    """What is known of a program, running or not. A half-written file counts as nothing known."""
    try:
        return DaemonRecord(**json.loads(_pid_file(lab, name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def is_alive(record: DaemonRecord | None) -> bool:
    """Whether the recorded process still runs and is the same one."""
    if record is None or record.boot != boot_id():
        return False
    return started_ticks(record.pid) == record.started_ticks


def ensure(lab: Lab, daemon: Daemon) -> bool:
    """Start a program unless it runs already with the present configuration; say whether it was started."""
    record = read_record(lab, daemon.name)
    if is_alive(record) and record is not None and record.fingerprint == daemon.fingerprint():
        return False
    stop(lab, daemon.name)
    _start(lab, daemon)
    return True


def _start(lab: Lab, daemon: Daemon) -> None:
    log = log_file(lab, daemon.name)
    too_large = log.exists() and log.stat().st_size > LOG_BYTES_KEPT
    argv = [*_enter_namespace(daemon.namespace), *daemon.argv]
    # The shell enters the control group before the program starts, so that no child can be born outside it.
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
    draft = _pid_file(lab, daemon.name).with_suffix(".new")
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(_pid_file(lab, daemon.name))


def _enter_namespace(namespace: str | None) -> list[str]:
    # Not `ip netns exec`: that remounts /sys, and the kubelet then finds no control groups.
    return ["nsenter", f"--net=/run/netns/{namespace}"] if namespace else []


def stop(lab: Lab, *names: str, grace_seconds: float = 10) -> None:
    """Ask programs to end, all at once, then make them. Who merely got the pid of one is left alone."""
    records = [record for name in names if (record := read_record(lab, name)) and is_alive(record)]
    for signum, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
        for record in filter(is_alive, records):
            os.kill(record.pid, signum)
        for record in records:
            _wait_until_exited(record, seconds)
    for name in names:
        _pid_file(lab, name).unlink(missing_ok=True)


def kill(lab: Lab, name: str) -> None:
    """End a program without warning, as a fault would."""
    record = read_record(lab, name)
    if record is not None and is_alive(record):
        os.kill(record.pid, signal.SIGKILL)
        _wait_until_exited(record, 5)


def _wait_until_exited(record: DaemonRecord, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while is_alive(record) and time.monotonic() < give_up:
        _reap(record.pid)
        time.sleep(0.02)


def _reap(pid: int) -> None:
    """Collect a child of ours; most processes were started by an earlier run and are not."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def log_file(lab: Lab, name: str) -> Path:
    """Where a program's output goes."""
    return lab.log / f"{name}.log"


def log_excerpt(lab: Lab, name: str) -> str:
    """The end of a program's log."""
    log = log_file(lab, name)
    return last_lines(log.read_text(errors="replace")[-8000:]) if log.exists() else "(it wrote no log)"


def recorded_daemons(lab: Lab) -> list[str]:
    """The names of all programs that were started."""
    return sorted(path.stem for path in lab.run.glob("*.pid"))


def _pid_file(lab: Lab, name: str) -> Path:
    return lab.run / f"{name}.pid"
