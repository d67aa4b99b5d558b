"""Control groups of the lab: everything that the lab starts is below one of them.

    /swefoundry-lab/system          the control plane and the registry
    /swefoundry-lab/system-<node>   that node's programs, also its container shims, which detach from containerd
    /swefoundry-lab/<node>          the cgroup root of that node's kubelet: all its containers

So `down` finds every process of the lab without guessing from names, whatever became of the pid files.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OURS = "swefoundry-lab"
SYSTEM = f"{OURS}/system"
CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


def is_unified() -> bool:
    """Whether this machine has cgroup v2 alone."""
    return (ROOT / "cgroup.controllers").is_file()


def hierarchies() -> list[Path]:
    """The mount point of each hierarchy: one with cgroup v2, one per controller with v1."""
    if is_unified():
        return [ROOT]
    return [path for path in sorted(ROOT.iterdir()) if not path.is_symlink() and path.is_mount()]


def make(name: str) -> None:
    """Make a group in every hierarchy, ready to hold the groups of a kubelet."""
    for hierarchy in hierarchies():
        folder = hierarchy
        for part in name.split("/"):
            _open_for_children(folder)
            folder = folder / part
            folder.mkdir(exist_ok=True)
            _inherit_cpuset(folder)
        if not name.startswith(SYSTEM):  # v2 lets a group hold processes or hand controllers down, not both
            _open_for_children(folder)


def _inherit_cpuset(folder: Path) -> None:
    """A new v1 cpuset is empty and refuses processes until it has cpus and memory nodes."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        value, above = folder / setting, folder.parent / setting
        if not is_unified() and value.is_file() and not value.read_text().strip():
            value.write_text(above.read_text())


def _open_for_children(folder: Path) -> None:
    """In v2 a group enables controllers for its children only when this file says so."""
    control = folder / "cgroup.subtree_control"
    if not is_unified() or not control.is_file():
        return
    offered = (folder / "cgroup.controllers").read_text().split()
    control.write_text(" ".join(f"+{name}" for name in CONTROLLERS if name in offered))


def tracking_folder(name: str) -> Path:
    """The one folder of a group whose `cgroup.procs` the lab's own programs enter."""
    hierarchy = ROOT if is_unified() else next(h for h in (ROOT / "pids", *hierarchies()) if h.is_dir())
    return hierarchy / name


def processes(name: str) -> set[int]:
    """The processes in a group and in all groups below it, over all hierarchies."""
    found: set[int] = set()
    for folder in _folders(name):
        try:
            found |= {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
        except OSError:  # the group went away with its last container while we looked
            continue
    return found - {os.getpid()}


def kill(name: str, timeout_seconds: float = 10) -> set[int]:
    """Kill all processes of a group until none is left; return those that would not die."""
    give_up = time.monotonic() + timeout_seconds
    while (left := processes(name)) and time.monotonic() < give_up:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    return left


def remove(name: str) -> None:
    """Remove a group and all below it, deepest first."""
    for folder in sorted(_folders(name), key=lambda path: len(path.parts), reverse=True):
        for _ in range(20):  # the kernel may take a moment to notice that the last process is gone
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
