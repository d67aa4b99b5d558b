"""Check that the lab can run on this machine. Each thing that is missing is one clear sentence."""

import ipaddress
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from swefoundry_lab import cgroups, daemons
from swefoundry_lab.command import run
from swefoundry_lab.errors import LabError
from swefoundry_lab.gobuild import is_built
from swefoundry_lab.layout import API_PORT, GIT_PORT, POD_RANGE, REGISTRY_PORT, SERVICE_RANGE, Lab
from swefoundry_lab.node import resolver_file
from swefoundry_lab.steps import Progress
from swefoundry_lab.versions import Versions

COLD_DISK_GB = 20
"""Go's caches, the programs, base images and pods together; measured at about 14 GB."""
WARM_DISK_GB = 4
OLDEST_GO = 21
"""The first Go that fetches a newer toolchain by itself."""

PORTS: Mapping[int, str] = {
    REGISTRY_PORT: "registry",
    2379: "etcd",
    2380: "etcd",
    API_PORT: "kube-apiserver",
    GIT_PORT: "gitserver",
    10249: "kube-proxy-lab-1",
    10250: "kubelet-lab-1",
    10256: "kube-proxy-lab-1",
    10257: "kube-controller-manager",
    10259: "kube-scheduler",
}


def require_root(user: int | None = None) -> None:
    """Everything in the lab needs root, so this is checked first."""
    if (os.geteuid() if user is None else user) != 0:
        raise LabError("The lab needs root (it runs containers and firewall rules). Try again with sudo.")


def require_only_lab(lab: Lab) -> None:
    """Two labs would share ports, links and control groups; stopping one would stop half of the other."""
    if (other := lab.other_owner()) and cgroups.processes(cgroups.OURS):
        raise LabError(
            f"Another lab runs on this machine, in {other}. Set SWEFOUNDRY_LAB_DIR={other} to use it."
        )


def require(lab: Lab, versions: Versions) -> None:
    """Say everything that is missing, at once."""
    problems = list(_problems(lab, versions))
    if problems:
        raise LabError("\n".join(problems))


def _problems(lab: Lab, versions: Versions) -> Iterator[str]:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        yield f"The lab runs on Linux x86_64; this is {platform.system()} {platform.machine()}."
    built = all(is_built(lab, component) for component in versions.go.values())
    if not built:
        yield from _go_problems()
    yield from disk_problems(lab, WARM_DISK_GB if built else COLD_DISK_GB)
    yield from port_problems(lab, PORTS)
    yield from _address_problems(lab)
    if not cgroups.is_unified() and not (cgroups.ROOT / "memory").is_dir():
        yield "No control groups are mounted at /sys/fs/cgroup; the kubelet needs them."


def _go_problems() -> Iterator[str]:
    if shutil.which("go") is None:
        yield "Go is not installed. The lab builds Kubernetes with it: install Go 1.21 or newer."
        return
    found = re.search(r"go1\.(\d+)", run(["go", "version"]))
    if found is None or int(found[1]) < OLDEST_GO:
        yield f"Go 1.{OLDEST_GO} or newer is needed (it fetches the toolchain that a go.mod asks for)."


def disk_problems(lab: Lab, wanted_gb: int) -> Iterator[str]:
    """Whether the disk under the lab's folder has room."""
    folder = next(path for path in (lab.root, *lab.root.parents) if path.exists())
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < wanted_gb:
        yield f"{folder} has {free_gb:.0f} GB free; the lab needs {wanted_gb}. Set SWEFOUNDRY_LAB_DIR to a larger disk."


def port_problems(lab: Lab, ports: Mapping[int, str]) -> Iterator[str]:
    """Ports (with the program that wants each) that somebody else listens on."""
    ours = cgroups.processes(cgroups.OURS)
    for port, pid in _listeners():
        program = ports.get(port)
        if program is None or pid in ours:
            continue
        if pid is None and daemons.is_alive(daemons.read_record(lab, program)):
            continue
        yield f"Port {port} (for {program}) is in use by {_process_name(pid)}; stop it first."


def _listeners() -> Iterator[tuple[int, int | None]]:
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            yield connection.laddr.port, connection.pid


def _process_name(pid: int | None) -> str:
    if pid is None:
        return "an unknown process"
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.NoSuchProcess:
        return f"pid {pid}"


def _address_problems(lab: Lab) -> Iterator[str]:
    """The pods' and Services' ranges must not hide anything that the machine needs to reach."""
    servers = [
        line.split()[1] for line in resolver_file().read_text().splitlines() if line.startswith("nameserver ")
    ]
    for text in (POD_RANGE, SERVICE_RANGE):
        lab_range = ipaddress.ip_network(text)
        for server in (lab.address, *servers):
            if ipaddress.ip_address(server) in lab_range:
                yield f"{server}, which this machine uses, lies in the lab's own range {text}."


def install_packages(versions: Versions, progress: Progress) -> None:
    """Install what Debian has, without letting its services start: the lab starts its own copies."""
    missing = sorted({package for file, package in versions.debian.items() if not Path(file).exists()})
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LabError(f"These Debian packages are missing and there is no apt-get: {', '.join(missing)}.")
    progress(f"installing {' '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
    with _services_held_back():
        try:
            run(install, env=env)
        except LabError:  # most often the package lists are old or were never fetched
            run(["apt-get", "update", "--quiet"], env=env)
            run(install, env=env)


class _services_held_back:  # noqa: N801 - reads as a statement where it is used
    """While packages are installed, policy-rc.d forbids starting services, as Debian's policy provides."""

    policy = Path("/usr/sbin/policy-rc.d")

    def __enter__(self) -> None:
        self.ours = not self.policy.exists()
        if self.ours:
            self.policy.write_text("#!/bin/sh\nexit 101\n")
            self.policy.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        if self.ours:
            self.policy.unlink()
            _disable_services()


def _disable_services() -> None:
    """Without this, Debian's own copies would start with the machine and take the lab's ports."""
    for service in ("etcd", "docker-registry"):
        subprocess.run(["systemctl", "disable", service], capture_output=True, check=False)
