"""Manifest of the agent pod: the operator's own image, which asks models about an untrusted tree and runs none of it.

Only this pod has the models' key, as a file, and network access to the models' endpoints. Pure.
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
is in flight when the limit is reached, which is waited for (a request takes 600 s at most by default).
"""

AGENT_TERMINATION_SECONDS = 120
"""Time between SIGTERM and SIGKILL, seconds: an answer that is paid for is waited for and stored."""

PROXY_VARIABLES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})


def agent_pod(ref: AttemptRef, spec: AgentSpec, settings: Settings, memory_factor: int = 1) -> JsonDict:
    """The pod for ``spec``."""
    program = Program(
        command="swefoundry-agent",
        env={AGENT_SPEC_VARIABLE: spec.to_json(), **agent_environment(settings)},
        memory=scale_quantity(settings.agent_memory, memory_factor),
        storage=settings.agent_storage,
        deadline_seconds=spec.time_limit_seconds + AGENT_OVERHEAD_SECONDS,
        grace_seconds=AGENT_TERMINATION_SECONDS,
    )
    return program_pod(ref, program, settings, key_volumes(settings))


def model_key_file(settings: Settings) -> str | None:
    """Path of the models' key in an agent pod."""
    return f"{MODEL_KEY_MOUNT}/key" if settings.llm_secret else None


def agent_environment(settings: Settings) -> Mapping[str, str]:
    """Proxies and certificates for the way to the models."""
    env = dict(settings.agent_env)
    ca = ca_file(settings)
    if ca:
        env["SSL_CERT_FILE"] = ca
    if PROXY_VARIABLES & {name.upper() for name in env}:
        registry = settings.registry_push.partition(":")[0]
        # Every turn is stored in the registry, which a proxy to the outside world mostly cannot reach.
        env["NO_PROXY"] = ",".join(filter(None, [env.pop("no_proxy", ""), env.get("NO_PROXY", ""), registry]))
    return env


def key_volumes(settings: Settings) -> tuple[JsonDict, ...]:
    """The volume is optional: without its Secret a pod would wait silently; the program says what is missing."""
    if not settings.llm_secret:
        return ()
    items = [{"key": settings.llm_secret_key, "path": "key"}]
    secret = {"secretName": settings.llm_secret, "items": items, "optional": True, "defaultMode": 0o440}
    return ({"name": "llm", "mountPath": MODEL_KEY_MOUNT, "secret": secret},)
