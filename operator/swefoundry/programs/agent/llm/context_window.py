"""What is shortened, and in which order, when a request does not fit into a model's context? Pure.

Tokens are counted without a tokenizer: models have different ones and some are secret. Byte-level tokenizers make three
to four bytes of English or code into one token, and about two bytes of hex digests; a byte is never more than a token.
So there are two estimates: `likely` (three bytes) says what fits, because the endpoint corrects it when it is wrong;
`worst` (two bytes) says what a request may cost, because nobody gives money back.

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

LIKELY_BYTES_PER_TOKEN = 3
WORST_BYTES_PER_TOKEN = 2
_TOKENS_PER_MESSAGE = 8
"""Role marks and separators, which chat templates add to each message (OpenAI's: 3 or 4)."""

_LEFT_OF_A_TOOL_OUTPUT = 400
_LEFT_OF_A_REPORT = 2000
_LEFT_OF_AN_ANSWER = 800
_LEFT_OF_THE_BRIEF = 4000
"""Characters that stay of each kind: a tool's output can be asked for again, the brief cannot."""
_LEFT_OF_A_BLOCK = 200
_NOTE_CHARACTERS = 100
"""Room for the note that says how much was left out."""

_FENCED = re.compile(
    r"^<<<DATA (?P<mark>[0-9a-f]{16}) [^\n]*\n(?P<body>.*?)\n>>>DATA (?P=mark)$", re.DOTALL | re.MULTILINE
)
"""The marks of ``fences.py``."""


@dataclass(frozen=True)
class Fitted:
    """A request that was made to fit."""

    request: Request
    fits: bool
    """False: shortened as far as it goes, and the estimate still exceeds the room."""
    shortened: int = 0
    """Messages that lost text."""


def likely(request: Request) -> int:
    """Tokens that the request probably has."""
    return _tokens(request, LIKELY_BYTES_PER_TOKEN)


def worst(request: Request) -> int:
    """Tokens that the request hardly exceeds."""
    return _tokens(request, WORST_BYTES_PER_TOKEN)


def text_tokens(text: str, bytes_per_token: int = WORST_BYTES_PER_TOKEN) -> int:
    """Tokens of a text; outside ASCII a byte counts as a token."""
    size = len(text.encode("utf-8", "surrogatepass"))
    ascii_size = sum(1 for letter in text if letter < "\x80") if size != len(text) else size
    return -(-ascii_size // bytes_per_token) + size - ascii_size


def fit(request: Request, room: int) -> Fitted:
    """Shorten in the defined order until the likely tokens are within ``room``."""
    messages = list(request.messages)
    over = likely(request) - room
    shortened = 0
    for place, left in _order(request.messages):
        if over <= 0:
            break
        shorter = _cut(messages[place].text, left, over)
        over -= _saved(messages[place].text, shorter)
        shortened += shorter != messages[place].text
        messages[place] = replace(messages[place], text=shorter)
    return Fitted(replace(request, messages=tuple(messages)), over <= 0, shortened)


def _order(messages: tuple[Message, ...]) -> Iterator[tuple[int, int]]:
    """Which messages may be shortened, and what must stay of each."""
    brief = next((place for place, each in enumerate(messages) if each.role == "user"), -1)
    earlier = [(place, each.role) for place, each in enumerate(messages[:-1]) if place != brief]
    yield from ((place, _LEFT_OF_A_TOOL_OUTPUT) for place, role in earlier if role == "tool")
    yield from ((place, _LEFT_OF_A_REPORT) for place, role in earlier if role == "user")
    yield from ((place, _LEFT_OF_AN_ANSWER) for place, role in earlier if role == "assistant")
    if brief >= 0:
        yield brief, _LEFT_OF_THE_BRIEF


def _cut(text: str, left: int, over: int) -> str:
    """Take text away: no more than needed, and never below ``left`` characters.

    Foreign text keeps the marks around it: where a message has any, only what is between marks is shortened.
    """
    blocks = list(_FENCED.finditer(text))
    spare = min(over * LIKELY_BYTES_PER_TOKEN + _NOTE_CHARACTERS, len(text) - left)
    if not blocks:
        return _without_middle(text, max(left, len(text) - spare))
    share = max(left // len(blocks), _LEFT_OF_A_BLOCK)
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


def _saved(before: str, after: str) -> int:
    return text_tokens(before, LIKELY_BYTES_PER_TOKEN) - text_tokens(after, LIKELY_BYTES_PER_TOKEN)


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
