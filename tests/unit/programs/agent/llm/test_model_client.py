"""One request with every kind of response: what is retried, what ends the run, and the reply."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Usage
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import ModelRefused, ModelUnavailable
from swefoundry.programs.agent.llm.api_errors import retry_after_seconds
from swefoundry.programs.agent.llm.endpoint import MAX_RETRY_AFTER_SECONDS
from swefoundry.programs.agent.llm.messages import ToolCall
from swefoundry.programs.agent.llm.request_errors import RealModelBlocked
from unit.programs.agent.llm.model_answers import (
    USAGE,
    Answer,
    breaking_off,
    calling,
    completion,
    giving,
    hanging_up,
    raw,
    refusing,
    serving,
    text_answer,
)
from unit.programs.agent.llm.model_clients import (
    GREP,
    SCHEMA,
    RecordingHooks,
    a_model,
    a_model_client,
    a_request,
)


async def test_a_reply_has_usage_and_cost(registry: RegistryClient, conversation: str) -> None:
    usage = USAGE | {
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    async with serving(text_answer("Do this.", usage=usage)) as server:
        model = a_model(server.base_url, input_usd=2, cached_usd=0.5, output_usd=10)
        async with a_model_client(registry, model, conversation=conversation) as client:
            reply = await client.ask(a_request())
    cost = 60 * 2 + 40 * 0.5 + 20 * 10
    expected = Usage(turns=1, input_tokens=100, cached_tokens=40, output_tokens=20, micro_usd=int(cost))
    assert (reply.message.text, reply.model, reply.usage, reply.stored, reply.truncated, reply.note) == (
        "Do this.",
        "small",
        expected,
        False,
        False,
        "",
    )
    assert client.usage == expected
    assert [each.path for each in server.requests] == ["/v1/chat/completions"]


async def test_tools_are_sent_natively(registry: RegistryClient, conversation: str) -> None:
    async with serving(calling("grep", '{"pattern": "x"}')) as server:
        model = a_model(
            server.base_url, temperature=0.5, reasoning_effort="low", extra_headers={"X-Team": "blue"}
        )
        async with a_model_client(registry, model, conversation=conversation) as client:
            reply = await client.ask(a_request(tools=(GREP,)))
    assert reply.message.calls == (ToolCall("call_1", "grep", '{"pattern": "x"}'),)
    function = {"name": "grep", "description": "Search the source.", "parameters": GREP.parameters}
    assert server.bodies == [
        {
            "model": "small",
            "messages": [
                {"role": "system", "content": "You are the Test Analyst of swefoundry."},
                {"role": "user", "content": "What now?"},
            ],
            "max_completion_tokens": 1000,
            "temperature": 0.5,
            "reasoning_effort": "low",
            "tools": [{"type": "function", "function": function}],
        }
    ]
    assert server.headers[0]["x-team"] == "blue"
    assert "authorization" not in server.headers[0]


async def test_a_schema_is_sent_natively_but_described_when_there_are_tools(
    registry: RegistryClient, conversation: str
) -> None:
    async with (
        serving(text_answer('{"ok": true}')) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        await client.ask(a_request(answer=SCHEMA))
        await client.ask(a_request(answer=SCHEMA, tools=(GREP,)))
    alone, with_tools = server.bodies
    assert alone["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "Verdict", "schema": SCHEMA, "strict": True},
    }
    assert alone["messages"][0]["content"] == "You are the Test Analyst of swefoundry."
    assert "response_format" not in with_tools
    assert "must obey this JSON schema" in with_tools["messages"][0]["content"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refusing(429, "Rate limit reached", "rate_limit_exceeded"), id="rate limit"),
        pytest.param(refusing(408, "time"), id="408"),
        pytest.param(refusing(409, "conflict"), id="409"),
        pytest.param(refusing(500, "oops"), id="500"),
        pytest.param(refusing(503, "overloaded"), id="503"),
        pytest.param(giving({"error": {"message": "upstream", "code": 502}}), id="an error inside a 200"),
        pytest.param(hanging_up(), id="hung up"),
        pytest.param(breaking_off(), id="broken off"),
        pytest.param(raw('{"choices": [{"mess'), id="half a JSON"),
        pytest.param(raw(""), id="an empty body"),
        pytest.param(giving({"choices": []}), id="no choices"),
    ],
)
async def test_transient_faults_are_retried_with_delays(
    registry: RegistryClient, conversation: str, fault: Answer
) -> None:
    hooks = RecordingHooks()
    async with (
        serving(fault, fault, text_answer("At last.")) as server,
        a_model_client(registry, a_model(server.base_url), hooks=hooks, conversation=conversation) as client,
    ):
        reply = await client.ask(a_request())
    assert (reply.message.text, len(server.bodies), len(hooks.pauses)) == ("At last.", 3, 2)
    assert 0.5 <= hooks.pauses[0] <= 1 <= hooks.pauses[1] <= 2


async def test_retry_after_is_honoured_up_to_a_limit(registry: RegistryClient, conversation: str) -> None:
    hooks = RecordingHooks()
    answers = [
        refusing(429, "slow down", headers={"Retry-After": "17"}),
        refusing(503, "later", headers={"retry-after-ms": "2500"}),
        refusing(429, "much later", headers={"Retry-After": "3600"}),
        text_answer("Now."),
    ]
    async with (
        serving(*answers) as server,
        a_model_client(registry, a_model(server.base_url), hooks=hooks, conversation=conversation) as client,
    ):
        await client.ask(a_request())
    assert hooks.pauses == [17, 2.5, MAX_RETRY_AFTER_SECONDS]
    assert [line.rsplit(";", 1)[1] for line in hooks.lines] == [
        " retried in 17 s",
        " retried in 2 s",
        " retried in 120 s",
    ]


def test_retry_after_may_be_a_date() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    then = format_datetime(now + timedelta(seconds=30), usegmt=True)
    assert retry_after_seconds({"retry-after": then}, now) == 30
    assert retry_after_seconds({"retry-after": "soon"}, now) is None


@pytest.mark.parametrize(
    ("configured", "slept"),
    [
        pytest.param({}, 300, id="as most endpoints need it"),
        pytest.param({"patience_seconds": 20}, 20, id="as the model says"),
        pytest.param({"patience_seconds": 0}, 0, id="none"),
    ],
)
async def test_retries_end_at_the_time_limit_of_the_model(
    registry: RegistryClient, conversation: str, configured: dict[str, int], slept: int
) -> None:
    hooks = RecordingHooks()
    async with (
        serving(refusing(503, "overloaded")) as server,
        a_model_client(
            registry, a_model(server.base_url, **configured), hooks=hooks, conversation=conversation
        ) as client,
    ):
        with pytest.raises(ModelUnavailable, match="answered 503 for model small: overloaded") as caught:
            await client.ask(a_request())
    assert caught.value.code == ExitCode.MODEL_UNAVAILABLE
    assert sum(hooks.pauses) == pytest.approx(slept)
    assert len(server.bodies) == len(hooks.pauses) + 1


async def test_broken_responses_are_retried_three_times_at_most(
    registry: RegistryClient, conversation: str
) -> None:
    async with (
        serving(raw('{"choices": [')) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        with pytest.raises(ModelUnavailable, match="broke off its answer"):
            await client.ask(a_request())
    assert len(server.bodies) == 3


async def test_a_malformed_response_is_retried_three_times(
    registry: RegistryClient, conversation: str
) -> None:
    async with (
        serving(giving({"choices": [{"text": "an old completion"}]})) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        with pytest.raises(ModelUnavailable, match="choice has no message, 3 times"):
            await client.ask(a_request())
    assert len(server.bodies) == 3


async def test_a_timeout_is_retried(registry: RegistryClient, conversation: str) -> None:
    slow: Answer = {"text": "Too late.", "delay": 3600}
    hooks = RecordingHooks()
    async with (
        serving(slow, text_answer("Here.")) as server,
        a_model_client(
            registry, a_model(server.base_url, request_seconds=1), hooks=hooks, conversation=conversation
        ) as client,
    ):
        assert (await client.ask(a_request())).message.text == "Here."
    assert "no answer within 1 s" in hooks.lines[0]


async def test_an_endpoint_that_does_not_exist_is_unavailable(
    registry: RegistryClient, conversation: str
) -> None:
    async with a_model_client(
        registry, a_model("http://127.0.0.1:9/v1"), conversation=conversation
    ) as client:
        with pytest.raises(ModelUnavailable, match=r"http://127.0.0.1:9/v1 was not reached"):
            await client.ask(a_request())


@pytest.mark.parametrize(
    ("fault", "expected_message"),
    [
        pytest.param(
            refusing(401, "Incorrect API key"),
            "answered 401 for model small: Incorrect API key; check the API key",
            id="wrong key",
        ),
        pytest.param(
            refusing(403, "Country not supported"),
            "Country not supported; check that the API key may",
            id="forbidden",
        ),
        pytest.param(
            refusing(404, "The model `small` does not exist", "model_not_found"),
            "The model `small` does not exist; check the model's name and baseUrl",
            id="unknown model",
        ),
        pytest.param(
            giving({"detail": "Not Found"}, 404), "Not Found; check the model's name", id="another path"
        ),
        pytest.param(
            refusing(429, "You exceeded your current quota", "insufficient_quota"),
            "no money or quota left",
            id="no quota",
        ),
        pytest.param(refusing(402, "Insufficient credits"), "no money or quota left", id="no money"),
        pytest.param(
            refusing(400, "Invalid value for n"),
            "Invalid value for n; check the model's settings",
            id="invalid",
        ),
        pytest.param(
            raw("<html>Welcome</html>", "text/html"), "not in JSON: '<html>Welcome</html>'", id="a page"
        ),
        pytest.param(raw("[1]"), "JSON that is not an object", id="a list"),
        pytest.param(
            giving({}, 307, {"Location": "https://elsewhere.test/"}), "redirects to", id="a redirect"
        ),
    ],
)
async def test_errors_that_need_a_person_are_not_retried(
    registry: RegistryClient, conversation: str, fault: Answer, expected_message: str
) -> None:
    hooks = RecordingHooks()
    async with (
        serving(fault) as server,
        a_model_client(registry, a_model(server.base_url), hooks=hooks, conversation=conversation) as client,
    ):
        with pytest.raises(ModelRefused) as caught:
            await client.ask(a_request())
    assert expected_message in str(caught.value)
    assert (len(server.bodies), hooks.pauses, client.usage) == (1, [], Usage())


async def test_a_filtered_answer_is_empty_with_a_note(registry: RegistryClient, conversation: str) -> None:
    answer = giving(completion({"content": ""}, finish="content_filter"))
    async with (
        serving(answer) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        reply = await client.ask(a_request())
    assert (reply.message.text, reply.note) == ("", "the endpoint's content filter withheld the answer")


async def test_a_refusal_of_the_model_is_its_answer(registry: RegistryClient, conversation: str) -> None:
    async with (
        serving(giving(completion({"content": None, "refusal": "I cannot."}))) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        assert (await client.ask(a_request())).message.text == "I cannot."


async def test_a_truncated_answer_is_marked(registry: RegistryClient, conversation: str) -> None:
    async with (
        serving(text_answer("FROM pyth", finish="length")) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        assert (await client.ask(a_request())).truncated


async def test_missing_usage_is_estimated_too_high(registry: RegistryClient, conversation: str) -> None:
    async with (
        serving(text_answer("x" * 100, usage=None)) as server,
        a_model_client(registry, a_model(server.base_url, input_usd=1), conversation=conversation) as client,
    ):
        reply = await client.ask(a_request())
    assert reply.note == "the endpoint reported no usage: it is estimated, rather too high than too low"
    assert reply.usage.output_tokens == 50
    assert reply.usage.input_tokens >= 24
    assert reply.usage.micro_usd == reply.usage.input_tokens


async def test_reasoning_outside_the_completion_tokens_is_counted(
    registry: RegistryClient, conversation: str
) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 620}
    async with (
        serving(text_answer("Yes.", usage=usage)) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        assert (await client.ask(a_request())).usage.output_tokens == 520


async def test_a_test_cannot_ask_a_real_model(registry: RegistryClient, conversation: str) -> None:
    for url in ("https://api.openai.com/v1", "http://10.0.0.7:8000/v1", "http://vllm:8000/v1"):
        async with a_model_client(registry, a_model(url), conversation=conversation) as client:
            with pytest.raises(RealModelBlocked, match="may be a real model"):
                await client.ask(a_request())


async def test_an_invalid_address_is_refused(registry: RegistryClient, conversation: str) -> None:
    async with a_model_client(
        registry, a_model("http://127.0.0.1:port/v1"), conversation=conversation
    ) as client:
        with pytest.raises(ModelRefused, match="is no URL"):
            await client.ask(a_request())
