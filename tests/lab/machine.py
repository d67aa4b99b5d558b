"""What a lab could leave behind on this machine, as values that can be compared."""

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
FIXED_PLACES = ("/run", "/var/lib", "/var/log", "/etc/cni", "/opt", "/usr/libexec", "/var/run", "/run/netns")


@dataclass(frozen=True)
class Machine:
    """One look at everything."""

    processes: frozenset[str]
    """Those that run a program of the lab's folder or sit in one of its control groups."""
    mounts: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    firewall: str
    control_groups: frozenset[str]
    """Those in which nobody lives but the lab: other software makes and removes its own meanwhile."""
    settings: frozenset[tuple[str, str]]
    files: frozenset[str]


def look(lab: Lab) -> Machine:
    """Take it all in."""
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
        files=frozenset(str(path) for place in FIXED_PLACES for path in Path(place).glob("*")),
    )


def differences(before: Machine, after: Machine) -> dict[str, object]:
    """What is not as it was, by kind."""
    found: dict[str, object] = {}
    for field in fields(Machine):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name == "control_groups":
            old &= new  # others' are gone when their programs are
        if old != new:
            found[field.name] = (old, new) if isinstance(old, str) else sorted(old ^ new)
    return found


def _processes(lab: Lab) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            groups = Path(f"/proc/{process.pid}/cgroup").read_text()
        except (psutil.Error, OSError):
            continue
        program = Path(words[0]) if words else Path()
        started = program.parent == lab.bin and program.name not in ("kubectl", "helm")
        if "/swefoundry-lab" in groups or started:
            found.append(f"{process.pid} {' '.join(words)[:120]}")
    return found


def _control_groups() -> Iterator[str]:
    for path in Path("/sys/fs/cgroup").glob("**/"):
        try:
            inhabited = (path / "cgroup.procs").read_text().split()
        except OSError:
            continue
        if not inhabited or "swefoundry" in str(path) or "kube" in str(path):
            yield str(path)


def _output(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
