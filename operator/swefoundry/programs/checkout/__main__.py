"""Entry point of the checkout pod."""

import sys

from swefoundry.contracts.checkout import CHECKOUT_SPEC_VARIABLE, CheckoutResult, CheckoutSpec
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.checkout.run import run_checkout
from swefoundry.programs.frame import PodProgram, run_program, work_folder


def main() -> int:
    """Run a checkout; the exit code."""
    program = PodProgram(
        "checkout", CHECKOUT_SPEC_VARIABLE, CheckoutSpec, CheckoutResult, _run, summary=_summary
    )
    return run_program(program)


def _summary(result: CheckoutResult) -> str:
    return f"{result.added} added, {result.changed} changed, {result.removed} removed"


async def _run(spec: CheckoutSpec) -> CheckoutResult:
    with work_folder() as folder:
        async with RegistryClient.for_location(spec.place) as registry:
            return await run_checkout(spec, registry, folder)


if __name__ == "__main__":
    sys.exit(main())
