"""Which messages are shortened first, and which never."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from swefoundry.programs.agent.data_delimiters import delimited
from swefoundry.programs.agent.llm.context_window import (
    estimated_tokens,
    fit_to_context,
    text_tokens,
    token_upper_bound,
)
from swefoundry.programs.agent.llm.messages import Message, Request, ToolCall

SYSTEM = Message("system", "s" * 3000)
INSTRUCTIONS = Message("user", "b" * 12_000)
CALLS = Message("assistant", "", (ToolCall("c0", "grep", "a" * 600), ToolCall("c1", "grep", "{}")))
OLD, NEW = Message("tool", "o" * 6000, call_id="c0"), Message("tool", "n" * 6000, call_id="c1")
ANALYSIS = Message("assistant", "t" * 6000)
REPORT = Message("user", "r" * 6000)
LAST = Message("user", "l" * 6000)
REQUEST = Request("analyst", (SYSTEM, INSTRUCTIONS, CALLS, OLD, NEW, ANALYSIS, REPORT, LAST))


def shortened(room: int) -> str:
    """The letters of the messages that were shortened."""
    after = fit_to_context(REQUEST, room).request.messages
    return "".join(
        old.text[0] for old, new in zip(REQUEST.messages, after, strict=True) if old.text != new.text
    )


def test_messages_are_shortened_in_the_order_tools_reports_answers_first_message() -> None:
    whole = estimated_tokens(REQUEST)
    assert [shortened(whole - less) for less in (0, 1000, 2500, 4500, 6500, 8000)] == [
        "",
        "o",
        "on",
        "onr",
        "ontr",
        "bontr",
    ]


def test_system_prompt_last_message_and_calls_stay() -> None:
    within_limit = fit_to_context(REQUEST, 0)
    after = within_limit.request.messages
    assert not within_limit.fits
    assert (after[0], after[2], after[-1]) == (SYSTEM, CALLS, LAST)
    assert [message.call_id for message in after] == [message.call_id for message in REQUEST.messages]
    assert after[1].text.startswith("bbb") and after[1].text.endswith("bbb")


def test_a_first_message_that_is_also_the_last_loses_its_middle() -> None:
    request = Request("tests", (SYSTEM, Message("user", "BEGIN " + "x" * 30_000 + " END")))
    text = fit_to_context(request, 3000).request.messages[1].text
    assert text.startswith("BEGIN ") and text.endswith(" END") and "characters left out" in text


def test_markers_around_data_stay() -> None:
    one, two = delimited("a.py", "a" * 20_000), delimited("b.log", "z" * 9000)
    text_with_data = f"Read this:\n{one}\nand this:\n{two}\nNow answer."
    text = (
        fit_to_context(Request("tests", (SYSTEM, Message("user", text_with_data))), 3000)
        .request.messages[1]
        .text
    )
    assert len(text) < 10_000
    for block in (one, two):
        first, last = block.splitlines()[0], block.splitlines()[-1]
        assert first in text and last in text
    assert text.endswith("\nNow answer.")


def test_a_byte_is_never_more_than_a_token_and_text_outside_ascii_counts_by_bytes() -> None:
    assert (text_tokens("abcd"), text_tokens("abcd", 3), text_tokens("ä"), text_tokens("漢a")) == (2, 2, 2, 4)
    assert token_upper_bound(REQUEST) > estimated_tokens(REQUEST)


@given(st.lists(st.integers(0, 9000), min_size=1, max_size=6), st.integers(0, 20_000))
def test_what_fits_stays_and_nothing_grows(sizes: list[int], room: int) -> None:
    messages = tuple(Message("tool" if place % 2 else "user", "x" * size) for place, size in enumerate(sizes))
    request = Request("tests", messages)
    within_limit = fit_to_context(request, room)
    assert estimated_tokens(within_limit.request) <= estimated_tokens(request)
    if estimated_tokens(request) <= room:
        assert within_limit.request == request
    if within_limit.fits:
        assert estimated_tokens(within_limit.request) <= room
    assert fit_to_context(request, room) == fit_to_context(replace(request), room)
