"""Entry point of the leaks pod."""

import sys

from swefoundry.contracts.leaks import LEAKS_SPEC_VARIABLE, LeaksResult, LeaksSpec
from swefoundry.contracts.termination_record import Cut
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.frame import PodProgram, run_program, work_folder
from swefoundry.programs.leaks.run import run_leaks
from swefoundry.text.plurals import pluralize


def main() -> int:
    """Search for leaks; the exit code."""
    program = PodProgram(
        "leaks",
        LEAKS_SPEC_VARIABLE,
        LeaksSpec,
        LeaksResult,
        _run,
        cuts=(Cut("message"), Cut("unread")),
        summary=_summary,
    )
    return run_program(program)


def _summary(result: LeaksResult) -> str:
    read = f"{pluralize(result.layers, 'layer')}, {result.bytes >> 20} MiB"
    first = f": {result.findings[0].text()}" if result.findings else ""
    return f"{pluralize(sum(result.counts.values()), 'finding')} in {read}{first}"


async def _run(spec: LeaksSpec) -> LeaksResult:
    with work_folder() as folder:
        async with RegistryClient.for_location(spec.place) as registry:
            return await run_leaks(spec, registry, folder)


if __name__ == "__main__":
    sys.exit(main())
