"""Entry point of the connectivity pod."""

import sys

from swefoundry.contracts.connectivity import CONNECTIVITY_SPEC_VARIABLE, ConnectivityResult, ConnectivitySpec
from swefoundry.programs.connectivity.run import measure_connectivity
from swefoundry.programs.frame import PodProgram, run_program


def main() -> int:
    """Measure the connections; the exit code."""
    program = PodProgram(
        "connectivity",
        CONNECTIVITY_SPEC_VARIABLE,
        ConnectivitySpec,
        ConnectivityResult,
        measure_connectivity,
        summary=_summary,
    )
    return run_program(program)


def _summary(result: ConnectivityResult) -> str:
    return "; ".join(f"{each.kind} {each.target}: {each.error or 'ok'}" for each in result.connections)


if __name__ == "__main__":
    sys.exit(main())
