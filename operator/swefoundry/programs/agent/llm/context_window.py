"""What is shortened, and in which order, when a request does not fit into a model's context? Pure.

Tokens are counted without a tokenizer: models have different ones and some are secret. Byte-level tokenizers make three
to four bytes of English or code into one token, and about two bytes of hex digests; a byte is never more than a token.
So there are two estimates: `estimated_tokens` (three bytes) says what fits, because the endpoint corrects it when it is
wrong; `token_upper_bound` (two bytes) says what a request may cost, because nobody gives money back.

The order: outputs of tools, oldest first; then reports of outcomes (logs, mostly) between brief and last message,
oldest first; then the model's own earlier texts; then the middle of the brief. System prompts and the last message
stay, except that a brief which is the last message, too, is cut like a brief. Tool calls are never touched, so each
keeps its answer.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from swefoundry.programs.agent.llm.messages import Message, Request

ESTIMATED_BYTES_PER_TOKEN = 3
MIN_BYTES_PER_TOKEN = 2
_TOKENS_PER_MESSAGE = 8
"""Role marks and separators, which chat templates add to each message (OpenAI's: 3 or 4)."""

_MIN_TOOL_OUTPUT = 400
_MIN_OUTCOME_REPORT = 2000
_MIN_MODEL_ANSWER = 800
_MIN_FIRST_MESSAGE = 4000
"""Characters that stay of each kind: a tool's output can be asked for again, the brief cannot."""
_MIN_DATA_BLOCK = 200
_NOTE_CHARACTERS = 100
"""Room for the note that says how much was left out."""

_DATA_BLOCK = re.compile(
    r"^<<<DATA (?P<mark>[0-9a-f]{16}) [^\n]*\n(?P<body>.*?)\n>>>DATA (?P=mark)$", re.DOTALL | re.MULTILINE
)
"""The marks of ``fences.py``."""


@dataclass(frozen=True)
class FittedRequest:
    """A request that was made to fit."""

    request: Request
    fits: bool
    """False: shortened as far as it goes, and the estimate still exceeds the room."""
    shortened: int = 0
    """Messages that lost text."""


def estimated_tokens(request: Request) -> int:
    """Tokens that the request probably has."""
    return _tokens(request, ESTIMATED_BYTES_PER_TOKEN)


def token_upper_bound(request: Request) -> int:
    """Tokens that the request hardly exceeds."""
    return _tokens(request, MIN_BYTES_PER_TOKEN)


def text_tokens(text: str, bytes_per_token: int = MIN_BYTES_PER_TOKEN) -> int:
    """Tokens of a text; outside ASCII a byte counts as a token."""
    size = len(text.encode("utf-8", "surrogatepass"))
    ascii_size = sum(1 for letter in text if letter < "\x80") if size != len(text) else size
    return -(-ascii_size // bytes_per_token) + size - ascii_size


def fit_to_context(request: Request, room: int) -> FittedRequest:
    """Shorten in the defined order until the likely tokens are within ``room``."""
    messages = list(request.messages)
    over = estimated_tokens(request) - room
    shortened = 0
    for place, left in _shrink_order(request.messages):
        if over <= 0:
            break
        shorter = _shortened(messages[place].text, left, over)
        over -= _saved_tokens(messages[place].text, shorter)
        shortened += shorter != messages[place].text
        messages[place] = replace(messages[place], text=shorter)
    return FittedRequest(replace(request, messages=tuple(messages)), over <= 0, shortened)


def _shrink_order(messages: tuple[Message, ...]) -> Iterator[tuple[int, int]]:
    """Which messages may be shortened, and what must stay of each."""
    brief = next((place for place, each in enumerate(messages) if each.role == "user"), -1)
    earlier = [(place, each.role) for place, each in enumerate(messages[:-1]) if place != brief]
    yield from ((place, _MIN_TOOL_OUTPUT) for place, role in earlier if role == "tool")
    yield from ((place, _MIN_OUTCOME_REPORT) for place, role in earlier if role == "user")
    yield from ((place, _MIN_MODEL_ANSWER) for place, role in earlier if role == "assistant")
    if brief >= 0:
        yield brief, _MIN_FIRST_MESSAGE


def _shortened(text: str, minimum: int, excess_tokens: int) -> str:
    """Take text away: no more than needed, and never below ``left`` characters.

    Foreign text keeps the marks around it: where a message has any, only what is between marks is shortened.
    """
    blocks = list(_DATA_BLOCK.finditer(text))
    spare = min(excess_tokens * ESTIMATED_BYTES_PER_TOKEN + _NOTE_CHARACTERS, len(text) - minimum)
    if not blocks:
        return _without_middle(text, max(minimum, len(text) - spare))
    share = max(minimum // len(blocks), _MIN_DATA_BLOCK)
    for block in sorted(blocks, key=lambda found: -len(found["body"])):
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
