"""Each node's configuration is well-formed and its own."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from swefoundry_lab import dns, node, pki
from swefoundry_lab.layout import SOURCES, Lab
from swefoundry_lab.node import Node, render

FIRST, SECOND = Node(1, "192.0.2.2"), Node(2, "192.0.2.2")
LAB = Lab(Path("/var/cache/lab"))
FACTS: dict[str, Any] = {
    "lab": LAB,
    "state": "/state",
    "runtime": "/runtime",
    "configuration": "/etc/lab",
    "pause_image": node.PAUSE_IMAGE,
    "dns": "10.96.0.10",
    "pods": "10.244.0.0/16",
    "bridge": "swlab-br",
    "sockets": "/run/swefoundry-lab",
    "mtu": 1400,
    "resolver": "/etc/resolv.conf",
    "kubeconfig": "/etc/lab/proxy.kubeconfig",
}


def test_nodes_share_no_address_range_group_or_folder() -> None:
    def facts(which: Node) -> set[object]:
        return {
            which.name,
            which.namespace,
            which.address,
            which.pod_range,
            which.gateway,
            which.cgroup,
            which.program_cgroup,
            node.state(LAB, which),
            node.runtime_folder(which),
            node.configuration(LAB, which),
        }

    assert not facts(FIRST) & facts(SECOND)


def test_the_first_node_is_the_machine_itself() -> None:
    assert (FIRST.namespace, FIRST.address) == (None, "192.0.2.2")


@pytest.mark.parametrize("which", [FIRST, SECOND], ids=lambda which: which.name)
def test_every_template_is_what_its_reader_expects(which: Node) -> None:
    containerd = tomllib.loads(render("containerd.toml", node=which, **FACTS))
    runtime = containerd["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["cni"]["conf_dir"] == "/etc/lab/cni"
    network = json.loads(render("cni.conflist", node=which, **FACTS))
    assert [plugin["type"] for plugin in network["plugins"]] == ["bridge", "portmap", "introduce"]
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": which.pod_range}]]
    kubelet = yaml.safe_load(render("kubelet.yaml", node=which, **FACTS))
    assert (kubelet["address"], kubelet["cgroupRoot"]) == (which.address, f"/{which.cgroup}")
    assert yaml.safe_load(render("kube-proxy.yaml", node=which, **FACTS))["mode"] == "nftables"


def test_a_template_with_an_unknown_name_is_a_fault() -> None:
    with pytest.raises(Exception, match="is undefined"):
        render("kubelet.yaml", node=FIRST)


def test_sockets_fit_into_the_kernels_limit() -> None:
    assert len(str(node.runtime_folder(SECOND) / "containerd" / "containerd.sock.ttrpc")) < 108


def test_a_kubelets_certificate_says_which_node_it_is(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.prepare()
    pki.ensure_authority(lab)
    identity = pki.node_identity("lab-2", "10.245.2.2")
    pki.ensure_certificate(lab, identity)
    certificate = x509.load_pem_x509_certificate((lab.pki / "kubelet-lab-2.crt").read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=system:node:lab-2,O=system:nodes"
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate((lab.pki / "ca.crt").read_bytes()))
    assert (lab.pki / "kubelet-lab-2.key").stat().st_mode & 0o777 == 0o600


def test_a_certificate_is_made_once_and_again_when_the_address_changes(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.prepare()
    pki.ensure_authority(lab)

    def certificate(address: str) -> bytes:
        pki.ensure_certificate(lab, pki.node_identity("lab-1", address))
        return (lab.pki / "kubelet-lab-1.crt").read_bytes()

    assert certificate("192.0.2.2") == certificate("192.0.2.2")
    assert certificate("192.0.2.2") != certificate("192.0.2.3")


def test_a_dns_question_asks_for_an_address() -> None:
    assert dns.encode_query("git.lab").endswith(b"\x03git\x03lab\x00\x00\x01\x00\x01")


def test_the_cni_plugin_runs_without_any_package_installed() -> None:
    plugin = SOURCES / "swefoundry_lab" / "netpol" / "cni_plugin.py"
    result = {"ips": [{"address": "10.244.0.9/24"}], "cniVersion": "1.0.0"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(plugin)],
        input=json.dumps({"prevResult": result, "sockets": "/nonexistent"}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == result
