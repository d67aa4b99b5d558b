"""Labels, annotations and finalizers that swefoundry puts on Kubernetes objects."""

GROUP = "swefoundry.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "swefoundry"
CLI = "swefoundry-cli"
"""Manager of what the command line creates, and its field manager: the operator leaves it alone."""
COMPONENT = "app.kubernetes.io/component"

ROLE = f"{GROUP}/role"
"""intake, build, agent or evaluation; NetworkPolicies select pods by it."""
OWNER_KIND = f"{GROUP}/owner-kind"
"""taskinstance or envbuild: the kind of the pod's owner."""
OWNER = f"{GROUP}/owner"
"""Name of the owner, cut and hashed when longer than a label value may be; the annotation has the full name."""
OWNER_UID = f"{GROUP}/owner-uid"
"""UID of the owner: a later object of the same name has another one."""
WORK = f"{GROUP}/work"
"""Which piece of the owner's work the pod does: intake, build-0, before-0, …"""
ATTEMPT = f"{GROUP}/attempt"
NONCE = f"{GROUP}/nonce"
"""Annotation: the nonce that the pod's result must contain."""
ESTIMATED_CPU = f"{GROUP}/estimated-cpu"
"""Annotation: the CPU request, when nobody asked for it and it is less than an evaluation may get."""

EXPERIMENT = f"{GROUP}/experiment"
"""On a TaskInstance or EnvBuild: the experiment that it belongs to; its pods and its metrics carry it, too."""

RETRY = f"{GROUP}/retry"
"""Annotation on a TaskInstance or EnvBuild that ended without a result: each new value starts its work once more."""

BUCKET = f"{GROUP}/bucket"
"""On TaskInstances, EnvBuilds and task pods where several shards share the work: the hash of the repository, by which
the API server sends each object to one shard."""
SHARD = f"{GROUP}/shard"
"""On the operator's own Deployments and pods, where there are several shards: the number of the shard."""

FINALIZER = f"{GROUP}/result"
"""On task pods: keeps the exit code until it is in the owner's status."""
