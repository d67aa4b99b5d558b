"""Programs of a node and their configuration: containerd, kubelet, kube-proxy, policy enforcement.

The first node is the machine itself. Further nodes are the same programs in a network namespace (see `network.py`).
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import jinja2

from swefoundry_lab import cgroups
from swefoundry_lab.controlplane import kubeconfig, write_if_changed
from swefoundry_lab.daemons import Daemon
from swefoundry_lab.layout import (
    DNS_SERVICE,
    LINK_PREFIX,
    POD_RANGE,
    REGISTRY_HOST,
    REGISTRY_PORT,
    RUNTIME,
    SOURCES,
    Lab,
)
from swefoundry_lab.pki import node_identity, write_kubeconfig

PAUSE_IMAGE = f"{REGISTRY_HOST}:{REGISTRY_PORT}/swefoundry-lab/pause:1"


@dataclass(frozen=True)
class Node:
    """One node of the lab. Number 1 is the machine itself."""

    number: int
    machine_address: str

    @property
    def name(self) -> str:
        return f"lab-{self.number}"

    @property
    def namespace(self) -> str | None:
        """The node's network namespace; None for the first node, which has the machine's."""
        return None if self.number == 1 else f"{LINK_PREFIX}-{self.number}"

    @property
    def address(self) -> str:
        return self.machine_address if self.number == 1 else f"10.245.{self.number}.2"

    @property
    def pod_range(self) -> str:
        return f"10.244.{self.number - 1}.0/24"

    @property
    def gateway(self) -> str:
        """The bridge's address, which is the node's address for its pods."""
        return f"10.244.{self.number - 1}.1"

    @property
    def cgroup(self) -> str:
        """Control group of the node's containers."""
        return f"{cgroups.LAB_GROUP}/{self.name}"

    @property
    def program_cgroup(self) -> str:
        """Control group of the node's programs and container shims."""
        return f"{cgroups.SYSTEM}-{self.name}"

    def daemon(self, program: str, argv: tuple[str, ...], reads: tuple[Path, ...]) -> Daemon:
        """One of the node's programs."""
        return Daemon(f"{program}-{self.name}", argv, reads, self.namespace, self.program_cgroup)


def prepare(lab: Lab, node: Node) -> None:
    """Write the configuration of the node's programs, and create their folders and control groups."""
    cgroups.create(node.cgroup)
    cgroups.create(node.program_cgroup)
    for folder in (state(lab, node) / "kubelet", runtime_folder(node), lab.log / "pods" / node.name):
        folder.mkdir(parents=True, exist_ok=True)
    write_kubeconfig(lab, kubeconfig(lab, f"kubelet-{node.name}"), node_identity(node.name, node.address))
    values = _template_values(lab, node)
    for template in ("containerd.toml", "kubelet.yaml", "kube-proxy.yaml"):
        write_if_changed(configuration(lab, node) / template, render(template, **values))
    network = render("cni.conflist", **values)
    write_if_changed(configuration(lab, node) / "cni" / "10-lab.conflist", network)
    _write_registry_hosts(lab, node)
    _write_cni_plugin(lab)


def render(template: str, **values: object) -> str:
    """Render one file of lab/templates; an unknown name is an error, not an empty string."""
    source = (SOURCES / "templates" / template).read_text()
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    return environment.from_string(source).render(**values)


def _template_values(lab: Lab, node: Node) -> dict[str, object]:
    return {
        "lab": lab,
        "node": node,
        "state": state(lab, node),
        "runtime": runtime_folder(node),
        "configuration": configuration(lab, node),
        "pause_image": PAUSE_IMAGE,
        "dns": DNS_SERVICE,
        "pods": POD_RANGE,
        "bridge": f"{LINK_PREFIX}-br",
        "sockets": RUNTIME,
        "mtu": machine_mtu(),
        "resolver": resolver_file(),
        "kubeconfig": kubeconfig(lab, "proxy"),
    }


def machine_mtu() -> int:
    """The smallest MTU of the machine's physical links; with a larger one, pods would lose big packets."""
    links = Path("/sys/class/net").iterdir()
    return min(
        (int((link / "mtu").read_text()) for link in links if (link / "device").exists()), default=1500
    )


def resolver_file() -> Path:
    """A resolv.conf for pods, which cannot use a stub resolver on the node's loopback."""
    file, upstream = Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")
    servers = [line.split()[1] for line in file.read_text().splitlines() if line.startswith("nameserver ")]
    return upstream if upstream.exists() and all(s.startswith("127.") for s in servers) else file


def _write_registry_hosts(lab: Lab, node: Node) -> None:
    """Configure containerd to pull images of docker.io and registry.lab from the lab's registry by plain HTTP."""
    local = f"http://{node.machine_address}:{REGISTRY_PORT}"
    for host in ("docker.io", f"{REGISTRY_HOST}:{REGISTRY_PORT}"):
        text = f'server = "{local}"\n\n[host."{local}"]\n  capabilities = ["pull", "resolve"]\n'
        write_if_changed(configuration(lab, node) / "certs.d" / host / "hosts.toml", text)


def _write_cni_plugin(lab: Lab) -> None:
    """Write the CNI plugin, with an interpreter that remains when the checkout's virtualenv is deleted."""
    source = (SOURCES / "swefoundry_lab" / "netpol" / "cni_plugin.py").read_text()
    write_if_changed(lab.etc / "cni" / "introduce.py", source)
    python = Path(sys.base_prefix) / "bin" / "python3"
    plugin = lab.etc / "cni" / "introduce"
    write_if_changed(plugin, render("introduce.sh", python=python, script=lab.etc / "cni" / "introduce.py"))
    plugin.chmod(0o755)


def containerd(lab: Lab, node: Node) -> Daemon:
    """The container runtime, with the node's root, state and socket."""
    config = configuration(lab, node) / "containerd.toml"
    argv = (f"{lab.bin}/containerd", "--config", str(config))
    return node.daemon("containerd", argv, reads=(config,))


def kubelet(lab: Lab, node: Node) -> Daemon:
    """The kubelet."""
    config = configuration(lab, node) / "kubelet.yaml"
    argv = (
        f"{lab.bin}/kubelet",
        f"--config={config}",
        f"--kubeconfig={kubeconfig(lab, f'kubelet-{node.name}')}",
        f"--root-dir={state(lab, node)}/kubelet",
        f"--cert-dir={state(lab, node)}/kubelet/pki",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
    )
    certificate = lab.pki / f"kubelet-{node.name}.crt"
    return node.daemon("kubelet", argv, reads=(config, certificate))


def kube_proxy(lab: Lab, node: Node) -> Daemon:
    """kube-proxy, which writes nftables rules for Services in the node's network namespace."""
    config = configuration(lab, node) / "kube-proxy.yaml"
    argv = (f"{lab.bin}/kube-proxy", f"--config={config}", f"--hostname-override={node.name}")
    return node.daemon("kube-proxy", argv, reads=(config,))


def netpol(lab: Lab, node: Node) -> Daemon:
    """NetworkPolicy enforcement for the pods of this node."""
    argv = (sys.executable, "-m", "swefoundry_lab.netpol", "--kubeconfig", str(kubeconfig(lab, "netpol")))
    options = (
        "--pods",
        POD_RANGE,
        "--gateway",
        node.gateway,
        "--socket",
        f"{runtime_folder(node)}/netpol.sock",
    )
    sources = tuple(sorted((SOURCES / "swefoundry_lab" / "netpol").glob("*.py")))
    return node.daemon("netpol", (*argv, *options), reads=sources)


def state(lab: Lab, node: Node) -> Path:
    """The node's persistent state: images, pod folders."""
    return lab.state / node.name


def runtime_folder(node: Node) -> Path:
    """Sockets and mounts of the running node."""
    return RUNTIME / node.name


def containerd_socket(node: Node) -> Path:
    """Socket of the node's containerd."""
    return runtime_folder(node) / "containerd.sock"


def configuration(lab: Lab, node: Node) -> Path:
    """Folder of the node's configuration files."""
    return lab.etc / node.name
