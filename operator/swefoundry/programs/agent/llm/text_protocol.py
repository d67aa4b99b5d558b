"""How do models without native tools or JSON schema speak with us? In fenced JSON, by a protocol that is described in
the system prompt, and read leniently. Pure.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from swefoundry.programs.agent.llm.messages import JsonObject, Message, Request, ToolCall

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

When you are done{unless}, answer with one block that holds one JSON object, and nothing else:

```json
{{...}}
```

The object must obey this JSON schema:

{schema}
"""


def render_tools_as_text(request: Request) -> Request:
    """The request without native tools: tools are described, calls and their results are text."""
    messages = tuple(
        _message_as_text(message, request.messages[:place]) for place, message in enumerate(request.messages)
    )
    if not request.tools:
        return replace(request, messages=messages)
    tools = "\n".join(
        f"- `{tool.name}`: {tool.description} Arguments: {_compact(tool.parameters)}"
        for tool in request.tools
    )
    return replace(
        request, messages=_with_system_suffix(messages, _TOOLS_TEMPLATE.format(tools=tools)), tools=()
    )


def describe_schema(request: Request, schema: JsonObject, with_tools: bool) -> Request:
    """The request with the form of the final answer in words."""
    unless = " with the tools" if with_tools else ""
    text = _ANSWER_TEMPLATE.format(schema=_compact(schema), unless=unless)
    return replace(request, messages=_with_system_suffix(request.messages, text))


def parse_text_calls(text: str, request: Request) -> tuple[str, tuple[ToolCall, ...]]:
    """The tool calls in a text, and the text around them; all of it is an answer when there are none."""
    names = {tool.name for tool in request.tools}
    before = sum(len(message.calls) for message in request.messages)
    calls: list[ToolCall] = []
    for inside, _ in _json_objects(text):
        name = inside.get("name") or inside.get("tool")
        if name in names and ("arguments" in inside or "parameters" in inside):
            arguments = inside.get("arguments", inside.get("parameters"))
            written = arguments if isinstance(arguments, str) else _compact(arguments or {})
            calls.append(ToolCall(f"call-{before + len(calls)}", name, written))
    if not calls:
        return text, ()
    return _CODE_BLOCK.sub("", text).strip() if _CODE_BLOCK.search(text) else "", tuple(calls)


def extract_json(text: str) -> str:
    """The JSON object that a final answer holds, without fences and talk around it; the text itself when none is."""
    bare = text.strip()
    found = [bare] if _parse_object(bare) is not None else [written for _, written in _json_objects(text)]
    if not found:
        return text
    chosen = max(found, key=len)
    # Written anew where line breaks inside strings were forgiven: readers are strict.
    return chosen if _is_strict(chosen) else _compact(_parse_object(chosen))


def _message_as_text(message: Message, earlier: tuple[Message, ...]) -> Message:
    if message.role == "tool":
        # The latest call of that name: some endpoints count their calls anew in each answer.
        calls = (call for each in reversed(earlier) for call in each.calls)
        name = next((call.name for call in calls if call.id == message.call_id), "?")
        return Message("user", f"Result of the tool `{name}`:\n{message.text}")
    if not message.calls:
        return message
    blocks = [_call_block(call) for call in message.calls]
    return Message(message.role, "\n".join([message.text, *blocks] if message.text else blocks))


def _call_block(call: ToolCall) -> str:
    arguments = _parse_object(call.arguments)
    said = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
    return f"```tool\n{_compact(said)}\n```"


def _with_system_suffix(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """With ``text`` at the end of the system prompt."""
    if messages and messages[0].role == "system":
        return (replace(messages[0], text=messages[0].text.rstrip() + "\n" + text), *messages[1:])
    return (Message("system", text.lstrip()), *messages)


def _json_objects(text: str) -> Iterator[tuple[JsonObject, str]]:
    """JSON objects in fences, else anywhere; each with its text."""
    fenced = [match["inside"].strip() for match in _CODE_BLOCK.finditer(text)]
    good = [(found, inside) for inside in fenced if (found := _parse_object(inside)) is not None]
    yield from good or _unfenced_objects(text)


def _unfenced_objects(text: str) -> Iterator[tuple[JsonObject, str]]:
    decoder = json.JSONDecoder(strict=False)
    start = text.find("{")
    while start >= 0:
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield found, text[start:end]
        start = text.find("{", end)


def _parse_object(text: str) -> JsonObject | None:
    """A JSON object; line breaks inside its strings are forgiven."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_strict(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
