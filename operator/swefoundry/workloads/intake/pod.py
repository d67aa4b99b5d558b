"""The intake pod: the operator's own image, working on untrusted sources and patches as nobody."""

from swefoundry.contracts.intake import INTAKE_SPEC_VARIABLE, IntakeSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.program_pod import program_pod, source_program

TOKEN_MOUNT = "/var/run/swefoundry/git"
PATCH_MOUNT = "/var/run/swefoundry/patches"


def intake_pod(
    ticket: AttemptRef, order: IntakeSpec, settings: Settings, files: tuple[JsonDict, ...] = ()
) -> JsonDict:
    """The Pod that carries out ``order``; ``files`` are volumes (with ``mountPath``) that the order's paths
    point into.
    """
    env = {INTAKE_SPEC_VARIABLE: order.to_json()}
    return program_pod(ticket, source_program("swefoundry.programs.intake", env, settings), settings, files)
