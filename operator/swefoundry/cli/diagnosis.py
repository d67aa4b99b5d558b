"""What an installation needs, checked on what the cluster says about itself. Pure.

Requirements are those of docs/install.md.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS, crd_manifest
from swefoundry.cli.api_objects import KubernetesObject
from swefoundry.cli.operator_pods import environment_variables, watched_namespaces

MIN_KUBERNETES = (1, 33)
"""User namespaces for pods are on by default since then."""
MIN_RUNTIMES: Mapping[str, tuple[int, ...]] = {"containerd": (2, 0), "cri-o": (1, 25)}
"""Container runtimes with user namespaces for pods."""
MIN_KERNEL = (6, 3)
"""Linux with idmapped mounts of tmpfs, which user namespaces for pods need."""

ENFORCED_LEVEL = "pod-security.kubernetes.io/enforce"
FIELDS_NAMED = 3


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    UNKNOWN = "unknown"
    """It could not be looked up, mostly for lack of rights."""
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    check: str
    level: Level
    found: str
    fix: str = ""


@dataclass(frozen=True)
class InstalledSystem:
    """What was read from the cluster and the registry. A text in place of a value says why it could not be read."""

    namespace: str
    version: str
    nodes: Sequence[KubernetesObject] | str
    crds: Mapping[str, KubernetesObject | str]
    """By name; a text where there is none."""
    operators: Sequence[KubernetesObject] | str
    """Pods of the operator in all namespaces, or where this user may look."""
    namespace_object: KubernetesObject | str
    network_policies: Sequence[KubernetesObject] | str
    registry: str
    """Host that was asked from this machine; empty: none is known by a name that this machine reaches."""
    registry_error: str


Check = Callable[[InstalledSystem], Iterator[Finding]]


def findings(installation: InstalledSystem) -> list[Finding]:
    """All lines of the report, in the order of an installation."""
    return [finding for check in REQUIREMENTS for finding in check(installation)]


def kubernetes(observed: InstalledSystem) -> Iterator[Finding]:
    """The API server is new enough."""
    required = ".".join(map(str, MIN_KUBERNETES))
    if _version(observed.version) >= MIN_KUBERNETES:
        yield Finding("kubernetes", Level.OK, observed.version)
    else:
        yield Finding(
            "kubernetes", Level.PROBLEM, observed.version, f"upgrade the cluster to {required} or newer"
        )


def nodes(observed: InstalledSystem) -> Iterator[Finding]:
    """Nodes can run pods in user namespaces, which builds always need."""
    if isinstance(observed.nodes, str):
        yield Finding("nodes", Level.UNKNOWN, observed.nodes, "ask somebody who may list nodes")
        return
    unfit = [
        f"{node['metadata']['name']}: {fault}" for node in observed.nodes if (fault := _node_fault(node))
    ]
    if unfit or not observed.nodes:
        fix = "upgrade them, or keep the pods of builds away from them: docs/install.md"
        yield Finding("nodes", Level.PROBLEM, "; ".join(unfit) or "there is none", fix)
        return
    yield Finding("nodes", Level.OK, f"{len(observed.nodes)}, all with user namespaces for pods")


def crds(observed: InstalledSystem) -> Iterator[Finding]:
    """The CRDs are there and have every field of this program; `helm upgrade` of a chart does not change CRDs."""
    for resource in RESOURCE_DEFINITIONS:
        installed = observed.crds[resource.name]
        if isinstance(installed, str):
            fix = "install the chart (docs/install.md), or kubectl apply --server-side -f crds/"
            yield Finding(resource.name, Level.PROBLEM, installed, fix)
            continue
        lacking = sorted(_fields(crd_manifest(resource)) - _fields(installed))
        if lacking:
            more = ", …" if len(lacking) > FIELDS_NAMED else ""
            found = f"of another release: without {', '.join(lacking[:FIELDS_NAMED])}{more}"
            fix = "kubectl apply --server-side -f crds/, of the release of this program"
            yield Finding(resource.name, Level.PROBLEM, found, fix)
        else:
            yield Finding(resource.name, Level.OK, "has every field of this program")


def operator(observed: InstalledSystem) -> Iterator[Finding]:
    """One operator runs and watches the namespace."""
    if isinstance(observed.operators, str):
        yield Finding("operator", Level.UNKNOWN, observed.operators, "ask somebody who may list pods there")
        return
    ready = [pod for pod in observed.operators if _is_ready(pod)]
    watching = [pod for pod in ready if observed.namespace in watched_namespaces(pod)]
    if not ready:
        found = "no pod is ready" if observed.operators else "no pod was found"
        yield Finding("operator", Level.PROBLEM, found, "kubectl describe its pods; docs/debugging.md")
    elif not watching:
        fix = f"add {observed.namespace} to `namespaces` in the chart's values"
        yield Finding("operator", Level.PROBLEM, f"none watches the namespace {observed.namespace}", fix)
    elif len({_shards(pod) for pod in watching}) > 1 or not all(
        map(_elect_one, _by_shard(watching).values())
    ):
        fix = (
            "two operators without a common Lease start every pod twice: let each namespace be watched by one"
        )
        yield Finding(
            "operator", Level.PROBLEM, f"{len(watching)} watch the namespace {observed.namespace}", fix
        )
    elif missing := _missing_shards(watching):
        found = f"no pod is ready of shard {', '.join(missing)} of {_shards(watching[0])}"
        fix = "the instances of a part of the repositories wait for it: kubectl describe its pods"
        yield Finding("operator", Level.PROBLEM, found, fix)
    else:
        yield from _settings(watching, observed.namespace)


def namespace(observed: InstalledSystem) -> Iterator[Finding]:
    """The Pod Security Standard of the namespace lets builds and evaluations run."""
    if isinstance(observed.namespace_object, str):
        fix = "create it, or name another with --namespace"
        yield Finding("namespace", Level.UNKNOWN, observed.namespace_object, fix)
        return
    level = (observed.namespace_object["metadata"].get("labels") or {}).get(ENFORCED_LEVEL, "")
    if level == "restricted":
        fix = f"kubectl label namespace {observed.namespace} {ENFORCED_LEVEL}=baseline --overwrite"
        found = f"{observed.namespace} enforces restricted, which refuses builds and evaluations"
        yield Finding("namespace", Level.PROBLEM, found, fix)
    else:
        yield Finding("namespace", Level.OK, f"{observed.namespace}, Pod Security {level or 'not enforced'}")


def network(observed: InstalledSystem) -> Iterator[Finding]:
    """There are policies; whether the network plug-in enforces them is measured in every evaluation."""
    if isinstance(observed.network_policies, str):
        yield Finding("network policies", Level.UNKNOWN, observed.network_policies)
    elif any("evaluation" in policy["metadata"]["name"] for policy in observed.network_policies):
        found = "there; each evaluation measures whether they are enforced"
        yield Finding("network policies", Level.OK, found)
    else:
        fix = "set networkPolicy.enabled in the chart's values, or validation.network: Allow in the instances"
        yield Finding("network policies", Level.PROBLEM, f"none for evaluations in {observed.namespace}", fix)


def registry(observed: InstalledSystem) -> Iterator[Finding]:
    """This machine reaches the registry, which `why`, `logs`, `transcript` and `export` read."""
    if not observed.registry:
        fix = "give --registry with the name by which this machine reaches it"
        yield Finding("registry from here", Level.UNKNOWN, "not asked", fix)
    elif observed.registry_error:
        fix = (
            "see that this machine reaches it, and its credentials: `docker login`; --insecure for plain HTTP"
        )
        yield Finding(
            "registry from here", Level.PROBLEM, f"{observed.registry}: {observed.registry_error}", fix
        )
    else:
        yield Finding("registry from here", Level.OK, observed.registry)


REQUIREMENTS: tuple[Check, ...] = (kubernetes, nodes, crds, operator, namespace, network, registry)


def _settings(pods: Sequence[KubernetesObject], namespace_name: str) -> Iterator[Finding]:
    """What the operator is configured with, for people to compare with what they meant."""
    environment = environment_variables(pods[0])
    names = ", ".join(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)
    verb = "watches" if len(pods) == 1 else "watch, one at a time,"
    if _shards(pods[0]) > 1:
        verb = f"watch, as {_shards(pods[0])} shards,"
    yield Finding("operator", Level.OK, f"{names} {verb} {namespace_name}")
    push, pull = (
        environment.get("SWEFOUNDRY_REGISTRY_PUSH", ""),
        environment.get("SWEFOUNDRY_REGISTRY_PULL", ""),
    )
    hosts = push if push == pull else f"{push} for pods, {pull} for nodes"
    yield Finding("registry of the cluster", Level.OK, hosts)
    count = environment.get("SWEFOUNDRY_MODELS", "").count('"baseUrl"')
    if "agents" in environment.get("SWEFOUNDRY_STRATEGIES", "").split(",") and not count:
        fix = "set agents.models in the chart's values, or take agents out of strategies"
        yield Finding("models", Level.PROBLEM, "none, but the strategies name agents", fix)
    else:
        yield Finding("models", Level.OK, f"{count} configured")


def _node_fault(node: KubernetesObject) -> str:
    info = node["status"]["nodeInfo"]
    runtime, _, version = info["containerRuntimeVersion"].partition("://")
    if _version(info["kubeletVersion"]) < MIN_KUBERNETES:
        return f"kubelet {info['kubeletVersion']}"
    if _version(version) < MIN_RUNTIMES.get(runtime, (0,)):
        return f"{runtime} {version}"
    if _version(info["kernelVersion"]) < MIN_KERNEL:
        return f"Linux {info['kernelVersion']}"
    return ""


def _version(text: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def _fields(crd: KubernetesObject) -> set[str]:
    """Paths of all fields, such as `spec.validation.controls`."""
    version: KubernetesObject = next((item for item in crd["spec"]["versions"] if item.get("storage")), {})
    return set(_paths(version.get("schema", {}).get("openAPIV3Schema", {}), ""))


def _paths(schema: KubernetesObject, prefix: str) -> Iterator[str]:
    for name, inner in (schema.get("properties") or {}).items():
        path = f"{prefix}{name}"
        yield path
        yield from _paths(inner.get("items") or inner, f"{path}.")


def _is_ready(pod: KubernetesObject) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _shards(pod: KubernetesObject) -> int:
    """Number of operators that share the work, by the settings of one of them."""
    return int(environment_variables(pod).get("SWEFOUNDRY_SHARDS") or 1)


def _by_shard(pods: Iterable[KubernetesObject]) -> dict[str, list[KubernetesObject]]:
    shards: dict[str, list[KubernetesObject]] = {}
    for pod in pods:
        shards.setdefault(environment_variables(pod).get("SWEFOUNDRY_SHARD") or "0", []).append(pod)
    return shards


def _missing_shards(pods: Sequence[KubernetesObject]) -> list[str]:
    """Shards of which none of the pods is."""
    there = _by_shard(pods)
    return [shard for shard in map(str, range(_shards(pods[0]))) if shard not in there]


def _elect_one(pods: Sequence[KubernetesObject]) -> bool:
    """Whether at most one of the pods reconciles."""
    leases = {environment_variables(pod).get("SWEFOUNDRY_LEASE", "") for pod in pods}
    return len(pods) == 1 or (len(leases) == 1 and "" not in leases)
