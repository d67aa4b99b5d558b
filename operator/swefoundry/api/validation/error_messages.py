"""Format validation errors of a manifest for people: `field: what is wrong. What to do.`"""

import json
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from swefoundry.api.validation.cel_rules import FIX_BY_FIELD
from swefoundry.contracts.wire import JsonObject

TYPE_NAMES = {
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "string": "a string",
}


def format_error(error: ErrorDetails, schema: JsonObject) -> str:
    """Format one of pydantic's errors."""
    location = [part for part in error["loc"] if part != "[key]"]
    path = _path(location)
    node = _schema_at(schema, location)
    if error["type"] == "extra_forbidden":
        known = list(_schema_at(schema, location[:-1]).get("properties", {}))
        return f"{path}: unknown field. {suggest(location[-1], known)}"
    if error["type"] == "missing":
        return f"{path}: is required. {node.get('description', '')}".rstrip()
    return f"{path}: {_problem(error, node)} {_fix(location, error, node)}".rstrip()


def _problem(error: ErrorDetails, node: JsonObject) -> str:
    value, context = error["input"], error.get("ctx", {})
    match error["type"]:
        case "string_pattern_mismatch":
            return f"{quoted(value)} is not valid."
        case "string_too_long" | "too_long":
            unit = "characters" if isinstance(value, str) else "entries"
            return f"{len(value)} {unit} are too many: at most {context.get('max_length')}."
        case "string_too_short" | "too_short":
            return "is empty." if not value else f"{quoted(value)} is too short."
        case "literal_error" | "enum":
            return f"{quoted(value)} is not allowed."
        case "greater_than_equal" | "less_than_equal":
            return f"{value} is out of range: {node.get('minimum')} to {node.get('maximum')}."
    if node.get("format") == "date-time":
        return f"{quoted(value)} is not a time."
    expected = TYPE_NAMES.get(str(node.get("type")), str(node.get("type")))
    return f"must be {expected}, not {quoted(value)}."


def _fix(location: list[int | str], error: ErrorDetails, node: JsonObject) -> str:
    name = next((part for part in reversed(location) if isinstance(part, str)), "")
    if "enum" in node:
        return suggest(error["input"], node["enum"])
    if error["type"] == "string_too_long" and name == "inline":
        return "Put it into a ConfigMap and name it in configMapRef."
    if name in FIX_BY_FIELD:
        return FIX_BY_FIELD[name]
    if error["type"] == "string_type" and isinstance(error["input"], int | float):
        return "Put it in quotes."
    if error["type"] == "bool_type":
        return "Write true or false, without quotes."
    if error["type"] == "int_type" and isinstance(error["input"], str):
        return "Write it without quotes."
    return str(node.get("description", ""))


def _schema_at(schema: JsonObject, location: list[int | str]) -> JsonObject:
    """Return the schema at a location; empty for an unknown one."""
    for part in location:
        schema = (
            schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        )
    return schema


def _path(location: list[int | str]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def suggest(value: object, known: list[str]) -> str:
    """Suggest the closest known value, ignoring case and underscores; else list the known values."""
    plain = {name.lower(): name for name in known}
    close = get_close_matches(str(value).lower().replace("_", ""), list(plain), n=1)
    if close:
        return f"Did you mean {plain[close[0]]}?"
    return f"Known: {', '.join(known)}." if known else ""


def quoted(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:76]}…{text[-1]}"
