"""The program of an agent pod. It takes seconds to import, so ``__main__`` handles SIGTERM before it does."""

from swefoundry.contracts.agent import AGENT_SPEC_VARIABLE, AgentResult, AgentSpec
from swefoundry.contracts.termination_record import Cut
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.llm.open_client import open_model_client
from swefoundry.programs.agent.run import run_agent
from swefoundry.programs.frame import PodProgram, run_program, work_folder

AGENT_RESULT_CUTS = (Cut("message"), Cut("label"))


def run_agent_program() -> int:
    """Run the agents; the exit code."""
    program = PodProgram(
        name="agent",
        variable=AGENT_SPEC_VARIABLE,
        spec=AgentSpec,
        result=AgentResult,
        run=_run,
        cuts=AGENT_RESULT_CUTS,
        summary=lambda result: result.label or "done",
    )
    return run_program(program)


async def _run(spec: AgentSpec) -> AgentResult:
    with work_folder() as folder:
        async with RegistryClient.for_location(spec.place) as registry:
            return await run_agent(
                spec, registry, folder, open_model_client, progress=lambda line: print(line, flush=True)
            )
