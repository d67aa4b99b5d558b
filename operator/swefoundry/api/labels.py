"""Names that swefoundry puts on Kubernetes objects."""

GROUP = "swefoundry.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "swefoundry"

ROLE = f"{GROUP}/role"
"""intake, build, agent or evaluation: what NetworkPolicies select pods by."""
OWNER_KIND = f"{GROUP}/owner-kind"
"""taskinstance or envbuild: whose pod this is."""
OWNER = f"{GROUP}/owner"
"""Name of the owner, cut and hashed when longer than a label value may be; the annotation has it whole."""
WORK = f"{GROUP}/work"
"""Which piece of the owner's work the pod does: intake, build-0, before-0, …"""
ATTEMPT = f"{GROUP}/attempt"
NONCE = f"{GROUP}/nonce"
"""Annotation: the nonce that the pod's record must carry."""

EXPERIMENT = f"{GROUP}/experiment"
"""On a TaskInstance or EnvBuild: the experiment that it belongs to; its pods and its metrics carry it, too."""

FINALIZER = f"{GROUP}/result"
"""On task pods: keeps the exit code until it is in the owner's status."""
