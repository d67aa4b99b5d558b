"""Control groups of the lab, which contain all of its processes.

    /swefoundry-lab/system          the control plane and the registry
    /swefoundry-lab/system-<node>   that node's programs, with its container shims, which detach from containerd
    /swefoundry-lab/<node>          the cgroup root of that node's kubelet: all its containers

So `down` finds every process of the lab without its name or pid file.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
LAB_GROUP = "swefoundry-lab"
SYSTEM = f"{LAB_GROUP}/system"
CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


def is_unified() -> bool:
    """Whether this machine has cgroup v2 only."""
    return (ROOT / "cgroup.controllers").is_file()


def hierarchies() -> list[Path]:
    """The mount point of each hierarchy: one with cgroup v2, one per controller with v1."""
    if is_unified():
        return [ROOT]
    return [path for path in sorted(ROOT.iterdir()) if not path.is_symlink() and path.is_mount()]


def create(name: str) -> None:
    """Create a group in every hierarchy, with the controllers that a kubelet needs below it."""
    for hierarchy in hierarchies():
        folder = hierarchy
        for part in name.split("/"):
            _open_for_children(folder)
            folder = folder / part
            folder.mkdir(exist_ok=True)
            _inherit_cpuset(folder)
        if not name.startswith(SYSTEM):  # a v2 group has either processes or controllers for its children
            _open_for_children(folder)


def _inherit_cpuset(folder: Path) -> None:
    """Copy the parent's cpus and memory nodes: a new v1 cpuset has none and accepts no process without them."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        value, parent_value = folder / setting, folder.parent / setting
        if not is_unified() and value.is_file() and not value.read_text().strip():
            value.write_text(parent_value.read_text())


def _open_for_children(folder: Path) -> None:
    """Enable all controllers for the children of a v2 group."""
    control = folder / "cgroup.subtree_control"
    if not is_unified() or not control.is_file():
        return
    available = (folder / "cgroup.controllers").read_text().split()
    control.write_text(" ".join(f"+{name}" for name in CONTROLLERS if name in available))


def tracking_folder(name: str) -> Path:
    """The folder whose `cgroup.procs` the lab's programs are added to."""
    hierarchy = ROOT if is_unified() else next(h for h in (ROOT / "pids", *hierarchies()) if h.is_dir())
    return hierarchy / name


def processes(name: str) -> set[int]:
    """The processes of a group and of all groups below it, in all hierarchies."""
    pids: set[int] = set()
    for folder in _folders(name):
        try:
            pids |= {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
        except OSError:  # the group was deleted meanwhile
            continue
    return pids - {os.getpid()}


def kill(name: str, timeout_seconds: float = 10) -> set[int]:
    """Kill all processes of a group; return those that still exist after the time-out."""
    deadline = time.monotonic() + timeout_seconds
    while (remaining := processes(name)) and time.monotonic() < deadline:
        for pid in remaining:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    return remaining


def remove(name: str) -> None:
    """Remove a group and all groups below it, deepest first."""
    for folder in sorted(_folders(name), key=lambda path: len(path.parts), reverse=True):
        for _ in range(20):  # the kernel may refuse it for a moment after the last process has ended
            try:
                folder.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.05)


def _folders(name: str) -> Iterator[Path]:
    for hierarchy in hierarchies():
        top = hierarchy / name
        for folder, _, _ in os.walk(top):
            yield Path(folder)
