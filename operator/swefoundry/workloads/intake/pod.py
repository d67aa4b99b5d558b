"""Manifest of the intake pod: the operator's own image, which reads untrusted sources and patches as an
unprivileged user. Pure.
"""

from swefoundry.contracts.intake import INTAKE_SPEC_VARIABLE, IntakeSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.program_pod import program_pod, source_program

TOKEN_MOUNT = "/var/run/swefoundry/git"
PATCH_MOUNT = "/var/run/swefoundry/patches"


def intake_pod(
    ref: AttemptRef, spec: IntakeSpec, settings: Settings, files: tuple[JsonDict, ...] = ()
) -> JsonDict:
    """The pod for ``spec``; ``files`` are the volumes (with ``mountPath``) that paths in the spec point into."""
    env = {INTAKE_SPEC_VARIABLE: spec.to_json()}
    return program_pod(ref, source_program("swefoundry-intake", env, settings), settings, files)
