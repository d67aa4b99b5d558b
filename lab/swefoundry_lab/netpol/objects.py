"""The fields of Kubernetes objects that policy enforcement reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod with its own address."""

    namespace: str
    name: str
    address: str
    labels: Mapping[str, str]
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(name, protocol) -> number, for policies that name a port."""


@dataclass(frozen=True)
class Requirement:
    """One entry of `matchExpressions`."""

    key: str
    operator: str
    values: frozenset[str]

    def holds(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case _:
                return value is None


@dataclass(frozen=True)
class Selector:
    """A label selector; an empty one selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def selects(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.holds(labels) for requirement in self.requirements)


@dataclass(frozen=True)
class Block:
    """An address range with exceptions."""

    cidr: str
    exceptions: tuple[str, ...]


@dataclass(frozen=True)
class PodPeers:
    """Pods by their labels and their namespaces' labels; no namespace selector means the policy's namespace."""

    pods: Selector
    namespaces: Selector | None


Peer = Block | PodPeers


@dataclass(frozen=True)
class Port:
    """A port or a range of ports; a name refers to a port of the serving pod; None is every port."""

    protocol: str
    first: int | str | None
    last: int | None = None


@dataclass(frozen=True)
class Allowance:
    """One ingress or egress rule. No peers means every peer, no ports means every port."""

    peers: tuple[Peer, ...]
    ports: tuple[Port, ...]


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy. None for a direction means that it does not isolate in that direction."""

    namespace: str
    pods: Selector
    ingress: tuple[Allowance, ...] | None
    egress: tuple[Allowance, ...] | None


def read_pod(raw: Json, registered: str | None = None) -> Pod | None:
    """A running pod with its own address; None for a pod on the host network or one that has ended.

    The address that the CNI plugin registered is newer than that of the status, also after a new sandbox was created.
    """
    spec, status = raw["spec"], raw.get("status", {})
    ended = status.get("phase") in ("Succeeded", "Failed")
    address = registered or status.get("podIP")
    if ended or spec.get("hostNetwork") or not address:
        return None
    metadata = raw["metadata"]
    return Pod(metadata["namespace"], metadata["name"], address, metadata.get("labels") or {}, _ports(spec))


def _ports(spec: Json) -> dict[tuple[str, str], int]:
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    declared = [port for container in containers for port in container.get("ports", []) if port.get("name")]
    return {(port["name"], port.get("protocol", "TCP").lower()): port["containerPort"] for port in declared}


def read_policy(raw: Json) -> Policy:
    """A policy with the API's defaults."""
    spec = raw["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
    ingress = tuple(_allowance(rule, "from") for rule in spec.get("ingress") or [])
    egress = tuple(_allowance(rule, "to") for rule in spec.get("egress") or [])
    return Policy(
        namespace=raw["metadata"]["namespace"],
        pods=read_selector(spec.get("podSelector") or {}),
        ingress=ingress if "Ingress" in types else None,
        egress=egress if "Egress" in types else None,
    )


def read_selector(raw: Json) -> Selector:
    """A selector; an entry of `matchLabels` is the same as In with one value."""
    labels = [Requirement(k, "In", frozenset([v])) for k, v in (raw.get("matchLabels") or {}).items()]
    expressions = [
        Requirement(e["key"], e["operator"], frozenset(e.get("values") or []))
        for e in raw.get("matchExpressions") or []
    ]
    return Selector((*labels, *expressions))


def _allowance(raw: Json, direction: str) -> Allowance:
    return Allowance(
        peers=tuple(_peer(peer) for peer in raw.get(direction) or []),
        ports=tuple(_port(port) for port in raw.get("ports") or []),
    )


def _peer(raw: Json) -> Peer:
    if block := raw.get("ipBlock"):
        return Block(block["cidr"], tuple(block.get("except") or ()))
    namespaces = raw.get("namespaceSelector")
    return PodPeers(
        pods=read_selector(raw.get("podSelector") or {}),
        namespaces=None if namespaces is None else read_selector(namespaces),
    )


def _port(raw: Json) -> Port:
    return Port(raw.get("protocol", "TCP").lower(), raw.get("port"), raw.get("endPort"))
