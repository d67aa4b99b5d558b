"""Model clients, specs and requests for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from builders import NONCE, digest
from swefoundry.contracts.agent import AgentSpec
from swefoundry.contracts.models import Model
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.llm.hooks import Hooks
from swefoundry.programs.agent.llm.messages import JsonObject, Message, Request, Tool
from swefoundry.programs.agent.llm.model_client import FallbackModelClient
from swefoundry.programs.agent.llm.open_client import open_model_client

KEY = "sk-test-0123456789abcdefghij/+=secret"
SCHEMA: JsonObject = {
    "title": "Verdict",
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
GREP = Tool("grep", "Search the source.", {"type": "object", "properties": {"pattern": {"type": "string"}}})


@dataclass
class RecordingHooks:
    """Records printed lines and delays, without waiting."""

    lines: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    @property
    def hooks(self) -> Hooks:
        return Hooks(self.pause, self.lines.append)


def a_model(url: str, **rest: Any) -> Model:
    known = {"name": "small", "base_url": url, "request_seconds": 30, "context_tokens": 32_000}
    return Model.model_validate(known | {"output_tokens": 1000} | rest)


def an_agent_spec(registry: RegistryClient, *models: Model, **rest: Any) -> AgentSpec:
    place = RegistryLocation(registry=registry.host, insecure=True, repository="swefoundry/tasks/owner/turns")
    known = {
        "nonce": NONCE,
        "place": place,
        "conversation": "0badcafe-1",
        "repo": "owner/name",
        "source": digest("a"),
        "facts": digest("f"),
        "ladder": list(models),
    }
    return AgentSpec.model_validate(known | rest)


def a_request(text: str = "What now?", **rest: Any) -> Request:
    messages = (Message("system", "You are the Test Analyst of swefoundry."), Message("user", text))
    return Request(**({"role": "analyst", "messages": messages} | rest))


@asynccontextmanager
async def a_model_client(
    registry: RegistryClient,
    *models: Model,
    hooks: RecordingHooks | None = None,
    start_index: int = 0,
    **rest: Any,
) -> AsyncIterator[FallbackModelClient]:
    around = (hooks or RecordingHooks()).hooks
    async with open_model_client(
        an_agent_spec(registry, *models, **rest), registry, start_index, around
    ) as client:
        yield client
