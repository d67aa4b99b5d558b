"""Opens the model client of an agent run: reads the API key, redacts what is printed, handles SIGTERM."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from swefoundry.contracts.agent import AgentSpec
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import ModelRefused
from swefoundry.programs.agent.llm.endpoint import EndpointAccess
from swefoundry.programs.agent.llm.hooks import REAL_HOOKS, Hooks
from swefoundry.programs.agent.llm.model_client import FallbackModelClient
from swefoundry.programs.agent.llm.response_cache import ResponseStore
from swefoundry.programs.agent.redaction import Redactor

CHECK_SECRET_HINT = "check the Secret that the chart's value agents.secret names"


@asynccontextmanager
async def open_model_client(
    spec: AgentSpec, registry: RegistryClient, start_index: int = 0, hooks: Hooks = REAL_HOOKS
) -> AsyncIterator[FallbackModelClient]:
    """A client for the models of an agent run, until the block ends. Meanwhile SIGTERM requests a stop."""
    key = await asyncio.to_thread(_read_key, spec.key_file)
    redact = Redactor([key])
    stop_requested = asyncio.Event()

    def print_redacted(line: str) -> None:
        hooks.progress(redact(line))

    access = EndpointAccess(key, spec.ca_file, stop_requested, Hooks(hooks.sleep, print_redacted))
    store = ResponseStore(registry, spec.place.repository, spec.conversation, hooks.sleep)
    with _sigterm_sets(stop_requested):
        client = FallbackModelClient(spec, store, access, redact, start_index)
        try:
            yield client
        finally:
            await client.aclose()


def _read_key(path: str | None) -> str:
    if path is None:
        return ""
    try:
        key = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ModelRefused(f"the API key file {path} cannot be read: {error}; {CHECK_SECRET_HINT}") from error
    if not key or not key.isascii() or any(letter.isspace() for letter in key):
        raise ModelRefused(
            f"the API key file {path} holds no key: one line of ASCII text is wanted; {CHECK_SECRET_HINT}"
        )
    return key


@contextmanager
def _sigterm_sets(event: asyncio.Event) -> Iterator[None]:
    """SIGTERM sets the event until the block ends; does nothing where the loop cannot handle signals."""
    loop, installed = asyncio.get_running_loop(), False
    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGTERM, event.set)
        installed = True
    try:
        yield
    finally:
        if installed:
            loop.remove_signal_handler(signal.SIGTERM)
