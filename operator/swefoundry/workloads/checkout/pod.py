"""Manifest of the checkout pod: the operator's own image, which compares two untrusted trees as an unprivileged
user. Pure.
"""

from swefoundry.contracts.checkout import CHECKOUT_SPEC_VARIABLE, CheckoutSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.program_pod import program_pod, source_program


def checkout_pod(ref: AttemptRef, spec: CheckoutSpec, settings: Settings) -> JsonDict:
    """The pod for ``spec``; it has the disk, the limits and the network of an intake."""
    text = spec.to_json()
    return program_pod(
        ref,
        source_program("swefoundry-checkout", {CHECKOUT_SPEC_VARIABLE: text}, settings),
        settings,
    )
