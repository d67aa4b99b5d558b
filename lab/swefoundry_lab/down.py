"""Stop the lab and remove everything that it changed on the machine, in whatever state it is.

It does not depend on a finished `up` or on pid files: processes are found by their control groups, mounts by their
folders, and links, namespaces and firewall tables by their names.
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
"""Stopped last, in this order, so that the other programs do not fill their logs with errors.

The API server waits for its watches to end, and their clients are stopped already; so its grace period is short.
"""

CNI_RESULTS = Path("/var/lib/cni/results")
LOG_LINKS = Path("/var/log/containers")


def down(lab: Lab, steps: Steps) -> None:
    """Stop all programs and restore the machine's settings."""
    with steps.step("programs"):
        names = daemons.recorded_daemons(lab)
        daemons.stop(lab, *(n for n in names if n.startswith(("kubelet", "netpol", "kube-proxy"))))
    with steps.step("containers"):
        stop_containers()
    with steps.step("control plane"):
        daemons.stop(lab, *(n for n in names if n not in STOPPED_LAST))
        for name in STOPPED_LAST:
            daemons.stop(lab, name, grace_seconds=2)
        _require_no_processes_left(cgroups.kill(cgroups.LAB_GROUP))
    with steps.step("mounts"):
        unmount((lab.root, RUNTIME))
    with steps.step("network"):
        network.remove_tables(lab)
        network.remove_links()
    with steps.step("control groups and leftovers"):
        cgroups.remove(cgroups.LAB_GROUP)
        remove_leftovers(lab)
        host_snapshot.restore_host(lab)


def remove_node(lab: Lab, node: Node) -> None:
    """Stop a further node and delete its Node object."""
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
    """Kill all containers of all nodes. The kubelets are stopped already, so that none is started again."""
    for folder in cgroups.tracking_folder(cgroups.LAB_GROUP).glob("lab-*"):
        _require_no_processes_left(cgroups.kill(f"{cgroups.LAB_GROUP}/{folder.name}"))


def _require_no_processes_left(remaining: set[int]) -> None:
    if remaining:
        raise LabError(f"These processes of the lab could not be killed: {sorted(remaining)}.")


def unmount(folders: tuple[Path, ...]) -> None:
    """Unmount everything below the folders, the innermost first."""
    for _ in range(3):  # mounts that propagate may be visible only after the first round
        remaining = mounts_below(folders)
        if not remaining:
            return
        for path in reversed(remaining):
            if not succeeds(["umount", path]):
                succeeds(["umount", "--lazy", path])
        time.sleep(0.1)
    if remaining := mounts_below(folders):
        raise LabError(f"These mounts of the lab could not be removed: {remaining}.")


def mounts_below(folders: tuple[Path, ...]) -> list[str]:
    """Mount points below the folders, in the order in which they were mounted."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [point for point in points if any(Path(point).is_relative_to(folder) for folder in folders)]


def remove_leftovers(lab: Lab) -> None:
    """Delete the lab's files in folders that other programs may use, too."""
    for result in CNI_RESULTS.glob(f"{LINK_PREFIX}-*"):
        result.unlink()
    for link in LOG_LINKS.glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(lab.log):
            link.unlink()
    shutil.rmtree(RUNTIME, ignore_errors=True)


def delete_state(lab: Lab, steps: Steps) -> None:
    """Delete the cluster's state. Programs, base images and the registry's content are kept as caches."""
    with steps.step("cluster state"):
        for folder in (lab.state, lab.log, lab.etc):
            # rm can delete the folders that overlayfs leaves; shutil may fail because of their modes
            run(["rm", "-rf", "--one-file-system", folder])
        lab.kubeconfig.unlink(missing_ok=True)
