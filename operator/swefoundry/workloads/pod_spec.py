"""Manifest that all task pods share: one container, no token, no privilege, a finalizer that keeps its result.

Repositories, patches and Dockerfiles are hostile; the pod is the security boundary. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from swefoundry.api import labels
from swefoundry.workloads import names
from swefoundry.workloads.attempt import AttemptRef, Owner

JsonDict = dict[str, Any]

EXPANDED_BY_KUBELET = re.compile(r"\$(?=[$(])")

ROOT_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID", "KILL"]
"""What test suites of distributions' packages expect of root: chown, su, pip install; the runner ends processes of
other users with KILL. All inside a user namespace.
"""

BUILD_CAPABILITIES = [*ROOT_CAPABILITIES, "FSETID", "SETPCAP", "SETFCAP", "SYS_CHROOT"]
"""The least that buildah's chroot isolation works with; fewer fail at writing uid_map."""


GPU_NODE_LABELS = (
    "nvidia.com/gpu.present",
    "amd.com/gpu.device-id",
    "cloud.google.com/gke-accelerator",
    "k8s.amazonaws.com/accelerator",
    "kubernetes.azure.com/accelerator",
)
"""Labels that nodes with GPUs have: NVIDIA's GPU feature discovery, AMD's node labeller, GKE, EKS with an autoscaler,
and AKS. No task pod uses a GPU.
"""

FAILED_NODE_WEIGHT = 100
GPU_NODE_WEIGHT = 50
"""Weights of preferences, from 1 to 100: a node with a GPU is better than one where the pod has failed."""


@dataclass(frozen=True)
class ContainerTemplate:
    """What differs between roles: the container, its limits and volumes."""

    image: str
    env: Mapping[str, str]
    security: JsonDict
    resources: JsonDict
    deadline_seconds: int
    command: list[str] | None = None
    volumes: list[JsonDict] = field(default_factory=list)
    mounts: list[JsonDict] = field(default_factory=list)
    user_namespace: bool = True
    runtime_class: str = ""
    service_account: str = ""
    pull_secret: str = ""
    avoid_nodes: tuple[str, ...] = ()
    node_lost_seconds: int = 30
    grace_seconds: int = 5
    """Between SIGTERM and SIGKILL."""


def pod_manifest(ref: AttemptRef, template: ContainerTemplate) -> JsonDict:
    """The pod of an attempt."""
    spec = pod_spec(ref.role.value, template)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(ref), "spec": spec}


def pod_spec(name: str, template: ContainerTemplate) -> JsonDict:
    """The spec of a pod with one container of that name."""
    container: JsonDict = {
        "name": name,
        "image": template.image,
        "imagePullPolicy": "IfNotPresent" if "@sha256:" in template.image else "Always",
        "env": [{"name": name, "value": _literal(value)} for name, value in template.env.items()],
        "securityContext": template.security,
        "resources": template.resources,
        "terminationMessagePolicy": "File",
        "volumeMounts": template.mounts,
    }
    if template.command:
        container["command"] = template.command
    spec: JsonDict = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": template.deadline_seconds,
        "terminationGracePeriodSeconds": template.grace_seconds,
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "hostUsers": not template.user_namespace,
        "tolerations": _lost_node_tolerations(template.node_lost_seconds),
        "affinity": _preferred_nodes(template.avoid_nodes),
        "containers": [container],
        "volumes": template.volumes,
    }
    if template.service_account:
        spec["serviceAccountName"] = template.service_account
    if template.runtime_class:
        spec["runtimeClassName"] = template.runtime_class
    if template.pull_secret:
        spec["imagePullSecrets"] = [{"name": template.pull_secret}]
    return spec


def _literal(value: str) -> str:
    """Escape the value of a variable: the kubelet makes ``$`` of ``$$`` and replaces ``$(NAME)``.

    Both are shell syntax, and test commands and Dockerfiles are full of it.
    """
    return EXPANDED_BY_KUBELET.sub("$$", value)


def _metadata(ref: AttemptRef) -> JsonDict:
    owner = ref.owner
    return {
        "name": ref.pod_name,
        "namespace": owner.namespace,
        "finalizers": [labels.FINALIZER],
        "labels": {
            labels.MANAGED_BY: labels.MANAGER,
            labels.COMPONENT: ref.role.value,
            labels.ROLE: ref.role.value,
            labels.OWNER_KIND: owner.kind.lower(),
            labels.OWNER: names.label_value(owner.name),
            labels.OWNER_UID: owner.uid,
            labels.WORK: ref.work,
            labels.ATTEMPT: str(ref.attempt),
            **({labels.EXPERIMENT: owner.experiment} if owner.experiment else {}),
        },
        "annotations": {labels.NONCE: ref.nonce},
        "ownerReferences": [owner_reference(owner)],
    }


def owner_reference(owner: Owner) -> JsonDict:
    """A controlling reference that never blocks the owner's deletion (that would need rights on its finalizers)."""
    return {
        "apiVersion": labels.API_VERSION,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def resource_requirements(cpu: str, memory: str, storage: str, memory_request: str | None = None) -> JsonDict:
    """Memory and disk are limited; the CPU is only requested, because throttling would turn into time limits."""
    return {
        "requests": {"cpu": cpu, "memory": memory_request or memory, "ephemeral-storage": storage},
        "limits": {"memory": memory, "ephemeral-storage": storage},
    }


def security_context(
    capabilities: list[str] | None = None, user: int | None = None, seccomp: bool = True
) -> JsonDict:
    """A container's security context: only the given capabilities, no privilege escalation."""
    context: JsonDict = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], **({"add": capabilities} if capabilities else {})},
    }
    if seccomp:
        context["seccompProfile"] = {"type": "RuntimeDefault"}
    if user is not None:
        context |= {"runAsUser": user, "runAsGroup": user}
        if user:
            context["runAsNonRoot"] = True
    return context


def _lost_node_tolerations(seconds: int) -> list[JsonDict]:
    return [
        {
            "key": f"node.kubernetes.io/{taint}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": seconds,
        }
        for taint in ("not-ready", "unreachable")
    ]


def _preferred_nodes(avoided: tuple[str, ...]) -> JsonDict:
    """Nodes without a GPU, and others than these. Not required: there may be no other node."""
    terms = [
        _preference(GPU_NODE_WEIGHT, [{"key": key, "operator": "DoesNotExist"} for key in GPU_NODE_LABELS])
    ]
    if avoided:
        others = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": list(avoided)}
        terms.append(_preference(FAILED_NODE_WEIGHT, [others]))
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}


def _preference(weight: int, expressions: list[JsonDict]) -> JsonDict:
    return {"weight": weight, "preference": {"matchExpressions": expressions}}


def scale_quantity(quantity: str, factor: int) -> str:
    """A Kubernetes quantity times ``factor``."""
    if factor == 1:
        return quantity
    digits = quantity.rstrip("mkKMGTi")
    return f"{float(digits) * factor:g}{quantity[len(digits) :]}"
