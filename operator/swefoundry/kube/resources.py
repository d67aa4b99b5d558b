"""Kinds of objects and their URL paths in the Kubernetes API."""

from dataclasses import dataclass
from typing import Any

from swefoundry.api import labels

ApiObject = dict[str, Any]
"""An object as the API sends it."""


@dataclass(frozen=True)
class Resource:
    """One kind of object."""

    kind: str
    plural: str
    base: str
    """API root: ``/api/v1`` or ``/apis/<group>/<version>``."""

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """URL path of the collection, an object, or one of its subresources; an empty namespace means all."""
        scope = f"/namespaces/{namespace}" if namespace else ""
        parts = [f"{self.base}{scope}/{self.plural}", name, subresource]
        return "/".join(part for part in parts if part)


API_ROOT = f"/apis/{labels.API_VERSION}"
TASKS = Resource("TaskInstance", "taskinstances", API_ROOT)
BUILDS = Resource("EnvBuild", "envbuilds", API_ROOT)
PODS = Resource("Pod", "pods", "/api/v1")
EVENTS = Resource("Event", "events", "/api/v1")
LEASES = Resource("Lease", "leases", "/apis/coordination.k8s.io/v1")
CONFIG_MAPS = Resource("ConfigMap", "configmaps", "/api/v1")
NAMESPACES = Resource("Namespace", "namespaces", "/api/v1")
NODES = Resource("Node", "nodes", "/api/v1")
NETWORK_POLICIES = Resource("NetworkPolicy", "networkpolicies", "/apis/networking.k8s.io/v1")
CRDS = Resource("CustomResourceDefinition", "customresourcedefinitions", "/apis/apiextensions.k8s.io/v1")

RECONCILED = {resource.kind: resource for resource in (TASKS, BUILDS, PODS)}
"""By kind: what the operator watches and writes."""
