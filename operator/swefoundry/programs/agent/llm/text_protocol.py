"""Text protocol for models without native tools or JSON schema: JSON in code blocks, described in the system prompt.

Answers are parsed leniently. Pure.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from swefoundry.contracts.wire import JsonObject
from swefoundry.programs.agent.llm.messages import Message, Request, ToolCall

_CODE_BLOCK = re.compile(
    r"```[ \t]*(?P<kind>[A-Za-z_-]*)[ \t]*\r?\n(?P<inside>.*?)(?:\n[ \t]*```|\Z)", re.DOTALL
)

_TOOLS_TEMPLATE = """
# Tools

You may use these tools. To use one, answer with nothing but one block of this form for each use:

```tool
{{"name": "<name of the tool>", "arguments": {{<arguments>}}}}
```

The result comes with the next message. The tools, with the JSON schemas of their arguments:

{tools}
"""

_ANSWER_TEMPLATE = """
# Final answer

When you are done{unless}, answer with nothing but one JSON object in a block that begins with ```json.

The object must obey this JSON schema{strictly}:

{schema}
"""
_STRICTLY = ", with all of its properties and no others"
"""Said instead of the two keywords for it, of which one repeats every name. The scripted model reads it."""


def render_tools_as_text(request: Request) -> Request:
    """The request without native tools: they are described in the system prompt, calls and results become text."""
    messages = tuple(
        _message_as_text(message, request.messages[:index]) for index, message in enumerate(request.messages)
    )
    if not request.tools:
        return replace(request, messages=messages)
    tools = "\n".join(
        f"- `{tool.name}`: {tool.description} Arguments: {_schema_text(tool.parameters)}"
        for tool in request.tools
    )
    return replace(
        request, messages=_with_system_suffix(messages, _TOOLS_TEMPLATE.format(tools=tools)), tools=()
    )


def describe_schema(request: Request, schema: JsonObject, with_tools: bool) -> Request:
    """The request with the schema of the final answer in the system prompt."""
    unless = " with the tools" if with_tools else ""
    strict = {"required": list(schema.get("properties", {})), "additionalProperties": False}
    strictly, shown = "", schema
    if strict.items() <= schema.items():
        strictly, shown = _STRICTLY, {name: part for name, part in schema.items() if name not in strict}
    text = _ANSWER_TEMPLATE.format(schema=_schema_text(shown), unless=unless, strictly=strictly)
    return replace(request, messages=_with_system_suffix(request.messages, text))


def parse_text_calls(text: str, request: Request) -> tuple[str, tuple[ToolCall, ...]]:
    """The text around the tool calls, and the calls; without calls, the whole text."""
    names = {tool.name for tool in request.tools}
    earlier = sum(len(message.calls) for message in request.messages)
    calls: list[ToolCall] = []
    for inside, _ in _json_objects(text):
        name = inside.get("name") or inside.get("tool")
        if name in names and ("arguments" in inside or "parameters" in inside):
            arguments = inside.get("arguments", inside.get("parameters"))
            arguments_text = arguments if isinstance(arguments, str) else _compact(arguments or {})
            calls.append(ToolCall(f"call-{earlier + len(calls)}", name, arguments_text))
    if not calls:
        return text, ()
    return _CODE_BLOCK.sub("", text).strip() if _CODE_BLOCK.search(text) else "", tuple(calls)


def extract_json(text: str) -> str:
    """The longest JSON object in a final answer, without the text around it; the whole text when there is none."""
    bare = text.strip()
    candidates = [bare] if _parse_object(bare) is not None else [each for _, each in _json_objects(text)]
    if not candidates:
        return text
    chosen = max(candidates, key=len)
    # Serialized again where line breaks inside strings were tolerated: the reader of the answer is strict.
    return chosen if _is_strict(chosen) else _compact(_parse_object(chosen))


def _message_as_text(message: Message, earlier: tuple[Message, ...]) -> Message:
    if message.role == "tool":
        # The latest call with that id: some endpoints number their calls from 0 in each response.
        calls = (call for each in reversed(earlier) for call in each.calls)
        name = next((call.name for call in calls if call.id == message.call_id), "?")
        return Message("user", f"Result of the tool `{name}`:\n{message.text}")
    if not message.calls:
        return message
    blocks = [_call_block(call) for call in message.calls]
    return Message(message.role, "\n".join([message.text, *blocks] if message.text else blocks))


def _call_block(call: ToolCall) -> str:
    arguments = _parse_object(call.arguments)
    body = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
    return f"```tool\n{_compact(body)}\n```"


def _with_system_suffix(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """The messages with ``text`` at the end of the system prompt."""
    if messages and messages[0].role == "system":
        return (replace(messages[0], text=messages[0].text.rstrip() + "\n" + text), *messages[1:])
    return (Message("system", text.lstrip()), *messages)


def _json_objects(text: str) -> Iterator[tuple[JsonObject, str]]:
    """JSON objects in code blocks, else anywhere; each with its text."""
    blocks = [match["inside"].strip() for match in _CODE_BLOCK.finditer(text)]
    parsed = [(value, block) for block in blocks if (value := _parse_object(block)) is not None]
    yield from parsed or _unfenced_objects(text)


def _unfenced_objects(text: str) -> Iterator[tuple[JsonObject, str]]:
    decoder = json.JSONDecoder(strict=False)
    start = text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield value, text[start:end]
        start = text.find("{", end)


def _parse_object(text: str) -> JsonObject | None:
    """The JSON object in a text, or None; line breaks inside its strings are tolerated."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_strict(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _schema_text(schema: JsonObject) -> str:
    """Without spaces: it is a part of every request."""
    return json.dumps(schema, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
