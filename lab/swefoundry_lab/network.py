"""Changes to this machine's network, and their removal.

swlab-br         the bridge of a node's pods (created by the CNI plugin)
swlab-2, -2n     the two ends of the link to the second node, and that node's network namespace `swlab-2`
ip swlab-nat     nftables: connections of pods to other hosts have the machine's address
inet swlab-policy   nftables: see the netpol package
ip[6] kube-proxy    nftables: Services (created by kube-proxy)
"""

import json
from pathlib import Path

from swefoundry_lab import host_snapshot
from swefoundry_lab.command import run, succeeds
from swefoundry_lab.layout import LINK_PREFIX, POD_RANGE, Lab
from swefoundry_lab.node import Node

LINK_RANGE = "10.245.0.0/16"
"""Addresses of the links between the machine and further nodes."""

NAT = f"""table ip {LINK_PREFIX}-nat {{}}
delete table ip {LINK_PREFIX}-nat
table ip {LINK_PREFIX}-nat {{
  chain out {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {{ {POD_RANGE}, {LINK_RANGE} }} ip daddr != {{ {POD_RANGE}, {LINK_RANGE} }} masquerade
  }}
}}
"""


def prepare_machine() -> None:
    """Enable forwarding, firewall rules for bridged packets, and masquerading."""
    host_snapshot.apply_settings()
    if f"ip {LINK_PREFIX}-nat" not in host_snapshot.firewall_tables():
        run(["nft", "-f", "-"], stdin=NAT)


def has_policy_table(node: Node) -> bool:
    """Whether the node has the policy table, which drops packets of unknown pods."""
    inside = ["nsenter", f"--net=/run/netns/{node.namespace}"] if node.namespace else []
    return succeeds([*inside, "nft", "list", "chain", "inet", f"{LINK_PREFIX}-policy", "forwarded"])


def remove_tables(lab: Lab) -> None:
    """Delete the tables of the lab and of kube-proxy, and the port mappings of pods that were not removed."""
    lab_tables = {f"ip {LINK_PREFIX}-nat", f"inet {LINK_PREFIX}-policy", "ip kube-proxy", "ip6 kube-proxy"}
    for table in sorted(host_snapshot.firewall_tables() & lab_tables):
        run(["nft", "delete", "table", *table.split()])
    for family in ("ip", "ip6"):
        _remove_port_mappings(lab, family)


def _remove_port_mappings(lab: Lab, family: str) -> None:
    """Delete the rules of the CNI portmap plugin, which are in chains named CNI-… of the nat table."""
    table = f"{family} nat"
    if table not in host_snapshot.firewall_tables():
        return
    snapshot = host_snapshot.read_snapshot(lab)
    if snapshot is not None and table not in snapshot.tables:
        run(["nft", "delete", "table", *table.split()])  # the table did not exist before the lab
        return
    listed = json.loads(run(["nft", "--json", "list", "table", *table.split()]))["nftables"]
    rules = [entry["rule"] for entry in listed if "rule" in entry]
    for rule in rules:
        if '"CNI-' in json.dumps(rule):
            run(["nft", "delete", "rule", *table.split(), rule["chain"], "handle", str(rule["handle"])])
    for chain in (entry["chain"]["name"] for entry in listed if "chain" in entry):
        if chain.startswith("CNI-"):
            run(["nft", "flush", "chain", *table.split(), chain])
            run(["nft", "delete", "chain", *table.split(), chain])


def connect(node: Node) -> None:
    """Create a further node's network namespace, its link to the machine, and routes in both directions."""
    name, inner = f"{LINK_PREFIX}-{node.number}", f"{LINK_PREFIX}-{node.number}n"
    outer_address = node.address.rpartition(".")[0] + ".1"
    inside = ["nsenter", f"--net=/run/netns/{name}"]
    if not succeeds([*inside, "true"]):
        succeeds(["ip", "netns", "delete", name])  # incomplete after an `up` that was killed
        run(["ip", "netns", "add", name])
    if not Path(f"/sys/class/net/{name}").exists():
        run(["ip", "link", "add", name, "type", "veth", "peer", "name", inner, "netns", name])
    run(["ip", "address", "replace", f"{outer_address}/30", "dev", name])
    run(["ip", "link", "set", name, "up"])
    run([*inside, "ip", "address", "replace", f"{node.address}/30", "dev", inner])
    run([*inside, "ip", "link", "set", inner, "up"])
    run([*inside, "ip", "link", "set", "lo", "up"])
    run([*inside, "ip", "route", "replace", "default", "via", outer_address])
    run(["ip", "route", "replace", node.pod_range, "via", node.address, "dev", name])
    settings = "; ".join(
        f"echo {value} >/proc/sys/{setting}" for setting, value in host_snapshot.REQUIRED_SETTINGS.items()
    )
    run([*inside, "sh", "-c", settings])


def remove_links(names: str = f"{LINK_PREFIX}-*") -> None:
    """Delete the lab's namespaces, bridges and links, and with them their routes and peers."""
    for namespace in Path("/run/netns").glob(names):
        run(["ip", "netns", "delete", namespace.name])
    for link in Path("/sys/class/net").glob(names):
        succeeds(["ip", "link", "delete", link.name])  # deleting one end of a pair deletes the other
