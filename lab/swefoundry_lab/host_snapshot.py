"""Snapshot of the machine's settings before `up` changes them, from which `down` restores them."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from swefoundry_lab.command import run, succeeds
from swefoundry_lab.daemons import boot_id
from swefoundry_lab.layout import Lab

SETTINGS = Path("/proc/sys")
REQUIRED_SETTINGS = {
    "net/ipv4/ip_forward": "1",
    # Policies and Services apply to packets between pods of one bridge only if these pass the firewall.
    "net/bridge/bridge-nf-call-iptables": "1",
    "net/bridge/bridge-nf-call-ip6tables": "1",
}
KUBELET_SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
"""Settings that the kubelet changes."""

NAMESPACES = Path("/run/netns")
"""iproute2 creates this folder and mounts it on itself with the first named namespace."""
CREATED_PATHS = (
    NAMESPACES,
    Path("/etc/cni/net.d/cni.lock"),
    Path("/etc/cni/net.d"),
    Path("/etc/cni"),
    Path("/run/containerd"),  # shim sockets
    Path("/run/xtables.lock"),
    Path("/usr/libexec/kubernetes"),
    Path("/var/lib/cni"),
    Path("/var/lib/kubelet"),  # the socket for device plugins
    Path("/var/log/containers"),
)
"""Paths that containerd, kubelet, CNI and iproute2 create outside the lab's folder."""


@dataclass(frozen=True)
class HostSnapshot:
    """Settings, firewall tables and paths of the machine before the lab."""

    boot: str
    settings: dict[str, str]
    tables: list[str]
    places: list[str]
    """Those of `CREATED_PATHS` that existed."""


def take_snapshot(lab: Lab) -> None:
    """Write the snapshot unless there is one of the same boot, which was taken before the lab changed anything."""
    if read_snapshot(lab) is not None:
        return
    if not (SETTINGS / "net/bridge").exists():
        run(["modprobe", "br_netfilter"])
    settings = {
        name: (SETTINGS / name).read_text().strip() for name in (*REQUIRED_SETTINGS, *KUBELET_SETTINGS)
    }
    paths = [str(path) for path in CREATED_PATHS if path.exists()]
    temporary = _snapshot_file(lab).with_suffix(".new")
    temporary.write_text(
        json.dumps(asdict(HostSnapshot(boot_id(), settings, sorted(firewall_tables()), paths)), indent=1)
    )
    temporary.replace(_snapshot_file(lab))


def read_snapshot(lab: Lab) -> HostSnapshot | None:
    """The snapshot of the current boot, if there is one; a reboot restores all settings itself."""
    try:
        before = HostSnapshot(**json.loads(_snapshot_file(lab).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return before if before.boot == boot_id() else None


def apply_settings() -> None:
    """Enable forwarding and firewall rules for bridged packets."""
    _write_settings(REQUIRED_SETTINGS)


def restore_host(lab: Lab) -> None:
    """Restore the settings, remove paths that did not exist, and delete the snapshot."""
    before = read_snapshot(lab)
    if before is None:
        return
    _write_settings(before.settings)
    for path in CREATED_PATHS:
        if path.exists() and str(path) not in before.places:
            _remove_path(path)
    _snapshot_file(lab).unlink()


def _remove_path(path: Path) -> None:
    if path == NAMESPACES:
        if not any(path.iterdir()):  # other programs may have namespaces
            succeeds(["umount", str(path)])
            path.rmdir()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _write_settings(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        if (SETTINGS / name).read_text().strip() != value:
            (SETTINGS / name).write_text(value)


def _snapshot_file(lab: Lab) -> Path:
    return lab.run / "before.json"


def firewall_tables() -> set[str]:
    """The nftables tables of the machine, as `family name`."""
    return {line.removeprefix("table ").strip() for line in run(["nft", "list", "tables"]).splitlines()}
