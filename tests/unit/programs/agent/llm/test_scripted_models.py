"""The model client works with the scripted model server: tools, schemas, text, faults, and no turn twice."""

from typing import Any

import pytest

import scripted
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import ModelRefused
from swefoundry.programs.agent.llm.messages import Message, Reply, Request, ToolCall
from unit.programs.agent.llm.model_clients import GREP, KEY, SCHEMA, RecordingHooks, a_model, a_model_client

SCRIPT: dict[str, Any] = {
    "models": {
        "able": {},
        "plain": {"tools": False, "json_schema": False},
        "narrow": {"context_tokens": 5000},
    },
    "rules": [
        {"name": "busy", "when": {"times": 1}, "then": {"error": {"status": 429, "retry_after": 7}}},
        {"name": "broken off", "when": {"times": 1}, "then": {"fault": "truncate"}},
        {
            "name": "looks, then says",
            "when": {"role": "explorer"},
            "then": [{"calls": [{"name": "grep", "arguments": {"pattern": "x"}}]}, {"json": {"ok": True}}],
        },
    ],
}
WITHOUT_FAULTS = SCRIPT | {"rules": SCRIPT["rules"][2:]}
START = (
    Message("system", "You are the Repository Explorer of swefoundry.\nLook around."),
    Message("user", "The repository is demo/adder."),
)


async def explore(client: Any) -> list[Reply]:
    """Two turns: a tool call and the answer."""
    first = await client.ask(Request("explorer", START, (GREP,), SCHEMA))
    result = Message("tool", "a.py:1:x", call_id=first.message.calls[0].id)
    second = await client.ask(Request("explorer", (*START, first.message, result), (GREP,), SCHEMA))
    return [first, second]


@pytest.mark.parametrize(
    ("name", "requests"), [pytest.param("able", 2, id="natively"), pytest.param("plain", 3, id="in text")]
)
async def test_a_conversation_with_tools(
    registry: RegistryClient, conversation: str, name: str, requests: int
) -> None:
    async with scripted.serve(WITHOUT_FAULTS) as server:
        model = a_model(server.base_url, name=name)
        async with a_model_client(registry, model, conversation=conversation) as client:
            first, second = await explore(client)
        async with a_model_client(registry, model, conversation=conversation) as client:
            again = await explore(client)
        report = server.request_report()
    call = first.message.calls[0]
    assert call == ToolCall(call.id, "grep", '{"pattern": "x"}')
    assert second.message == Message("assistant", '{"ok": true}')
    assert [reply.stored for reply in again] == [True, True]
    assert (report["count"], report["answered_twice"]) == (requests, [])


async def test_transient_faults_are_retried(registry: RegistryClient, conversation: str) -> None:
    hooks = RecordingHooks()
    async with (
        scripted.serve(SCRIPT) as server,
        a_model_client(
            registry, a_model(server.base_url, name="able"), hooks=hooks, conversation=conversation
        ) as it,
    ):
        first, _ = await explore(it)
    assert first.message.calls[0].name == "grep"
    assert hooks.pauses[0] == 7 and len(hooks.pauses) == 2


async def test_a_long_request_is_shortened(registry: RegistryClient, conversation: str) -> None:
    long = (START[0], Message("user", "b" * 30_000), Message("user", "Go."))
    async with (
        scripted.serve(WITHOUT_FAULTS) as server,
        a_model_client(
            registry, a_model(server.base_url, name="narrow"), conversation=conversation
        ) as client,
    ):
        reply = await client.ask(Request("explorer", long, (GREP,)))
    assert "shortened to fit" in reply.note


async def test_unknown_models_and_wrong_keys_stop(
    registry: RegistryClient, conversation: str, tmp_path: Any
) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    async with scripted.serve(WITHOUT_FAULTS, key=KEY) as server:
        unknown = a_model(server.base_url, name="nobody")
        async with a_model_client(registry, unknown, conversation=conversation, key_file=str(key)) as client:
            with pytest.raises(ModelRefused, match=r"`nobody` does not exist.*check the model's name"):
                await explore(client)
        key.write_text("sk-another-key-altogether")
        able = a_model(server.base_url, name="able")
        async with a_model_client(registry, able, conversation=conversation, key_file=str(key)) as client:
            with pytest.raises(ModelRefused, match="check the API key"):
                await explore(client)
