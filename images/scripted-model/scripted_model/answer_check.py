"""Checks a script's answer against the request: a wrong script fails here and not in the program that is tested."""

import json
from collections.abc import Iterator

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from scripted_model.request import ChatRequest, Json
from scripted_model.script import Answer, Call


def answer_problems(request: ChatRequest, answer: Answer) -> Iterator[str]:
    """Violations of the request's tools and schema, unless the answer is broken on purpose."""
    if answer.broken or answer.error or answer.fault or answer.raw:
        return
    for call in answer.calls:
        yield from _call_problems(call, request)
    # A text may answer a schema that is only described in the system prompt.
    is_free_text = answer.text is not None and not request.requires_schema
    if request.answer_schema and not answer.calls and not is_free_text:
        yield from _text_problems(answer, *request.answer_schema)


def _call_problems(call: Call, request: ChatRequest) -> Iterator[str]:
    schema = request.tools.get(call.name)
    if schema is None:
        offered = ", ".join(sorted(request.tools)) or "none"
        yield f"it calls the tool `{call.name}`, but the request offers {offered}"
        return
    if isinstance(call.arguments, str):
        yield f"the arguments of `{call.name}` are a text; write an object, or mark the answer `broken: true`"
        return
    yield from _schema_problems(schema, call.arguments, f"the arguments of `{call.name}`")


def _text_problems(answer: Answer, name: str, schema: Json) -> Iterator[str]:
    data = answer.data
    if answer.text is not None:
        try:
            data = json.loads(answer.text)
        except ValueError:
            yield f"its text is no JSON, but the request asks for `{name}`"
            return
    yield from _schema_problems(schema, data, f"its answer is no `{name}`")


def _schema_problems(schema: Json, value: object, what: str) -> Iterator[str]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield f"the request's own schema is wrong: {error.message}"
        return
    violation = best_match(Draft202012Validator(schema).iter_errors(value))
    if violation is not None:
        yield f"{what}: {violation.json_path}: {violation.message}"
