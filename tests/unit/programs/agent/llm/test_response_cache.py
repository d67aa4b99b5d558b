"""No turn is paid for twice or beyond the budget, and no response in flight is lost."""

import asyncio
import os
import signal

import pytest

import scripted
from swefoundry.contracts.agent import Allowance
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Usage
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import BudgetSpent, Interrupted, ModelRefused
from swefoundry.programs.agent.llm.messages import Message, Reply
from swefoundry.programs.agent.llm.response_cache import (
    RESPONSE_FILE,
    RESPONSE_KIND,
    ResponseStore,
    request_digest,
)
from unit.oci import registry_server
from unit.programs.agent.llm.model_answers import calling, refusing, serving, text_answer
from unit.programs.agent.llm.model_clients import GREP, RecordingHooks, a_model, a_model_client, a_request

REPOSITORY = "swefoundry/tasks/owner/turns"


async def test_a_stored_response_is_not_requested_again(registry: RegistryClient, conversation: str) -> None:
    async with serving(calling("grep", '{"pattern": "ä"}')) as server:
        model = a_model(server.base_url, input_usd=3)
        async with a_model_client(registry, model, conversation=conversation) as first:
            paid = await first.ask(a_request(tools=(GREP,)))
        async with a_model_client(registry, model, conversation=conversation) as second:
            read = await second.ask(a_request(tools=(GREP,)))
            again = await second.ask(a_request(tools=(GREP,)))
    assert (paid.stored, read.stored, len(server.bodies)) == (False, True, 1)
    assert (read.message, read.usage, again) == (paid.message, paid.usage, read)
    assert (first.usage, second.usage) == (paid.usage, paid.usage)


async def test_stored_responses_need_neither_endpoint_nor_budget(
    registry: RegistryClient, conversation: str
) -> None:
    async with (
        serving(text_answer("Yes.")) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        await client.ask(a_request())
    moved = a_model("http://127.0.0.1:9/v1", input_usd=1, tools=False)
    nothing = Allowance(tokens=0, micro_usd=0, turns_per_role=0)
    async with a_model_client(registry, moved, conversation=conversation, allowance=nothing) as client:
        assert (await client.ask(a_request())).message.text == "Yes."


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"conversation": "another"}, id="another conversation"),
        pytest.param({"text": "And now?"}, id="another question"),
        pytest.param({"role": "tests"}, id="another role"),
        pytest.param({"name": "large"}, id="another model"),
        pytest.param({"temperature": 0.7}, id="another temperature"),
    ],
)
async def test_different_requests_have_different_responses(
    registry: RegistryClient, conversation: str, other: dict[str, str | float]
) -> None:
    request = {key: other[key] for key in ("text", "role") if key in other}
    model = {key: other[key] for key in ("name", "temperature") if key in other}
    where = str(other.get("conversation", "")) + conversation
    async with serving(text_answer("One."), text_answer("Two.")) as server:
        async with a_model_client(registry, a_model(server.base_url), conversation=conversation) as client:
            await client.ask(a_request())
        async with a_model_client(registry, a_model(server.base_url, **model), conversation=where) as client:
            reply = await client.ask(a_request(**request))
    assert (reply.message.text, reply.stored, len(server.bodies)) == ("Two.", False, 2)


async def test_a_damaged_response_is_requested_again_with_a_note(
    registry: RegistryClient, conversation: str
) -> None:
    hooks = RecordingHooks()
    async with serving(text_answer("Anew.")) as server:
        model = a_model(server.base_url)
        store = ResponseStore(registry, REPOSITORY, conversation)
        digest = request_digest(conversation, a_request(), model)
        await push_artifact(registry, REPOSITORY, RESPONSE_KIND, {RESPONSE_FILE: b"{"}, tag=store.tag(digest))
        async with a_model_client(registry, model, hooks=hooks, conversation=conversation) as client:
            reply = await client.ask(a_request())
        async with a_model_client(registry, model, conversation=conversation) as client:
            assert (await client.ask(a_request())).stored
    assert (reply.message.text, reply.stored, len(server.bodies)) == ("Anew.", False, 1)
    assert "cannot be read" in reply.note
    assert reply.note in hooks.lines


async def test_a_response_under_a_wrong_tag_is_not_used(registry: RegistryClient, conversation: str) -> None:
    async with serving(text_answer("Anew.")) as server:
        model = a_model(server.base_url)
        store = ResponseStore(registry, REPOSITORY, conversation)
        digest = request_digest(conversation, a_request(), model)
        other = digest[:32] + "0" * 32
        await store.store(other, "analyst", Reply(Message("assistant", "Other."), "small", Usage(turns=1)))
        async with a_model_client(registry, model, conversation=conversation) as client:
            assert (await client.ask(a_request())).message.text == "Anew."


async def test_a_short_outage_of_the_registry_loses_no_response(
    tmp_path_factory: pytest.TempPathFactory, conversation: str
) -> None:
    folder = tmp_path_factory.mktemp("leaving")
    port = registry_server.free_port()
    gate = scripted.RequestGate()
    hooks = RecordingHooks()
    async with (
        serving(text_answer("Paid for."), gate=gate) as server,
        RegistryClient(f"127.0.0.1:{port}", insecure=True, retry_seconds=0.1) as registry,
    ):

        async def come_back(seconds: float) -> None:
            hooks.pauses.append(seconds)
            if len(hooks.pauses) == 2:
                await asyncio.to_thread(after.__enter__)

        hooks.pause = come_back  # type: ignore[method-assign]
        after = registry_server.serving(folder, port=port)
        with registry_server.serving(folder, port=port):
            opening = a_model_client(
                registry, a_model(server.base_url), hooks=hooks, conversation=conversation
            )
            client = await opening.__aenter__()
            asking = asyncio.create_task(client.ask(a_request()))
            held = await gate.next_request()
        held.release()
        try:
            assert (await asking).message.text == "Paid for."
            assert (await client.ask(a_request())).stored
        finally:
            await opening.__aexit__(None, None, None)
            after.__exit__(None, None, None)
    assert len(server.bodies) == 1 and len(hooks.pauses) >= 2


# Being asked to end


async def test_a_response_in_flight_is_stored_on_sigterm(registry: RegistryClient, conversation: str) -> None:
    gate = scripted.RequestGate()
    async with serving(text_answer("Just in time."), gate=gate) as server:
        model = a_model(server.base_url)
        async with a_model_client(registry, model, conversation=conversation) as client:
            asking = asyncio.create_task(client.ask(a_request()))
            held = await gate.next_request()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0)
            held.release()
            with pytest.raises(Interrupted) as caught:
                await asking
            with pytest.raises(Interrupted):
                await client.ask(a_request("Another question."))
        async with a_model_client(registry, model, conversation=conversation) as client:
            reply = await client.ask(a_request())
    assert caught.value.code == ExitCode.INFRASTRUCTURE
    assert (reply.message.text, reply.stored, len(server.bodies)) == ("Just in time.", True, 1)


async def test_a_response_in_flight_is_stored_when_the_caller_is_cancelled(
    registry: RegistryClient, conversation: str
) -> None:
    gate = scripted.RequestGate()
    async with serving(text_answer("Just in time."), gate=gate) as server:
        model = a_model(server.base_url)
        async with a_model_client(registry, model, conversation=conversation) as client:
            asking = asyncio.create_task(client.ask(a_request()))
            held = await gate.next_request()
            asking.cancel()
            await asyncio.sleep(0)
            assert not asking.done()
            held.release()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert client.usage.turns == 1
        async with a_model_client(registry, model, conversation=conversation) as client:
            assert (await client.ask(a_request())).stored
    assert len(server.bodies) == 1


async def test_sigterm_ends_the_wait_for_a_busy_endpoint(registry: RegistryClient, conversation: str) -> None:
    hooks, waiting = RecordingHooks(), asyncio.Event()

    async def block_forever(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    hooks.pause = block_forever  # type: ignore[method-assign]
    async with (
        serving(refusing(503, "busy")) as server,
        a_model_client(registry, a_model(server.base_url), hooks=hooks, conversation=conversation) as client,
    ):
        asking = asyncio.create_task(client.ask(a_request()))
        await waiting.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted, match="busy"):
            await asking
    assert len(server.bodies) == 1


# Budgets


@pytest.mark.parametrize(
    ("allowance", "expected"),
    [
        pytest.param(
            Allowance(tokens=1000, tokens_named="spec.budget.llmTokens"),
            "tokens, but 1000 are left of spec.budget.llmTokens",
            id="tokens",
        ),
        pytest.param(
            Allowance(micro_usd=9_000, usd_named="the operator; raise the chart value `budget.usd`"),
            "but $0.0090 is left of the operator; raise the chart value `budget.usd`",
            id="money",
        ),
        pytest.param(Allowance(turns_per_role=0), "raise spec.budget.turnsPerRole", id="turns"),
    ],
)
async def test_a_request_that_might_exceed_the_budget_is_not_sent(
    registry: RegistryClient, conversation: str, allowance: Allowance, expected: str
) -> None:
    async with serving(text_answer("Dear.")) as server:
        model = a_model(server.base_url, output_usd=10)
        async with a_model_client(registry, model, conversation=conversation, allowance=allowance) as client:
            with pytest.raises(BudgetSpent) as caught:
                await client.ask(a_request())
    assert expected in str(caught.value)
    assert len(server.bodies) == 0


async def test_usage_counts_against_the_budget(registry: RegistryClient, conversation: str) -> None:
    allowance = Allowance(tokens=1150)
    async with (
        serving(text_answer("One.")) as server,
        a_model_client(
            registry, a_model(server.base_url), conversation=conversation, allowance=allowance
        ) as client,
    ):
        await client.ask(a_request())
        with pytest.raises(BudgetSpent, match="but 1030 are left"):
            await client.ask(a_request("More?"))
    assert len(server.bodies) == 1


async def test_each_role_has_its_own_turns(registry: RegistryClient, conversation: str) -> None:
    async with (
        serving(text_answer("One.")) as server,
        a_model_client(
            registry,
            a_model(server.base_url),
            conversation=conversation,
            allowance=Allowance(turns_per_role=1),
        ) as client,
    ):
        await client.ask(a_request())
        await client.ask(a_request(role="tests"))
        with pytest.raises(BudgetSpent, match="the role analyst has used its 1 model turns"):
            await client.ask(a_request("Again?"))
    assert len(server.bodies) == 2


# The ladder


async def test_the_next_model_is_used_on_request(registry: RegistryClient, conversation: str) -> None:
    async with serving(text_answer("Cheap."), text_answer("Dear.")) as server:
        models = (a_model(server.base_url), a_model(server.base_url, name="large"))
        async with a_model_client(registry, *models, conversation=conversation) as client:
            first = await client.ask(a_request())
            switched, top = client.use_next_model(), client.use_next_model()
            second = await client.ask(a_request())
    assert (first.model, second.model, switched, top, client.model_index) == (
        "small",
        "large",
        True,
        False,
        1,
    )
    assert [body["model"] for body in server.bodies] == ["small", "large"]


async def test_a_pod_may_start_with_a_later_model(registry: RegistryClient, conversation: str) -> None:
    models = (a_model("http://127.0.0.1:9/v1"), a_model("http://127.0.0.1:9/v1", name="large"))
    async with a_model_client(registry, *models, conversation=conversation, start_index=7) as client:
        assert (client.model_index, client.model, client.use_next_model()) == (1, "large", False)


async def test_a_spec_without_models_is_refused(registry: RegistryClient, conversation: str) -> None:
    with pytest.raises(ModelRefused, match="no model is configured"):
        async with a_model_client(registry, conversation=conversation):
            pass
