"""The steps of `up`. Each step first checks what exists, and does only what is missing."""

import importlib.util
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from swefoundry_lab import (
    addons,
    api,
    cgroups,
    controlplane,
    daemons,
    gobuild,
    host_snapshot,
    network,
    node,
    pki,
    prerequisites,
)
from swefoundry_lab.down import delete_state, down
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import Lab
from swefoundry_lab.node import Node
from swefoundry_lab.scratch_images import build_pause, coredns_image, ensure_pushed
from swefoundry_lab.steps import Progress, Steps, wait_until
from swefoundry_lab.versions import GoComponent, read_versions

READY_SECONDS = 60
"""Time limit for one program to become ready. A cold disk and two cores need up to 20 s."""

KUBELET_PAUSE_SECONDS = 0.5
"""The delay of containerd's service for pods is a tenth of a second on an empty node with a warm disk, and seconds
after a crash that left containers: containerd first recovers their state."""


def up(lab: Lab, steps: Steps, nodes: int) -> None:
    """Start the whole lab."""
    versions = read_versions()
    with steps.step("prerequisites") as progress:
        lab.prepare()
        prerequisites.require(lab, versions)
        prerequisites.install_packages(versions, progress)
        lab.claim()
    delete_objects_of_another_etcd(lab, steps)
    machine = Node(1, lab.address)
    with steps.step("certificates and configuration"):
        host_snapshot.take_snapshot(lab)
        network.prepare_machine()
        cgroups.create(cgroups.SYSTEM)
        configure(lab)
        configure_node(lab, machine)
    start_registry(lab, steps)
    missing = [component for component in versions.go.values() if not gobuild.is_built(lab, component)]
    images = (
        steps.in_background("base images", lambda progress: ensure_base_images(lab, progress))
        if missing
        else None
    )
    build_programs(lab, steps, missing)
    start_control_plane(lab, steps)
    with steps.step("pause and CoreDNS images"):
        ensure_pushed(build_pause(lab))
        ensure_pushed(coredns_image(lab))
    start_node(lab, steps, machine)
    with steps.step("cluster DNS") as progress:
        addons.ensure_dns(lab, progress)
    with steps.step("base images") as progress:
        if (
            images
        ):  # built in parallel with the programs, because their builds mostly wait for disk and network
            images.wait()
        ensure_base_images(lab, progress)
    for number in range(2, nodes + 1):
        add_node(lab, steps, Node(number, lab.address))
    delete_absent_nodes(lab)


def delete_objects_of_another_etcd(lab: Lab, steps: Steps) -> None:
    """Stop the lab and delete its state, where another release of etcd has written it."""
    others = set(lab.state.glob("etcd*")) - {controlplane.etcd_data(lab)}
    if others:
        steps.console.print(
            f"The cluster's objects are of another release of etcd ({min(others).name}): deleting them."
        )
        down(lab, steps)
        delete_state(lab, steps)
        lab.prepare()
        lab.claim()


def configure(lab: Lab) -> None:
    """Write certificates and configuration of the control plane."""
    pki.ensure_authority(lab)
    for identity in pki.identities(lab.address):
        pki.ensure_certificate(lab, identity)
    controlplane.write_configuration(lab)


def configure_node(lab: Lab, which: Node) -> None:
    """Write certificate and configuration of one node."""
    pki.ensure_certificate(lab, pki.node_identity(which.name, which.address))
    node.prepare(lab, which)


def start_registry(lab: Lab, steps: Steps) -> None:
    """Start the registry."""
    with steps.step("registry"):
        daemons.ensure(lab, controlplane.registry(lab))
        require_ready(lab, "registry", lambda: _url_responds(f"http://127.0.0.1:{lab.ports.registry}/v2/"))


def build_programs(lab: Lab, steps: Steps, missing: list[GoComponent]) -> None:
    """Build programs that are missing or were built from other versions."""
    for component in missing:
        with steps.step(f"{component.name} {component.version}") as progress:
            progress(f"building {component.name} ({component.build_time} when nothing is cached)")
            gobuild.build(lab, component)


def start_control_plane(lab: Lab, steps: Steps) -> None:
    """Start the control plane and the git server."""
    start_api_server(lab, steps)
    with steps.step("controllers, scheduler, git server"):
        daemons.ensure(lab, controlplane.controller_manager(lab))
        daemons.ensure(lab, controlplane.scheduler(lab))
        if importlib.util.find_spec("swefoundry_lab.gitserver"):
            daemons.ensure(lab, controlplane.git_server(lab))


def start_api_server(lab: Lab, steps: Steps) -> None:
    """Start etcd and the API server."""
    with steps.step("etcd"):
        daemons.ensure(lab, controlplane.etcd(lab))
        require_ready(lab, "etcd", lambda: _url_responds(f"http://127.0.0.1:{lab.ports.etcd}/health"))
    with steps.step("kube-apiserver"), api.connect(lab) as client:
        daemons.ensure(lab, controlplane.apiserver(lab))
        require_ready(lab, "kube-apiserver", lambda: api.is_ready(client))


def start_node(lab: Lab, steps: Steps, which: Node) -> None:
    """Start a node's programs and wait until the node is Ready."""
    with steps.step(f"node {which.name}"):
        netpol, containerd = node.netpol(lab, which), node.containerd(lab, which)
        daemons.ensure(lab, netpol)
        daemons.ensure(lab, containerd)
        daemons.ensure(lab, node.kube_proxy(lab, which))
        # The policy table must exist before the first pod starts, and a kubelet without containerd exits at once.
        require_ready(lab, netpol.name, lambda: network.has_policy_table(which))
        require_ready(lab, containerd.name, lambda: _socket_accepts(node.containerd_socket(which)))
        start_kubelet(lab, which)


def start_kubelet(lab: Lab, which: Node) -> None:
    """Start the kubelet, and start it again while it exits, as a service manager would.

    containerd listens before its service for pods is available, and a kubelet that connects then exits at once.
    """
    kubelet = node.kubelet(lab, which)
    deadline = time.monotonic() + READY_SECONDS
    with api.connect(lab) as client:
        daemons.ensure(lab, kubelet)
        while _ended_before_ready(lab, client, which) and time.monotonic() < deadline:
            time.sleep(KUBELET_PAUSE_SECONDS)
            daemons.ensure(lab, kubelet)
        require_ready(lab, kubelet.name, lambda: _is_ready(lab, client, which))


def _ended_before_ready(lab: Lab, client: httpx.Client, which: Node) -> bool:
    """Wait until the node is Ready or its kubelet has ended; return whether it has ended."""

    def ended() -> bool:
        return not daemons.is_alive(daemons.read_record(lab, f"kubelet-{which.name}"))

    wait_until(lambda: ended() or _is_ready(lab, client, which), READY_SECONDS)
    return ended()


def _is_ready(lab: Lab, client: httpx.Client, which: Node) -> bool:
    started = daemons.started_at(daemons.read_record(lab, f"kubelet-{which.name}"))
    return api.is_node_ready(client, which.name, started)


def add_node(lab: Lab, steps: Steps, which: Node) -> None:
    """Add a further node: its link to the machine, its configuration and its programs."""
    with steps.step(f"link to {which.name}"):
        network.connect(which)
        configure_node(lab, which)
    start_node(lab, steps, which)


def delete_absent_nodes(lab: Lab) -> None:
    """Delete Node objects of nodes that were not started: otherwise they would remain as lost nodes with their pods."""
    with api.connect(lab) as client:
        for name in api.node_names(client):
            if daemons.read_record(lab, f"kubelet-{name}") is None:
                client.delete(f"/api/v1/nodes/{name}").raise_for_status()


def ensure_base_images(lab: Lab, progress: Progress) -> None:
    """Build and push the base images of recipes, under their usual names."""
    if not importlib.util.find_spec("swefoundry_lab.images"):
        progress("not available")
        return
    from swefoundry_lab import images

    images.ensure(lab, progress)


def require_ready(lab: Lab, name: str, is_ready: Callable[[], bool]) -> None:
    """Wait until a program is ready; raise an error with the end of its log if it ends or does not become ready."""

    def ended() -> bool:
        return not daemons.is_alive(daemons.read_record(lab, name))

    ready = wait_until(lambda: is_ready() or ended(), READY_SECONDS, pause=0.05)
    if not ready or ended():
        what = "ended" if ended() else f"was not ready within {READY_SECONDS} s"
        log = daemons.log_file(lab, name)
        raise LabError(f"{name} {what}. The end of {log}:\n{daemons.log_excerpt(lab, name)}")


def _url_responds(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2).is_success
    except httpx.TransportError:
        return False


def _socket_accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as channel:
        return channel.connect_ex(str(path)) == 0
