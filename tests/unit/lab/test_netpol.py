"""Real pods and policies, as the API server showed them, become the right firewall sets."""

import json
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from swefoundry_lab.netpol import nftables
from swefoundry_lab.netpol.objects import Block, Pod, Policy, read_pod, read_policy
from swefoundry_lab.netpol.rules import Cluster, Opening, Verdicts, compute_verdicts, without_exceptions

CAPTURED = Path(__file__).parent / "captured"
LABELS = {"default": {"kubernetes.io/metadata.name": "default"}, "kube-system": {"team": "dns"}}


def captured(name: str) -> dict[str, Any]:
    return dict(json.loads((CAPTURED / f"{name}.json").read_text()))


def a_pod(address: str = "10.244.0.9", namespace: str = "default", **labels: str) -> Pod:
    return Pod(namespace, f"pod-{address}", address, labels, {("web", "tcp"): 8080})


def a_policy(**spec: Any) -> Policy:
    return read_policy({"metadata": {"namespace": "default"}, "spec": {"podSelector": {}, **spec}})


def verdicts(pods: list[Pod], policies: list[Policy], namespaces: Mapping[str, Any] = LABELS) -> Verdicts:
    return compute_verdicts(Cluster(tuple(pods), tuple(policies), namespaces))


def reaches(verdicts_of_pod: Verdicts, address: str, port: int) -> bool:
    """Whether some pod may open a TCP connection to an address."""
    return any(
        IPv4Address(address) in IPv4Network(o.network) and o.first <= port <= o.last and o.protocol == "tcp"
        for o in verdicts_of_pod.open_out
    )


def test_a_running_pod_is_read_with_its_address() -> None:
    assert read_pod(captured("pod-running")) == Pod("default", "n1", "10.244.0.5", {"app": "n1"}, {})


def test_a_pod_that_has_ended_is_not_known_although_its_address_is_still_in_the_status() -> None:
    assert captured("pod-ended")["status"]["podIP"]
    assert read_pod(captured("pod-ended")) is None


def test_an_announced_address_is_newer_than_the_status() -> None:
    pod = read_pod(captured("pod-running"), registered="10.244.0.77")
    assert pod is not None and pod.address == "10.244.0.77"


def test_a_pod_on_the_nodes_network_is_left_alone() -> None:
    raw = captured("pod-running")
    assert read_pod({**raw, "spec": {**raw["spec"], "hostNetwork": True}}) is None


def test_the_captured_policy_isolates_its_pod_and_opens_what_it_names() -> None:
    running, coredns = read_pod(captured("pod-running")), read_pod(captured("pod-coredns"))
    assert running is not None and coredns is not None
    verdicts_of_pod = verdicts([running, coredns], [read_policy(captured("policy"))])
    assert (verdicts_of_pod.known, verdicts_of_pod.isolated_in, verdicts_of_pod.isolated_out) == (
        {"10.244.0.5", coredns.address},
        {"10.244.0.5"},
        {"10.244.0.5"},
    )
    assert reaches(verdicts_of_pod, coredns.address, 53) and not reaches(verdicts_of_pod, "10.244.0.99", 53)
    assert reaches(verdicts_of_pod, "192.0.2.2", 5000) and not reaches(verdicts_of_pod, "192.0.2.2", 5001)
    assert reaches(verdicts_of_pod, "203.0.113.1", 6000) and not reaches(verdicts_of_pod, "203.0.113.1", 6001)
    assert not reaches(verdicts_of_pod, "10.9.9.9", 5000), "10.0.0.0/8 is an exception"


def test_without_policies_nobody_is_isolated() -> None:
    assert verdicts([a_pod()], []) == Verdicts(known=frozenset({"10.244.0.9"}))


def test_a_policy_without_rules_denies_everything_in_its_directions() -> None:
    assert verdicts([a_pod()], [a_policy(policyTypes=["Egress"])]) == Verdicts(
        known=frozenset({"10.244.0.9"}), isolated_out=frozenset({"10.244.0.9"})
    )


def test_a_policy_without_policy_types_isolates_ingress_and_the_directions_of_its_rules() -> None:
    plain, with_egress = a_policy(), a_policy(egress=[])
    assert (plain.ingress, plain.egress) == ((), None)
    assert (with_egress.ingress, with_egress.egress) == ((), ())


def test_an_empty_rule_opens_everything() -> None:
    verdicts_of_pod = verdicts([a_pod()], [a_policy(egress=[{}], policyTypes=["Egress"])])
    assert verdicts_of_pod.open_out == {
        Opening("10.244.0.9", "0.0.0.0/0", p, 0, 65535) for p in ("tcp", "udp")
    }


def test_policies_of_other_namespaces_and_labels_do_not_count() -> None:
    elsewhere = a_pod(namespace="kube-system")
    other = a_policy(podSelector={"matchLabels": {"app": "b"}})
    assert verdicts([elsewhere, a_pod("10.244.0.8", app="a")], [other]).isolated_in == frozenset()


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ({"key": "app", "operator": "In", "values": ["a", "b"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["a"]}, False),
        ({"key": "absent", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
        ({"key": "absent", "operator": "DoesNotExist"}, True),
    ],
)
def test_match_expressions(expression: dict[str, Any], selected: bool) -> None:
    policy = a_policy(podSelector={"matchExpressions": [expression]})
    assert bool(verdicts([a_pod(app="a")], [policy]).isolated_in) == selected


def test_peers_are_pods_of_the_same_namespace_unless_namespaces_are_selected() -> None:
    pods = [a_pod("10.244.0.1", app="a"), a_pod("10.244.0.2", "kube-system", app="a")]
    here = a_policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}]}])
    there = a_policy(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "dns"}}}]}])
    assert {o.network for o in verdicts(pods, [here]).open_in} == {"10.244.0.1/32"}
    assert {o.network for o in verdicts(pods, [there]).open_in} == {"10.244.0.2/32"}


def test_a_named_port_is_the_serving_pods() -> None:
    ports = [{"port": "web"}]
    inward = verdicts([a_pod()], [a_policy(ingress=[{"ports": ports}])])
    assert inward.open_in == {Opening("10.244.0.9", "0.0.0.0/0", "tcp", 8080, 8080)}
    outward = verdicts([a_pod()], [a_policy(egress=[{"ports": ports, "to": [{"podSelector": {}}]}])])
    assert outward.open_out == {Opening("10.244.0.9", "10.244.0.9/32", "tcp", 8080, 8080)}


def test_overlapping_rules_become_disjoint_pieces() -> None:
    rules = [
        {"ports": [{"port": 53, "protocol": "UDP"}]},
        {
            "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "ports": [{"port": 1, "endPort": 100, "protocol": "UDP"}],
        },
    ]
    assert verdicts([a_pod()], [a_policy(egress=rules)]).open_out == {
        Opening("10.244.0.9", "10.0.0.0/8", "udp", 1, 52),
        Opening("10.244.0.9", "0.0.0.0/0", "udp", 53, 53),
        Opening("10.244.0.9", "10.0.0.0/8", "udp", 54, 100),
    }


def test_adjacent_pieces_with_the_same_networks_are_one() -> None:
    rules = [{"ports": [{"port": 1, "endPort": 9}]}, {"ports": [{"port": 10}]}]
    assert verdicts([a_pod()], [a_policy(egress=rules)]).open_out == {
        Opening("10.244.0.9", "0.0.0.0/0", "tcp", 1, 10)
    }


@pytest.mark.parametrize(
    ("cidr", "exceptions", "left"),
    [
        ("10.0.0.0/30", ("10.0.0.0/31",), ["10.0.0.2/31"]),
        ("10.0.0.0/30", ("10.0.0.0/8",), []),
        ("10.0.0.0/30", ("11.0.0.0/8",), ["10.0.0.0/30"]),
        ("fd00::/8", (), []),
    ],
)
def test_exceptions_are_cut_out(cidr: str, exceptions: tuple[str, ...], left: list[str]) -> None:
    assert [str(network) for network in without_exceptions(Block(cidr, exceptions))] == left


def test_isolation_comes_before_the_address_is_known() -> None:
    after = verdicts([a_pod()], [a_policy(policyTypes=["Egress"], egress=[{"ports": [{"port": 53}]}])])
    assert nftables.changes(Verdicts(), after).splitlines() == [
        "add element inet swlab-policy open_out { 10.244.0.9 . 0.0.0.0/0 . tcp . 53-53 }",
        "add element inet swlab-policy isolated_out { 10.244.0.9 }",
        "add element inet swlab-policy known { 10.244.0.9 }",
    ]


def test_other_openings_for_the_same_address_are_written_anew() -> None:
    def open_port(port: int) -> Verdicts:
        return verdicts([a_pod()], [a_policy(policyTypes=["Egress"], egress=[{"ports": [{"port": port}]}])])

    assert nftables.changes(open_port(53), open_port(54)).splitlines() == [
        "flush set inet swlab-policy open_out",
        "add element inet swlab-policy open_out { 10.244.0.9 . 0.0.0.0/0 . tcp . 54-54 }",
    ]


def test_nothing_changed_is_nothing_to_load() -> None:
    same = verdicts([a_pod()], [a_policy()])
    assert nftables.changes(same, same) == ""


def test_the_empty_table_drops_unknown_pods_and_their_ipv6() -> None:
    table = nftables.skeleton("10.244.0.0/16", "10.244.0.1")
    assert "ip saddr 10.244.0.0/16 ip saddr != 10.244.0.1 ip saddr != @known counter drop" in table
    assert 'iifname "swlab-br" meta nfproto ipv6 counter drop' in table
