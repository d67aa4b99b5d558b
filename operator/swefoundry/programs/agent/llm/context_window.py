"""Estimates the tokens of a request and shortens it to fit a model's context window. Pure.

Tokens are estimated without a tokenizer: models have different ones and some are not public. Byte-level tokenizers
turn three to four bytes of English or code into one token, and about two bytes of hex digests; a byte is at most one
token. So there are two estimates: ``estimated_tokens`` (three bytes) decides what fits, because the endpoint corrects
it when it is wrong; ``token_upper_bound`` (two bytes) decides what a request may cost, because money is not returned.

What is shortened, in this order: results of tools, oldest first; then later user messages (mostly logs), oldest first,
but for the last message; then the model's own earlier texts; then the middle of the first user message. System prompts
and the last message stay, unless the last message is the first user message. Tool calls stay, so each keeps its result.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from swefoundry.programs.agent.llm.messages import Message, Request

ESTIMATED_BYTES_PER_TOKEN = 3
MIN_BYTES_PER_TOKEN = 2
_TOKENS_PER_MESSAGE = 8
"""Role markers and separators that chat templates add to each message (OpenAI's: 3 or 4)."""

_MIN_TOOL_OUTPUT = 400
_MIN_OUTCOME_REPORT = 2000
_MIN_MODEL_ANSWER = 800
_MIN_FIRST_MESSAGE = 4000
"""Characters that stay of each kind: a tool can be called again, the first message is not repeated."""
_MIN_DATA_BLOCK = 200
_NOTE_CHARACTERS = 100
"""Length of the note that says how much was left out."""

_DATA_BLOCK = re.compile(
    r"^<<<DATA (?P<mark>[0-9a-f]{16}) [^\n]*\n(?P<body>.*?)\n>>>DATA (?P=mark)$", re.DOTALL | re.MULTILINE
)
"""A block of ``data_delimiters.delimited``."""


@dataclass(frozen=True)
class FittedRequest:
    """A request, shortened if necessary."""

    request: Request
    fits: bool
    """False: shortened as far as possible, and the estimate still exceeds the limit."""
    shortened: int = 0
    """Messages that lost text."""


def estimated_tokens(request: Request) -> int:
    """Probable number of tokens of the request."""
    return _tokens(request, ESTIMATED_BYTES_PER_TOKEN)


def token_upper_bound(request: Request) -> int:
    """Number of tokens that the request hardly exceeds."""
    return _tokens(request, MIN_BYTES_PER_TOKEN)


def text_tokens(text: str, bytes_per_token: int = MIN_BYTES_PER_TOKEN) -> int:
    """Estimated tokens of a text; outside ASCII every byte counts as one."""
    size = len(text.encode("utf-8", "surrogatepass"))
    ascii_size = sum(1 for letter in text if letter < "\x80") if size != len(text) else size
    return -(-ascii_size // bytes_per_token) + size - ascii_size


def fit_to_context(request: Request, token_limit: int) -> FittedRequest:
    """Shorten messages in the defined order until the estimated tokens are within ``token_limit``."""
    messages = list(request.messages)
    excess = estimated_tokens(request) - token_limit
    shortened = 0
    for index, minimum in _shrink_order(request.messages):
        if excess <= 0:
            break
        shorter = _shortened(messages[index].text, minimum, excess)
        excess -= _saved_tokens(messages[index].text, shorter)
        shortened += shorter != messages[index].text
        messages[index] = replace(messages[index], text=shorter)
    return FittedRequest(replace(request, messages=tuple(messages)), excess <= 0, shortened)


def _shrink_order(messages: tuple[Message, ...]) -> Iterator[tuple[int, int]]:
    """Indexes of the messages that may be shortened, and the characters that must stay of each."""
    first = next((index for index, each in enumerate(messages) if each.role == "user"), -1)
    earlier = [(index, each.role) for index, each in enumerate(messages[:-1]) if index != first]
    yield from ((index, _MIN_TOOL_OUTPUT) for index, role in earlier if role == "tool")
    yield from ((index, _MIN_OUTCOME_REPORT) for index, role in earlier if role == "user")
    yield from ((index, _MIN_MODEL_ANSWER) for index, role in earlier if role == "assistant")
    if first >= 0:
        yield first, _MIN_FIRST_MESSAGE


def _shortened(text: str, minimum: int, excess_tokens: int) -> str:
    """Take text away: no more than needed, and never below ``left`` characters.

    Foreign text keeps the marks around it: where a message has any, only what is between marks is shortened.
    """
    blocks = list(_DATA_BLOCK.finditer(text))
    spare = min(excess_tokens * ESTIMATED_BYTES_PER_TOKEN + _NOTE_CHARACTERS, len(text) - minimum)
    if not blocks:
        return _without_middle(text, max(minimum, len(text) - spare))
    share = max(minimum // len(blocks), _MIN_DATA_BLOCK)
    for block in sorted(blocks, key=lambda block: -len(block["body"])):
        body = block["body"]
        shorter = _without_middle(body, max(share, len(body) - spare))
        spare -= len(body) - len(shorter)
        if shorter != body:
            text = text.replace(f"\n{body}\n>>>DATA {block['mark']}", f"\n{shorter}\n>>>DATA {block['mark']}")
        if spare <= 0:
            break
    return text


def _without_middle(text: str, keep: int) -> str:
    if len(text) <= keep + _NOTE_CHARACTERS:
        return text
    head = keep * 2 // 3
    tail = keep - head
    return f"{text[:head]}\n[... {len(text) - keep} characters left out ...]\n{text[len(text) - tail :]}"


def _saved_tokens(before: str, after: str) -> int:
    return text_tokens(before, ESTIMATED_BYTES_PER_TOKEN) - text_tokens(after, ESTIMATED_BYTES_PER_TOKEN)


def _tokens(request: Request, bytes_per_token: int) -> int:
    texts = [
        part
        for message in request.messages
        for part in (message.text, message.call_id, *(call.name + call.arguments for call in message.calls))
    ]
    texts += [tool.name + tool.description + json.dumps(tool.parameters) for tool in request.tools]
    texts += [json.dumps(request.answer)] if request.answer else []
    framing = _TOKENS_PER_MESSAGE * (len(request.messages) + len(request.tools) + 1)
    return framing + sum(text_tokens(text, bytes_per_token) for text in texts)
