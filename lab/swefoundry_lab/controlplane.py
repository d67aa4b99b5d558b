"""Command lines and configuration of the registry, the git server, etcd and the Kubernetes control plane."""

import sys
from pathlib import Path

from swefoundry_lab.daemons import Daemon
from swefoundry_lab.layout import GIT_PORT, SERVICE_RANGE, Lab
from swefoundry_lab.pki import identities, write_kubeconfig
from swefoundry_lab.versions import read_versions

REGISTRY_CONFIG = """version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: true, age: 24h, interval: 24h, dryrun: false}}}}
http:
  addr: 0.0.0.0:{port}
  headers: {{X-Content-Type-Options: [nosniff]}}
"""

LEASES = ("--leader-elect=false", "--kube-api-qps=200", "--kube-api-burst=400")
"""Without leader election, because one instance of each runs, and with a high limit of API requests."""


def write_configuration(lab: Lab) -> None:
    """Write the configuration files of the programs below."""
    config = REGISTRY_CONFIG.format(root=lab.registry, port=lab.ports.registry)
    write_if_changed(lab.etc / "registry.yaml", config)
    for identity in identities(lab.address):
        if identity.file in ("controller-manager", "scheduler", "proxy", "netpol"):
            write_kubeconfig(lab, kubeconfig(lab, identity.file), identity)
        if identity.file == "admin":
            write_kubeconfig(lab, lab.kubeconfig, identity)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file only if its content changes, so that its modification time shows the last change."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def kubeconfig(lab: Lab, component: str) -> Path:
    """Path of a component's kubeconfig."""
    return lab.etc / f"{component}.kubeconfig"


def registry(lab: Lab) -> Daemon:
    """Debian's docker-registry with plain HTTP, for the machine and for pods."""
    config = lab.etc / "registry.yaml"
    return Daemon("registry", ("/usr/bin/docker-registry", "serve", str(config)), reads=(config,))


def git_server(lab: Lab) -> Daemon:
    """The git server with plain HTTP, for sources that tests create."""
    argv = (sys.executable, "-m", "swefoundry_lab.gitserver", "--root", str(lab.git), "--port", str(GIT_PORT))
    return Daemon("gitserver", argv)


def etcd(lab: Lab) -> Daemon:
    """One etcd member on loopback. It runs without fsync, because the disk is slow and the lab can be reset."""
    return Daemon(
        "etcd",
        (
            str(lab.bin / "etcd"),
            "--name=lab",
            f"--data-dir={etcd_data(lab)}",
            f"--listen-client-urls=http://127.0.0.1:{lab.ports.etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{lab.ports.etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{lab.ports.etcd_peers}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{lab.ports.etcd_peers}",
            f"--initial-cluster=lab=http://127.0.0.1:{lab.ports.etcd_peers}",
            "--unsafe-no-fsync",
            "--auto-compaction-retention=5m",
            "--quota-backend-bytes=4294967296",
            "--log-level=warn",
        ),
    )


def etcd_data(lab: Lab) -> Path:
    """The folder of the cluster's objects, by release: etcd reads its own files and those of the release before."""
    release = read_versions().go["etcd"].version.rpartition(".")[0]
    return lab.state / f"etcd-{release}"


def apiserver(lab: Lab) -> Daemon:
    """The API server: RBAC, node restriction, pod security admission and signed service account tokens."""
    pki = lab.pki
    return Daemon(
        "kube-apiserver",
        (
            f"{lab.bin}/kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{lab.ports.etcd}",
            f"--advertise-address={lab.address}",
            f"--secure-port={lab.ports.api}",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            # The default is the node's name, which does not resolve on this machine.
            "--kubelet-preferred-address-types=InternalIP",
            "--profiling=false",
        ),
        reads=(pki / "apiserver.crt", pki / "ca.crt"),
    )


def controller_manager(lab: Lab) -> Daemon:
    """The controllers; a node counts as lost after 16 s."""
    config = kubeconfig(lab, "controller-manager")
    return Daemon(
        "kube-controller-manager",
        (
            f"{lab.bin}/kube-controller-manager",
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            f"--root-ca-file={lab.pki}/ca.crt",
            f"--service-account-private-key-file={lab.pki}/sa.key",
            "--use-service-account-credentials",
            # The default is a folder in /usr/libexec.
            f"--flex-volume-plugin-dir={lab.state}/volume-plugins",
            # Kubelets here renew their lease every 2.5 s (see node.py), so the default of 50 s is not needed.
            "--node-monitor-grace-period=16s",
            "--node-monitor-period=2s",
            *LEASES,
        ),
        reads=(config, lab.pki / "ca.crt"),
    )


def scheduler(lab: Lab) -> Daemon:
    """The default scheduler."""
    config = kubeconfig(lab, "scheduler")
    return Daemon(
        "kube-scheduler",
        (
            f"{lab.bin}/kube-scheduler",
            f"--secure-port={lab.ports.scheduler}",
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            *LEASES,
        ),
        reads=(config,),
    )
