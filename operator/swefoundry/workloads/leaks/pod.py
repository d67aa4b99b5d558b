"""Manifest of the leaks pod: the operator's own image, which reads untrusted layers as an unprivileged user. Pure."""

from swefoundry.contracts.leaks import LEAKS_SPEC_VARIABLE, LeaksSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.program_pod import program_pod, source_program

STATEMENT_MOUNT = "/var/run/swefoundry/statement"


def leaks_pod(
    ref: AttemptRef, spec: LeaksSpec, settings: Settings, files: tuple[JsonDict, ...] = ()
) -> JsonDict:
    """The pod for ``spec``, with the disk, the limits and the network of an intake; ``files`` are volumes with
    ``mountPath``.
    """
    env = {LEAKS_SPEC_VARIABLE: spec.to_json()}
    return program_pod(ref, source_program("swefoundry-leaks", env, settings), settings, files)
