"""A recording of an endpoint gives the same answers and contains no key. The endpoint here is a scripted one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

import scripted
from scripted_model.recording import Recorder

KEY = "sk-real-0123456789"
LOOK: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
UPSTREAM = {
    "models": {"real": {}},
    "rules": [
        {"name": "busy", "when": {"times": 1}, "then": {"error": {"status": 429, "retry_after": 0.01}}},
        {"name": "without tools", "when": {"tools": False}, "then": {"text": "Nothing to look with."}},
        {
            "name": "talk",
            "then": [
                {
                    "calls": [{"name": "look", "arguments": {"at": "README"}}],
                    "usage": {"prompt": 5, "completion": 2},
                },
                {"text": f"Done; your key is {KEY}.", "usage": {"cached": 3}},
            ],
        },
    ],
}


@asynccontextmanager
async def recording(upstream: scripted.LocalModel, out: Path, loose: bool = False) -> AsyncIterator[str]:
    recorder = Recorder(upstream.base_url, KEY, out, loose=loose, log=lambda line: None)
    async with scripted.serve_application(recorder.application()) as root:
        yield f"{root}/v1"


async def conversation(base_url: str, key: str, stream: bool = False, opening: str = "Go.") -> list[Any]:
    """Two turns; the parts of the answers that do not change."""
    words: Any = [{"role": "user", "content": opening}]
    answers = []
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=2) as asking:
        for _ in range(2):
            answer = await asking.chat.completions.create(model="real", messages=words, tools=[LOOK])
            reply = answer.choices[0].message
            assert answer.usage and answer.usage.prompt_tokens_details
            call_arguments = [
                call.function.arguments for call in reply.tool_calls or [] if call.type == "function"
            ]
            answers.append((reply.content, call_arguments, answer.usage, answer.choices[0].finish_reason))
            words += [
                {"role": "assistant", "content": reply.content or "looked"},
                {"role": "user", "content": "And?"},
            ]
        if stream:
            streamed = await asking.chat.completions.create(model="real", messages=words[:1], stream=True)
            answers.append([chunk.choices[0].finish_reason async for chunk in streamed][-1])
    return answers


async def test_a_recording_gives_the_same_answers(tmp_path: Path) -> None:
    out = tmp_path / "script.yaml"
    async with scripted.serve(UPSTREAM, key=KEY) as upstream, recording(upstream, out) as proxy:
        live = await conversation(proxy, key="of nobody", stream=True)
        assert [line["status"] for line in upstream.request_report()["requests"]] == [429, 200, 200, 200]
    async with scripted.serve(out.read_text()) as again:
        replayed = await conversation(again.base_url, key="any", stream=True)
    hidden = [(each[0] and each[0].replace(KEY, "[key]"), *each[1:]) for each in live[:2]]
    assert replayed == [*hidden, live[2]]


async def test_the_key_is_in_no_recording(tmp_path: Path) -> None:
    out = tmp_path / "script.yaml"
    async with scripted.serve(UPSTREAM, key=KEY) as upstream, recording(upstream, out) as proxy:
        await conversation(proxy, key="sk-of-the-client")
    text = out.read_text()
    assert (KEY in text, "sk-of-the-client" in text, "your key is [key]" in text) == (False, False, True)


async def test_a_loose_recording_answers_other_texts_in_the_same_order(tmp_path: Path) -> None:
    out = tmp_path / "script.yaml"
    async with scripted.serve(UPSTREAM, key=KEY) as upstream, recording(upstream, out, loose=True) as proxy:
        live = await conversation(proxy, key="x")
    async with scripted.serve(out.read_text()) as again:
        replayed = await conversation(again.base_url, key="any", opening="Go, please.")
    assert [each[1] for each in replayed] == [each[1] for each in live]


async def test_the_endpoints_models_and_errors_are_passed_on(tmp_path: Path) -> None:
    out = tmp_path / "script.yaml"
    async with (
        scripted.serve(UPSTREAM, key=KEY) as upstream,
        recording(upstream, out) as proxy,
        openai.AsyncOpenAI(base_url=proxy, api_key="x", max_retries=0) as asking,
    ):
        assert [each.id async for each in asking.models.list()] == ["real"]
        with pytest.raises(openai.NotFoundError):
            await asking.chat.completions.create(model="unreal", messages=[])
    assert not out.exists()


async def test_an_unreachable_endpoint_gives_an_error(tmp_path: Path) -> None:
    recorder = Recorder("http://127.0.0.1:9/v1", KEY, tmp_path / "x", loose=False, log=lambda line: None)
    async with (
        scripted.serve_application(recorder.application()) as root,
        openai.AsyncOpenAI(base_url=f"{root}/v1", api_key="x", max_retries=0) as asking,
    ):
        with pytest.raises(openai.InternalServerError, match="gave no answer"):
            await asking.chat.completions.create(model="real", messages=[])
