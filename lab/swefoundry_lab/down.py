"""Remove the lab without a trace, whatever state it is in.

Nothing here trusts that `up` finished or that a pid file is right: processes are found by their control groups, mounts
by the folders they are in, links, namespaces and firewall tables by their names.
"""

import shutil
import time
from pathlib import Path

from swefoundry_lab import api, cgroups, daemons, host_snapshot, network
from swefoundry_lab.command import run, succeeds
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import LINK_PREFIX, RUNTIME, Lab
from swefoundry_lab.node import Node, runtime_folder, state
from swefoundry_lab.steps import Steps

STOPPED_LAST = ("kube-apiserver", "etcd", "registry")
"""Stopped last, in this order, so that the others do not fill their logs with complaints.

The API server waits for its watches to end, and nobody is left to end them; nothing is lost by not waiting.
"""

CNI_RESULTS = Path("/var/lib/cni/results")
LOG_LINKS = Path("/var/log/containers")


def down(lab: Lab, steps: Steps) -> None:
    """Stop everything and put the machine back as it was."""
    with steps.step("programs"):
        names = daemons.recorded_daemons(lab)
        daemons.stop(lab, *(n for n in names if n.startswith(("kubelet", "netpol", "kube-proxy"))))
    with steps.step("containers"):
        stop_containers()
    with steps.step("control plane"):
        daemons.stop(lab, *(n for n in names if n not in STOPPED_LAST))
        for name in STOPPED_LAST:
            daemons.stop(lab, name, grace_seconds=2)
        _require_no_processes_left(cgroups.kill(cgroups.OURS))
    with steps.step("mounts"):
        unmount((lab.root, RUNTIME))
    with steps.step("network"):
        network.remove_tables(lab)
        network.remove_links()
    with steps.step("control groups and leftovers"):
        cgroups.remove(cgroups.OURS)
        remove_leftovers(lab)
        host_snapshot.restore_host(lab)


def remove_node(lab: Lab, node: Node) -> None:
    """Take one further node away, and what it left in the cluster."""
    programs = (f"{program}-{node.name}" for program in ("kubelet", "kube-proxy", "netpol"))
    daemons.stop(lab, *programs)
    _require_no_processes_left(cgroups.kill(node.cgroup))
    daemons.stop(lab, f"containerd-{node.name}")
    _require_no_processes_left(cgroups.kill(node.program_cgroup))
    unmount((runtime_folder(node), state(lab, node)))
    network.remove_links(f"{node.namespace}*")
    for group in (node.cgroup, node.program_cgroup):
        cgroups.remove(group)
    shutil.rmtree(runtime_folder(node))
    with api.connect(lab) as client:
        client.delete(f"/api/v1/nodes/{node.name}")


def stop_containers() -> None:
    """Kill what runs in any node's pods. The kubelets are gone, so nothing is started again."""
    for folder in cgroups.tracking_folder(cgroups.OURS).glob("lab-*"):
        _require_no_processes_left(cgroups.kill(f"{cgroups.OURS}/{folder.name}"))


def _require_no_processes_left(left: set[int]) -> None:
    if left:
        raise LabError(f"These processes of the lab would not die: {sorted(left)}.")


def unmount(folders: tuple[Path, ...]) -> None:
    """Unmount all that is mounted below some folders, the innermost first."""
    for _ in range(3):  # what propagates between mounts may show up only after the first round
        left = mounts_below(folders)
        if not left:
            return
        for path in reversed(left):
            if not succeeds(["umount", path]):
                succeeds(["umount", "--lazy", path])
        time.sleep(0.1)
    if left := mounts_below(folders):
        raise LabError(f"These mounts of the lab cannot be undone: {left}.")


def mounts_below(folders: tuple[Path, ...]) -> list[str]:
    """Mount points in the order in which they were mounted."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [point for point in points if any(Path(point).is_relative_to(folder) for folder in folders)]


def remove_leftovers(lab: Lab) -> None:
    """The lab's own files in folders that others may use too."""
    for result in CNI_RESULTS.glob(f"{LINK_PREFIX}-*"):
        result.unlink()
    for link in LOG_LINKS.glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(lab.log):
            link.unlink()
    shutil.rmtree(RUNTIME, ignore_errors=True)


def delete_state(lab: Lab, steps: Steps) -> None:
    """Delete the cluster's state. Programs, base images and the registry's content are kept: they are only caches."""
    with steps.step("cluster state"):
        for folder in (lab.state, lab.log, lab.etc):
            # overlayfs leaves folders that rm handles and shutil, which follows no special modes, may not
            run(["rm", "-rf", "--one-file-system", folder])
        lab.kubeconfig.unlink(missing_ok=True)
