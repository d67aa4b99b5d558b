"""The real OpenAI client works with the server: answers, tools, schemas, streams, usage, and all errors."""

import asyncio
from typing import Any

import openai
import pytest

import scripted

ANY: dict[str, Any] = {
    "models": {"small": {}, "plain": {"tools": False, "json_schema": False, "context_tokens": 50}}
}
ASK: Any = [
    {"role": "system", "content": "You are the Repository Explorer of swefoundry.\nLook around."},
    {"role": "user", "content": "The repository is demo/adder."},
]
READ: Any = {
    "type": "function",
    "function": {
        "name": "read",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
            "additionalProperties": False,
        },
    },
}
REPORT: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "Report",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"language": {"$ref": "#/$defs/Language"}},
            "required": ["language"],
            "additionalProperties": False,
            "$defs": {"Language": {"enum": ["python", "go"]}},
        },
    },
}


def a_script(*then: dict[str, Any], **when: Any) -> dict[str, Any]:
    return ANY | {"rules": [{"name": "only", "when": when, "then": list(then)}]}


def client(at: scripted.LocalModel, key: str = "key", **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=at.base_url, api_key=key, **({"max_retries": 0} | options))


async def ask(at: scripted.LocalModel, **changes: Any) -> Any:
    async with client(at) as asking:
        return await asking.chat.completions.create(**({"model": "small", "messages": ASK} | changes))


async def failure(at: scripted.LocalModel, **changes: Any) -> openai.APIError:
    with pytest.raises(openai.APIError) as caught:
        await ask(at, **changes)
    return caught.value


async def test_a_text_is_sent_with_its_usage() -> None:
    async with scripted.serve(a_script({"text": "It is Python."})) as model:
        answer = await ask(model)
    assert answer.choices[0].message.content == "It is Python."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens_details.cached_tokens == 0
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (23, 4)
    assert answer.usage.total_tokens == 27


async def test_tools_are_called() -> None:
    then = {
        "calls": [{"name": "read", "arguments": {"path": "a"}}, {"name": "read", "arguments": {"path": "b"}}]
    }
    async with scripted.serve(a_script(then)) as model:
        choice = (await ask(model, tools=[READ])).choices[0]
    assert [call.function.arguments for call in choice.message.tool_calls] == [
        '{"path": "a"}',
        '{"path": "b"}',
    ]
    assert len({call.id for call in choice.message.tool_calls}) == 2
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)


async def test_data_that_fits_the_schema_is_sent_as_json() -> None:
    async with scripted.serve(a_script({"json": {"language": "python"}})) as model:
        answer = await ask(model, response_format=REPORT)
    assert answer.choices[0].message.content == '{"language": "python"}'


async def test_the_prompt_of_an_earlier_turn_counts_as_cached() -> None:
    later = [*ASK, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Sure?"}]
    async with scripted.serve(a_script({"text": "Yes."}, {"text": "Sure."})) as model:
        first, second = await ask(model), await ask(model, messages=later)
    assert second.choices[0].message.content == "Sure."
    assert second.usage.prompt_tokens_details.cached_tokens == first.usage.prompt_tokens - 1  # of no tools


async def test_a_script_may_set_the_usage() -> None:
    then = {"text": "x", "usage": {"prompt": 9000, "cached": 8000, "completion": 700}}
    async with scripted.serve(a_script(then)) as model:
        usage = (await ask(model)).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (9000, 700, 9700)
    assert usage.prompt_tokens_details.cached_tokens == 8000


async def test_a_stream_has_the_same_content_in_chunks() -> None:
    scripted_answer = {
        "text": "A text that is longer than one piece of a stream.",
        "calls": [{"name": "read", "arguments": {"path": "p"}}],
    }
    async with scripted.serve(a_script(scripted_answer)) as model, client(model) as asking:
        stream = await asking.chat.completions.create(
            model="small", messages=ASK, tools=[READ], stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    calls = [part for delta in deltas for part in delta.tool_calls or []]
    assert len(deltas) > 4
    assert "".join(delta.content or "" for delta in deltas) == scripted_answer["text"]
    assert calls[0].function and calls[0].function.name == "read"
    assert "".join(part.function.arguments or "" for part in calls if part.function) == '{"path": "p"}'
    assert chunks[-2].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens > 0


async def test_an_answer_may_be_truncated() -> None:
    async with scripted.serve(a_script({"text": "It is", "finish": "length"})) as model:
        assert (await ask(model)).choices[0].finish_reason == "length"


async def test_the_models_are_listed() -> None:
    async with scripted.serve(ANY) as model, client(model) as asking:
        assert [each.id async for each in asking.models.list()] == ["plain", "small"]


async def test_a_wrong_key_is_refused_and_not_repeated() -> None:
    async with (
        scripted.serve(a_script({"text": "x"}), key="right") as model,
        client(model, "wrong-key") as asking,
    ):
        with pytest.raises(openai.AuthenticationError) as caught:
            await asking.chat.completions.create(model="small", messages=ASK)
        with pytest.raises(openai.AuthenticationError):
            await asking.models.list()
        assert model.request_report()["count"] == 0
    assert caught.value.code == "invalid_api_key"
    assert "wrong-key" not in str(caught.value)


async def test_the_right_key_is_accepted() -> None:
    async with (
        scripted.serve(a_script({"text": "x"}), key="right") as model,
        client(model, "right") as asking,
    ):
        assert await asking.chat.completions.create(model="small", messages=ASK)
        assert "right" not in str(model.request_report(bodies=True))


async def test_an_unknown_model_is_not_found() -> None:
    async with scripted.serve(a_script({"text": "x"})) as model:
        error = await failure(model, model="large")
    assert isinstance(error, openai.NotFoundError)
    assert (error.code, "`large` does not exist" in error.message) == ("model_not_found", True)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"tools": [READ]}, "unsupported_parameter"),
        ({"response_format": REPORT}, "unsupported_parameter"),
        ({"max_completion_tokens": 40}, "context_length_exceeded"),
    ],
)
async def test_requests_beyond_a_models_limits_are_rejected(limits: dict[str, Any], code: str) -> None:
    async with scripted.serve(a_script({"text": "x"})) as model:
        error = await failure(model, model="plain", **limits)
    assert isinstance(error, openai.BadRequestError)
    assert error.code == code


async def test_a_busy_endpoint_sends_retry_after() -> None:
    busy = {"error": {"status": 429, "retry_after": 0.01}}
    script = ANY | {
        "rules": [
            {"name": "busy", "when": {"times": 2}, "then": busy},
            {"name": "there", "then": {"text": "Here I am."}},
        ]
    }
    async with scripted.serve(script) as model:
        error = await failure(model)
        async with client(model, max_retries=1) as asking:
            answer = await asking.chat.completions.create(model="small", messages=ASK)
        report = model.request_report()
    assert isinstance(error, openai.RateLimitError)
    assert (error.code, error.response.headers["Retry-After"]) == ("rate_limit_exceeded", "0.01")
    assert answer.choices[0].message.content == "Here I am."
    assert [line["status"] for line in report["requests"]] == [429, 429, 200]
    assert (report["count"], report["answered"], report["answered_twice"]) == (3, 1, [])


@pytest.mark.parametrize("status", [400, 403, 500, 502, 503])
async def test_errors_are_sent_as_scripted(status: int) -> None:
    then = {"error": {"status": status, "message": "Not today.", "code": "tired"}}
    async with scripted.serve(a_script(then)) as model:
        error = await failure(model)
    assert isinstance(error, openai.APIStatusError)
    assert (error.status_code, error.code) == (status, "tired")
    assert "Not today." in error.message


@pytest.mark.parametrize("fault", ["drop", "truncate"])
async def test_the_server_hangs_up(fault: str) -> None:
    async with scripted.serve(a_script({"fault": fault})) as model:
        error = await failure(model)
        assert isinstance(error, openai.APIConnectionError)
        assert [line["status"] for line in model.request_report()["requests"]] == [None]


async def test_an_answer_without_choices_is_sent() -> None:
    async with scripted.serve(a_script({"fault": "empty"})) as model:
        assert (await ask(model)).choices == []


async def test_garbage_is_no_json() -> None:
    async with scripted.serve(a_script({"fault": "garbage"})) as model, client(model) as asking:
        raw = await asking.chat.completions.with_raw_response.create(model="small", messages=ASK)
    assert raw.status_code == 200
    assert raw.text.startswith("<html>")


async def test_a_slow_answer_outlasts_an_impatient_client() -> None:
    async with (
        scripted.serve(a_script({"text": "x", "delay": 3600})) as model,
        client(model, timeout=0.1) as asking,
    ):
        with pytest.raises(openai.APITimeoutError):
            await asking.chat.completions.create(model="small", messages=ASK)


async def test_an_answer_without_a_client_is_not_counted() -> None:
    gate = scripted.RequestGate()
    async with scripted.serve(a_script({"text": "x"}), gate=gate) as model:
        asking = asyncio.create_task(ask(model))
        first = await gate.next_request()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await first.disconnected()
        first.release()
        again = asyncio.create_task(ask(model))
        (await gate.next_request()).release()
        await again
        report = model.request_report()
    assert [line["status"] for line in report["requests"]] == [None, 200]
    assert (report["answered"], report["answered_twice"]) == (1, [])
