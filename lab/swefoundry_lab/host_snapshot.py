"""Snapshot of this machine's settings that the lab changes, so that `down` can restore them."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from swefoundry_lab.command import run, succeeds
from swefoundry_lab.daemons import boot_id
from swefoundry_lab.layout import Lab

SETTINGS = Path("/proc/sys")
WANTED_SETTINGS = {
    "net/ipv4/ip_forward": "1",
    # Packets between pods of one bridge must pass the firewall, or policies and Services do not apply to them.
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
"""The kubelet sets these for itself."""

NAMESPACES = Path("/run/netns")
"""Made and mounted on itself by iproute2 with the first named namespace."""
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
"""Folders that containerd, kubelet, CNI and iproute2 make wherever the lab's own folder is."""


@dataclass(frozen=True)
class HostSnapshot:
    """The note that `up` leaves for `down`."""

    boot: str
    settings: dict[str, str]
    tables: list[str]
    places: list[str]


def take_snapshot(lab: Lab) -> None:
    """Write the note; the first one since the machine started is the true one."""
    if read_snapshot(lab) is not None:
        return
    if not (SETTINGS / "net/bridge").exists():
        run(["modprobe", "br_netfilter"])
    settings = {name: (SETTINGS / name).read_text().strip() for name in (*WANTED_SETTINGS, *KUBELET_SETTINGS)}
    paths = [str(path) for path in CREATED_PATHS if path.exists()]
    draft = _snapshot_file(lab).with_suffix(".new")
    draft.write_text(
        json.dumps(asdict(HostSnapshot(boot_id(), settings, sorted(firewall_tables()), paths)), indent=1)
    )
    draft.replace(_snapshot_file(lab))


def read_snapshot(lab: Lab) -> HostSnapshot | None:
    """The note of this machine's present run, if there is one: a restart undoes all that it is about."""
    try:
        before = HostSnapshot(**json.loads(_snapshot_file(lab).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return before if before.boot == boot_id() else None


def apply_settings() -> None:
    """Make the kernel forward packets and show bridged ones to the firewall."""
    _write_settings(WANTED_SETTINGS)


def restore_host(lab: Lab) -> None:
    """Put the settings back, remove what was not there, and forget the note."""
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
        if not any(path.iterdir()):  # somebody else's namespaces keep it
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
