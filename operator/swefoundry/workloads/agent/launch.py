"""Start agent pods, which write the next draft."""

from swefoundry import errors
from swefoundry.contracts.agent import AgentSpec, PastRound
from swefoundry.text.urls import host_and_port
from swefoundry.workloads.agent.pod import agent_pod
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import StartPod, Wait
from swefoundry.workloads.lifecycle import PodStarted, Queued, start_pod
from swefoundry.workloads.pod_spec import JsonDict

AGENT_SPEC_LIMIT_BYTES = 120_000
"""Linux takes 131,072 bytes as one string of the environment (MAX_ARG_STRLEN), its name included."""

SHORTENED_CHARACTERS = 200
"""Length of early rounds' messages when the spec would be too long: the last rounds matter most."""


async def launch_agent_pod(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, spec: AgentSpec
) -> PodStarted | Queued | Wait:
    """Create the agent pod."""
    fitted_spec = fit_agent_spec(spec)

    async def prepare() -> JsonDict:
        return agent_pod(ref, fitted_spec, context.settings, move.memory_factor)

    endpoints = {host_and_port(model.base_url) for model in spec.ladder}
    # Which of several models is in use, the agents' stored state says; a failing one is then learnt by failing.
    hosts = endpoints if len(endpoints) == 1 else set()
    return await start_pod(context, ref, move, prepare, hosts | {context.settings.registry_push})


def fit_agent_spec(spec: AgentSpec) -> AgentSpec:
    """``spec``, with the messages of its oldest rounds shortened as far as needed to fit."""
    rounds = list(spec.rounds)
    for index in range(len(rounds) + 1):
        size = len(spec.to_json().encode())
        if size <= AGENT_SPEC_LIMIT_BYTES:
            return spec
        if index < len(rounds):
            rounds[index] = _shortened(rounds[index])
            spec = spec.model_copy(update={"rounds": list(rounds)})
    raise errors.PermanentError(
        f"the spec of the agent pod has {size} bytes, more than the {AGENT_SPEC_LIMIT_BYTES} that a pod can be given; "
        "configure fewer models, headers or base images, or lower spec.budget.rounds",
        "Misconfigured",
    )


def _shortened(past: PastRound) -> PastRound:
    return past.model_copy(update={"message": past.message[:SHORTENED_CHARACTERS]})
