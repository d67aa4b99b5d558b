"""Folders, ports and addresses of the lab.

Every other module takes all paths from a `Lab`, so that one variable moves the whole lab.
"""

import os
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from swefoundry_lab.errors import LabError

SOURCES = Path(__file__).resolve().parent.parent
"""The `lab/` folder of the checkout, with go.mod files, templates and pinned versions."""

CONTEXT = "swefoundry-lab"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
REGISTRY_HOST = "registry.lab"
REGISTRY_PORT = 5000
GIT_HOST = "git.lab"
GIT_PORT = 8418
API_PORT = 6443
SCHEDULER_PORT = 10259
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380
RUNTIME = Path("/run/swefoundry-lab")
"""Sockets, mounts and network state of running nodes. They are not in the lab's folder, because root in a user
namespace needs access to the path of its root file system, and a home directory usually denies it to others."""
OWNER = RUNTIME / "owner"
LINK_PREFIX = "swlab"
"""Prefix of all network interfaces of the lab, so that firewall rules and `down` can select them."""


@dataclass(frozen=True)
class Ports:
    """Ports of a control plane and its registry on this machine; a second one of its own needs others."""

    registry: int = REGISTRY_PORT
    api: int = API_PORT
    scheduler: int = SCHEDULER_PORT
    etcd: int = ETCD_PORT
    etcd_peers: int = ETCD_PEER_PORT


@dataclass(frozen=True)
class Lab:
    """The lab's folder, which has everything of the lab except kernel state and `RUNTIME`."""

    root: Path
    ports: Ports = Ports()

    @classmethod
    def from_environment(cls) -> "Lab":
        """The folder named by SWEFOUNDRY_LAB_DIR, else one in the user's cache directory."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(os.environ.get("SWEFOUNDRY_LAB_DIR") or Path(cache) / "swefoundry-lab").absolute())

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def pki(self) -> Path:
        return self.etc / "pki"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    @property
    def rootfs(self) -> Path:
        return self.root / "rootfs"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def git(self) -> Path:
        return self.root / "git"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @cached_property
    def address(self) -> str:
        """This machine's address, which pods use to reach the registry and the git server."""
        return machine_address()

    def claim(self) -> None:
        """Record that this lab runs on the machine. Ports, links and firewall tables allow one lab at a time."""
        RUNTIME.mkdir(parents=True, exist_ok=True)
        OWNER.write_text(str(self.root))

    def other_owner(self) -> str | None:
        """The folder of another lab that was started on this machine and not stopped."""
        owner = OWNER.read_text() if OWNER.exists() else str(self.root)
        return None if owner == str(self.root) else owner

    def prepare(self) -> None:
        """Create the folders."""
        for folder in (self.bin, self.pki, self.run, self.log, self.state, self.registry, self.git):
            folder.mkdir(parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        """The environment of the lab's processes, with the lab's programs first in PATH."""
        path = os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        return {**os.environ, "PATH": f"{self.bin}:{path}", "KUBECONFIG": str(self.kubeconfig)}


def machine_address() -> str:
    """The source address of the default route. To connect a datagram socket sends no packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError as error:
            raise LabError(
                "This machine has no default route; the lab needs an address that pods can reach."
            ) from error
        return str(probe.getsockname()[0])
