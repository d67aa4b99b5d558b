"""Endpoints with fewer features than OpenAI's: no tools, no schemas, shorter contexts."""

import json

import pytest

from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.agent_exit import ModelRefused
from swefoundry.programs.agent.llm.chat_request import Capabilities, request_body, without_unsupported
from swefoundry.programs.agent.llm.messages import Message, Request, ToolCall
from swefoundry.programs.agent.llm.text_protocol import describe_schema, extract_json, parse_text_calls
from unit.programs.agent.llm.model_answers import refusing, serving, text_answer, text_of
from unit.programs.agent.llm.model_clients import (
    GREP,
    SCHEMA,
    RecordingHooks,
    a_model,
    a_model_client,
    a_request,
)

HISTORY = (
    Message("system", "You are the Repository Explorer of swefoundry."),
    Message("user", "Look around."),
    Message("assistant", "I search.", (ToolCall("call-0", "grep", '{"pattern": "x"}'),)),
    Message("tool", "a.py:1:x", call_id="call-0"),
)


async def test_tools_are_rendered_as_text_for_endpoints_without_tools(
    registry: RegistryClient, conversation: str
) -> None:
    body = 'Let me look.\n```tool\n{"name": "grep", "arguments": {"pattern": "y"}}\n```\n'
    async with serving(text_answer(body), text_answer('Done:\n```json\n{"ok": true}\n```')) as server:
        model = a_model(server.base_url, tools=False)
        async with a_model_client(registry, model, conversation=conversation) as client:
            call = await client.ask(Request("explorer", HISTORY, (GREP,), SCHEMA))
            answered = (*HISTORY, call.message, Message("tool", "none", call_id="call-1"))
            final = await client.ask(Request("explorer", answered, (GREP,), SCHEMA))
    assert call.message == Message(
        "assistant", "Let me look.", (ToolCall("call-1", "grep", '{"pattern": "y"}'),)
    )
    assert final.message == Message("assistant", '{"ok": true}')
    first, second = server.bodies
    assert not {"tools", "response_format"} & first.keys()
    assert [message["role"] for message in second["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    prompt = first["messages"][0]["content"]
    assert prompt.startswith("You are the Repository Explorer of swefoundry.\n")
    assert "```tool" in prompt and "`grep`: Search the source." in prompt and '"ok"' in prompt
    assert first["messages"][2]["content"] == (
        'I search.\n```tool\n{"arguments": {"pattern": "x"}, "name": "grep"}\n```'
    )
    assert first["messages"][3]["content"] == "Result of the tool `grep`:\na.py:1:x"


async def test_schemas_are_described_for_endpoints_without_schemas(
    registry: RegistryClient, conversation: str
) -> None:
    async with serving(text_answer('<think>Hm {"ok": 1}</think>\n{"ok": false}')) as server:
        model = a_model(server.base_url, json_schema=False)
        async with a_model_client(registry, model, conversation=conversation) as client:
            reply = await client.ask(a_request(tools=(GREP,), answer=SCHEMA))
    assert reply.message.text == '{"ok": false}'
    assert "response_format" not in server.bodies[0]
    assert [tool["function"]["name"] for tool in server.bodies[0]["tools"]] == ["grep"]
    assert "must obey this JSON schema" in server.bodies[0]["messages"][0]["content"]


def test_a_described_schema_says_in_words_that_all_properties_are_required() -> None:
    request = a_request()
    described = [describe_schema(request, each, False) for each in (SCHEMA, SCHEMA | {"required": []})]
    texts = [each.messages[0].text.partition("The object must obey ")[2] for each in described]
    assert texts == [
        "this JSON schema, with all of its properties and no others:\n\n"
        '{"properties":{"ok":{"type":"boolean"}},"title":"Verdict","type":"object"}\n',
        "this JSON schema:\n\n"
        '{"additionalProperties":false,"properties":{"ok":{"type":"boolean"}},"required":[],"title":"Verdict",'
        '"type":"object"}\n',
    ]


async def test_requests_are_adapted_to_the_errors_of_an_endpoint(
    registry: RegistryClient, conversation: str
) -> None:
    errors = [
        refusing(400, "Unrecognized request argument supplied: max_completion_tokens"),
        refusing(400, "Unsupported value: 'temperature' does not support 0.5 with this model."),
        refusing(400, "reasoning_effort is not supported"),
        refusing(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
    ]
    hooks = RecordingHooks()
    async with serving(*errors, text_answer('{"ok": true}')) as server:
        model = a_model(server.base_url, temperature=0.5, reasoning_effort="low")
        async with a_model_client(registry, model, hooks=hooks, conversation=conversation) as client:
            await client.ask(a_request(tools=(GREP,), answer=SCHEMA))
            await client.ask(a_request("More?", tools=(GREP,), answer=SCHEMA))
    assert len(server.bodies) == 6
    assert sorted(server.bodies[-1]) == ["max_tokens", "messages", "model"]
    assert len(hooks.lines) == 4 and hooks.pauses == []


def test_each_capability_is_removed_once() -> None:
    assert without_unsupported(Capabilities(json_schema=False), "response_format is not supported") is None
    assert without_unsupported(Capabilities(), "response_format is not supported") == Capabilities(
        json_schema=False
    )
    assert without_unsupported(Capabilities(), "I do not like you") is None


def test_a_schema_with_optional_fields_is_not_strict() -> None:
    loose = SCHEMA | {"required": []}
    body = request_body(a_request(answer=loose), a_model("http://here.test"), Capabilities())
    assert body["response_format"]["json_schema"]["strict"] is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"ok": true}', {"ok": True}, id="bare"),
        pytest.param('```json\n{"ok": true}\n```', {"ok": True}, id="fenced"),
        pytest.param('```\n{"ok": true}', {"ok": True}, id="a fence that is not closed"),
        pytest.param('Sure! {"ok": true} Anything else?', {"ok": True}, id="in talk"),
        pytest.param('{"a": "x\ny"}', {"a": "x\ny"}, id="line breaks in strings"),
        pytest.param('Not {this} but {"ok": {"deep": 1}}', {"ok": {"deep": 1}}, id="after another brace"),
    ],
)
def test_json_is_extracted_from_model_output(text: str, expected: object) -> None:
    assert json.loads(extract_json(text)) == expected


@pytest.mark.parametrize("text", ["no", "{", "```json\n[1]\n```", "", "{" * 100_000])
def test_text_without_an_object_stays_as_it_is(text: str) -> None:
    assert extract_json(text) == text


def test_calls_of_unknown_tools_are_text() -> None:
    text = '```tool\n{"name": "rm", "arguments": {}}\n```'
    assert parse_text_calls(text, a_request(tools=(GREP,))) == (text, ())


# Long requests


def a_long_request() -> Request:
    calls = tuple(ToolCall(f"c{place}", "grep", '{"pattern": "x"}') for place in range(2))
    return Request(
        "analyst",
        (
            Message("system", "You are the Test Analyst of swefoundry."),
            Message("user", "BRIEF " + "b" * 9000),
            Message("assistant", "", calls),
            Message("tool", "OLD " + "o" * 9000, call_id="c0"),
            Message("tool", "NEW " + "n" * 9000, call_id="c1"),
            Message("user", "LAST " + "l" * 3000),
        ),
        (GREP,),
    )


async def test_a_request_that_is_too_long_is_shortened_and_repeated(
    registry: RegistryClient, conversation: str
) -> None:
    overflow = refusing(400, "This model's maximum context length is 4096 tokens.", "context_length_exceeded")
    async with serving(overflow, overflow, text_answer("Fits.")) as server:
        model = a_model(server.base_url, context_tokens=12_000)
        async with a_model_client(registry, model, conversation=conversation) as client:
            reply = await client.ask(a_long_request())
        async with a_model_client(registry, model, conversation=conversation) as client:
            stored = await client.ask(a_long_request())
    sizes = [len(text_of(sent)) for sent in server.bodies]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 3
    assert (reply.message.text, stored.message.text, stored.stored) == ("Fits.", "Fits.", True)
    assert "shortened to fit" in reply.note


@pytest.mark.parametrize(
    "words",
    [
        "You passed 1015 input tokens and requested 10 output tokens. However, the model's context length is "
        "only 1024 tokens. (parameter=input_tokens, value=1015)",
        "the request exceeds the available context size. try increasing the context size",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ],
)
async def test_a_request_that_never_fits_ends_as_refused(
    registry: RegistryClient, conversation: str, words: str
) -> None:
    async with (
        serving(refusing(400, words)) as server,
        a_model_client(registry, a_model(server.base_url), conversation=conversation) as client,
    ):
        with pytest.raises(ModelRefused, match="even the shortest form"):
            await client.ask(a_long_request())
    assert len(server.bodies) == 5
