"""Checks that the lab can run on this machine; each problem gives one sentence."""

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
from swefoundry_lab.layout import (
    API_PORT,
    ETCD_PEER_PORT,
    ETCD_PORT,
    GIT_PORT,
    POD_RANGE,
    REGISTRY_PORT,
    SCHEDULER_PORT,
    SERVICE_RANGE,
    Lab,
)
from swefoundry_lab.node import resolver_file
from swefoundry_lab.steps import Progress
from swefoundry_lab.versions import Versions

COLD_DISK_GB = 20
"""For Go's caches, programs, base images and pods; about 14 GB were measured."""
WARM_DISK_GB = 4
MIN_GO = 21
"""Minor version of the first Go that downloads a newer toolchain itself."""

PORTS: Mapping[int, str] = {
    REGISTRY_PORT: "registry",
    ETCD_PORT: "etcd",
    ETCD_PEER_PORT: "etcd",
    API_PORT: "kube-apiserver",
    GIT_PORT: "gitserver",
    10249: "kube-proxy-lab-1",
    10250: "kubelet-lab-1",
    10256: "kube-proxy-lab-1",
    10257: "kube-controller-manager",
    SCHEDULER_PORT: "kube-scheduler",
}


def require_root(user: int | None = None) -> None:
    """Raise an error unless the user is root."""
    if (os.geteuid() if user is None else user) != 0:
        raise LabError("The lab needs root (it runs containers and firewall rules). Try again with sudo.")


def require_only_lab(lab: Lab) -> None:
    """Raise an error if another lab runs, because both would use the same ports, links and control groups."""
    if (other := lab.other_owner()) and cgroups.processes(cgroups.LAB_GROUP):
        raise LabError(
            f"Another lab runs on this machine, in {other}. Set SWEFOUNDRY_LAB_DIR={other} to use it."
        )


def require(lab: Lab, versions: Versions) -> None:
    """Raise one error with all problems."""
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
    match = re.search(r"go1\.(\d+)", run(["go", "version"]))
    if match is None or int(match[1]) < MIN_GO:
        yield f"Go 1.{MIN_GO} or newer is needed (it downloads the toolchain that a go.mod requires)."


def disk_problems(lab: Lab, wanted_gb: int) -> Iterator[str]:
    """A problem if the disk of the lab's folder has too little free space."""
    folder = next(path for path in (lab.root, *lab.root.parents) if path.exists())
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < wanted_gb:
        yield f"{folder} has {free_gb:.0f} GB free; the lab needs {wanted_gb}. Set SWEFOUNDRY_LAB_DIR to a larger disk."


def port_problems(lab: Lab, ports: Mapping[int, str]) -> Iterator[str]:
    """A problem for each port (with the program that needs it) on which another program listens."""
    lab_processes = cgroups.processes(cgroups.LAB_GROUP)
    for port, pid in _listeners():
        program = ports.get(port)
        if program is None or pid in lab_processes:
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
    """A problem for each address that the machine needs and that is in the ranges of pods or Services."""
    servers = [
        line.split()[1] for line in resolver_file().read_text().splitlines() if line.startswith("nameserver ")
    ]
    for text in (POD_RANGE, SERVICE_RANGE):
        lab_range = ipaddress.ip_network(text)
        for server in (lab.address, *servers):
            if ipaddress.ip_address(server) in lab_range:
                yield f"{server}, which this machine uses, is in the lab's range {text}."


def install_packages(versions: Versions, progress: Progress) -> None:
    """Install missing Debian packages without starting their services, because the lab starts the programs itself."""
    missing = sorted({package for file, package in versions.debian.items() if not Path(file).exists()})
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LabError(f"These Debian packages are missing and there is no apt-get: {', '.join(missing)}.")
    progress(f"installing {' '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
    with _services_not_started():
        try:
            run(install, env=env)
        except LabError:  # usually the package lists are old or missing
            run(["apt-get", "update", "--quiet"], env=env)
            run(install, env=env)


class _services_not_started:  # noqa: N801 - used like a function
    """Forbids the start of services during the installation of packages with Debian's policy-rc.d."""

    policy = Path("/usr/sbin/policy-rc.d")

    def __enter__(self) -> None:
        self.created = not self.policy.exists()
        if self.created:
            self.policy.write_text("#!/bin/sh\nexit 101\n")
            self.policy.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        if self.created:
            self.policy.unlink()
            _disable_services()


def _disable_services() -> None:
    """Disable Debian's service of the registry, which would start at boot and use the lab's port."""
    subprocess.run(["systemctl", "disable", "docker-registry"], capture_output=True, check=False)
