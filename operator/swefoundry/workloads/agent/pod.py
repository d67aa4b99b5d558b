"""The agent pod: the operator's own image, asking models about an untrusted tree that it never runs.

It alone has the models' key, as a file, and a way to the models' endpoints.
"""

from collections.abc import Mapping

from swefoundry.contracts.agent import AGENT_SPEC_VARIABLE, AgentSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import JsonDict, scale_quantity
from swefoundry.workloads.program_pod import Program, program_pod
from swefoundry.workloads.volumes import ca_file

MODEL_KEY_MOUNT = "/var/run/swefoundry/llm"

AGENT_OVERHEAD_SECONDS = 900
"""On top of the agents' own limit: pulling the image, fetching the source, storing the transcript, and the answer that
is under way when the limit strikes, which is waited for (a request takes 600 s at most by default).
"""

AGENT_TERMINATION_SECONDS = 120
"""An answer that was paid for is waited for and stored, even when the pod is told to end."""

PROXY_VARIABLES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})


def agent_pod(ticket: AttemptRef, order: AgentSpec, settings: Settings, memory_factor: int = 1) -> JsonDict:
    """The Pod that carries out ``order``."""
    program = Program(
        module="swefoundry.programs.agent",
        env={AGENT_SPEC_VARIABLE: order.to_json(), **_environment(settings)},
        memory=scale_quantity(settings.agent_memory, memory_factor),
        storage=settings.agent_storage,
        deadline_seconds=order.time_limit_seconds + AGENT_OVERHEAD_SECONDS,
        grace_seconds=AGENT_TERMINATION_SECONDS,
    )
    return program_pod(ticket, program, settings, _key_volumes(settings))


def model_key_file(settings: Settings) -> str | None:
    """Path of the models' key in an agent pod."""
    return f"{MODEL_KEY_MOUNT}/key" if settings.llm_secret else None


def _environment(settings: Settings) -> Mapping[str, str]:
    env = dict(settings.agent_env)
    ca = ca_file(settings)
    if ca:
        env["SSL_CERT_FILE"] = ca
    if PROXY_VARIABLES & {name.upper() for name in env}:
        registry = settings.registry_push.partition(":")[0]
        # The registry is asked for every turn, and a proxy to the outside world rarely knows the way to it.
        env["NO_PROXY"] = ",".join(filter(None, [env.pop("no_proxy", ""), env.get("NO_PROXY", ""), registry]))
    return env


def _key_volumes(settings: Settings) -> tuple[JsonDict, ...]:
    """Optional: a pod whose Secret does not exist would wait without a word; this one says what it misses."""
    if not settings.llm_secret:
        return ()
    items = [{"key": settings.llm_secret_key, "path": "key"}]
    secret = {"secretName": settings.llm_secret, "items": items, "optional": True, "defaultMode": 0o440}
    return ({"name": "llm", "mountPath": MODEL_KEY_MOUNT, "secret": secret},)
