"""Snapshot of everything on this machine that a lab could leave, for comparison."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from swefoundry_lab.layout import Lab

SETTINGS = (
    "net/ipv4/ip_forward",
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
FIXED_PATHS = ("/run", "/var/lib", "/var/log", "/etc/cni", "/opt", "/usr/libexec", "/var/run", "/run/netns")


@dataclass(frozen=True)
class Machine:
    """State of the machine at one moment."""

    processes: frozenset[str]
    """Processes that run a program of the lab's folder or are in one of its control groups."""
    mounts: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    firewall: str
    control_groups: frozenset[str]
    """Control groups of the lab, and empty ones: other software creates and removes its own at any time."""
    settings: frozenset[tuple[str, str]]
    files: frozenset[str]


def take_snapshot(lab: Lab) -> Machine:
    """Read the current state."""
    mounts = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    routes = (*_output("ip", "route", "show", "table", "all"), *_output("ip", "rule"))
    return Machine(
        processes=frozenset(_processes(lab)),
        mounts=frozenset(mounts),
        links=frozenset(line.split()[0] for line in _output("ip", "-brief", "link")),
        routes=frozenset(route for route in routes if "cache" not in route),
        firewall="\n".join(_output("nft", "list", "ruleset")),
        control_groups=frozenset(_control_groups()),
        settings=frozenset((name, Path("/proc/sys", name).read_text().strip()) for name in SETTINGS),
        files=frozenset(str(path) for folder in FIXED_PATHS for path in Path(folder).glob("*")),
    )


def differences(before: Machine, after: Machine) -> dict[str, object]:
    """Changes between two snapshots, by kind."""
    found: dict[str, object] = {}
    for field in fields(Machine):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name == "control_groups":
            old &= new  # other software's groups disappear with its processes
        if old != new:
            found[field.name] = (old, new) if isinstance(old, str) else sorted(old ^ new)
    return found


def _processes(lab: Lab) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            groups = Path(f"/proc/{process.pid}/cgroup").read_text()
        except (psutil.Error, OSError):
            continue
        program = Path(command[0]) if command else Path()
        of_lab = program.parent == lab.bin and program.name not in ("kubectl", "helm")
        if "/swefoundry-lab" in groups or of_lab:
            found.append(f"{process.pid} {' '.join(command)[:120]}")
    return found


def _control_groups() -> Iterator[str]:
    for path in Path("/sys/fs/cgroup").glob("**/"):
        try:
            members = (path / "cgroup.procs").read_text().split()
        except OSError:
            continue
        if not members or "swefoundry" in str(path) or "kube" in str(path):
            yield str(path)


def _output(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
