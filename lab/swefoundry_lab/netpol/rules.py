"""Computes from the policies which pods are isolated and what each of them may reach. Pure."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from swefoundry_lab.netpol.objects import Allowance, Block, Peer, Pod, Policy, Port

Network = ipaddress.IPv4Network
EVERYWHERE = ipaddress.IPv4Network("0.0.0.0/0")
PROTOCOLS = ("tcp", "udp")
LAST_PORT = 65535


@dataclass(frozen=True)
class Cluster:
    """The objects of the API server."""

    pods: tuple[Pod, ...]
    policies: tuple[Policy, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    """Name -> labels."""


@dataclass(frozen=True, order=True)
class Opening:
    """A pod and a network that may exchange packets on a range of the server's ports."""

    pod: str
    network: str
    protocol: str
    first: int
    last: int


@dataclass(frozen=True)
class Verdicts:
    """Input of the firewall: known and isolated addresses, and openings of isolated ones."""

    known: frozenset[str] = frozenset()
    isolated_out: frozenset[str] = frozenset()
    isolated_in: frozenset[str] = frozenset()
    open_out: frozenset[Opening] = frozenset()
    open_in: frozenset[Opening] = frozenset()


def compute_verdicts(cluster: Cluster) -> Verdicts:
    """Apply every policy to all pods that it selects."""
    isolated: dict[str, set[str]] = {"in": set(), "out": set()}
    openings: dict[str, set[Opening]] = {"in": set(), "out": set()}
    for pod in cluster.pods:
        policies = [
            p for p in cluster.policies if p.namespace == pod.namespace and p.pods.selects(pod.labels)
        ]
        for direction in ("in", "out"):
            isolating = [p for p in policies if _allowances(p, direction) is not None]
            if isolating:
                isolated[direction].add(pod.address)
                openings[direction] |= set(_openings(pod, isolating, direction, cluster))
    return Verdicts(
        known=frozenset(pod.address for pod in cluster.pods),
        isolated_out=frozenset(isolated["out"]),
        isolated_in=frozenset(isolated["in"]),
        open_out=frozenset(openings["out"]),
        open_in=frozenset(openings["in"]),
    )


def _allowances(policy: Policy, direction: str) -> tuple[Allowance, ...] | None:
    return policy.ingress if direction == "in" else policy.egress


def _openings(pod: Pod, policies: list[Policy], direction: str, cluster: Cluster) -> Iterator[Opening]:
    """All openings of the policies for one pod, as rectangles (networks x ports) that do not overlap.

    nft refuses sets with overlapping elements, and policies often overlap ("DNS anywhere" and "all of this host"), so
    the ports are split at every boundary, and the networks of each range are merged.
    """
    allowed = [
        (protocol, first, last, network)
        for policy in policies
        for allowance in _allowances(policy, direction) or ()
        for network, server in _peers(allowance.peers, policy.namespace, cluster)
        for protocol, first, last in _ports(allowance.ports, pod if direction == "in" else server)
    ]
    for protocol in PROTOCOLS:
        spans = [(first, last, network) for p, first, last, network in allowed if p == protocol]
        yield from _disjoint(pod.address, protocol, spans)


def _disjoint(pod: str, protocol: str, spans: list[tuple[int, int, Network]]) -> Iterator[Opening]:
    cuts = sorted({first for first, _, _ in spans} | {last + 1 for _, last, _ in spans})
    pieces: list[tuple[int, int, list[Network]]] = []
    for start, end in pairwise(cuts):
        covering = (network for first, last, network in spans if first <= start and end - 1 <= last)
        networks = list(ipaddress.collapse_addresses(covering))
        if pieces and pieces[-1][2] == networks:
            pieces[-1] = (pieces[-1][0], end - 1, networks)
        else:
            pieces.append((start, end - 1, networks))
    for first, last, networks in pieces:
        yield from (Opening(pod, str(network), protocol, first, last) for network in networks)


def _peers(peers: Iterable[Peer], namespace: str, cluster: Cluster) -> Iterator[tuple[Network, Pod | None]]:
    """The networks of the peers, each with its pod if it is one."""
    if not peers:
        yield EVERYWHERE, None
    for peer in peers:
        if isinstance(peer, Block):
            yield from ((network, None) for network in without_exceptions(peer))
            continue
        for pod in cluster.pods:
            labels = cluster.namespaces.get(pod.namespace, {})
            selected = (
                pod.namespace == namespace if peer.namespaces is None else peer.namespaces.selects(labels)
            )
            if selected and peer.pods.selects(pod.labels):
                yield ipaddress.IPv4Network(pod.address), pod


def without_exceptions(block: Block) -> list[Network]:
    """The IPv4 networks of a range without its exceptions. IPv6 ranges have none, because pods have no IPv6."""
    whole = ipaddress.ip_network(block.cidr)
    networks = [whole] if isinstance(whole, ipaddress.IPv4Network) else []
    for text in block.exceptions:
        exception = ipaddress.ip_network(text)
        if isinstance(exception, ipaddress.IPv4Network):
            networks = [part for network in networks for part in _subtract(network, exception)]
    return networks


def _subtract(network: Network, exception: Network) -> list[Network]:
    if network.subnet_of(exception):
        return []
    return list(network.address_exclude(exception)) if exception.subnet_of(network) else [network]


def _ports(ports: tuple[Port, ...], server: Pod | None) -> Iterator[tuple[str, int, int]]:
    if not ports:
        yield from ((protocol, 0, LAST_PORT) for protocol in PROTOCOLS)
    for port in ports:
        if port.protocol not in PROTOCOLS:
            continue
        if port.first is None:
            yield port.protocol, 0, LAST_PORT
        elif isinstance(port.first, int):
            yield port.protocol, port.first, port.last or port.first
        elif server and (number := server.ports.get((port.first, port.protocol))):
            yield port.protocol, number, number
