"""Write the reference page of a resource from the schema that the API server enforces."""

from typing import Any

from swefoundry.api.labels import API_VERSION
from swefoundry.contracts.wire import JsonObject


def resource_page(kind: str, short: str, description: str, schema: JsonObject) -> str:
    """Return the Markdown page of one resource."""
    fields = schema["properties"]
    parts = [
        f"# {kind}\n",
        "<!-- Generated from operator/swefoundry/api by `make generate`. Do not edit. -->\n",
        f"{description}\n",
        f"`apiVersion: {API_VERSION}`, `kind: {kind}`, short name `{short}`; `kubectl explain {short}` "
        "says the same in a terminal. **Bold** fields are required where their parent is given.\n",
        f"## spec\n\n{fields['spec']['description']}\n\n{_table(fields['spec'], 'spec')}",
        _cross_field_rules(fields["spec"]),
        f"## status\n\n{fields['status']['description']} Written by the operator alone.\n\n"
        f"{_table(fields['status'], 'status')}",
    ]
    return "\n".join(part for part in parts if part)


def _table(schema: JsonObject, root: str) -> str:
    lines = ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
    lines += [_row(path, node, required) for path, node, required in _walk(schema, root)]
    return "\n".join(lines) + "\n"


def _walk(schema: JsonObject, path: str) -> list[tuple[str, JsonObject, bool]]:
    """Return every field below a node, parents first: (path, schema, required)."""
    found: list[tuple[str, JsonObject, bool]] = []
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        found.append((here, child, name in schema.get("required", ())))
        below = child.get("items", child)
        found += _walk(below, f"{here}[]" if "items" in child else here)
    return found


def _row(path: str, node: JsonObject, required: bool) -> str:
    name = path.split(".", 1)[1]
    shown = f"**`{name}`**" if required else f"`{name}`"
    default = f"`{_literal(node['default'])}`" if "default" in node and node["default"] != {} else ""
    return (
        f"| {shown} | {_escape(_type(node))} | {_escape(default)} | {_escape(node.get('description', ''))} |"
    )


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_literal(one) for one in value) + "]"
    return str(value)


def _type(node: JsonObject) -> str:
    if "enum" in node:
        return "one of " + ", ".join(f"`{value}`" for value in node["enum"])
    if node["type"] == "array":
        return f"list of {_type(node['items'])}, at most {node['maxItems']}"
    if node["type"] == "string":
        return _string(node)
    return f"{node['type']}{_range(node)}"


def _range(node: JsonObject) -> str:
    if "minimum" in node and "maximum" in node:
        return f", {node['minimum']} to {node['maximum']}"
    if "minimum" in node:
        return f", from {node['minimum']:g}"
    return ""


def _string(node: JsonObject) -> str:
    if "format" in node:
        return str(node["format"])
    if "pattern" in node:
        return f"string, `{node['pattern']}`"
    return f"string, at most {node['maxLength']} characters"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _cross_field_rules(schema: JsonObject) -> str:
    """Return the validation rules across fields, each with the paths where it applies."""
    paths_by_message: dict[str, list[str]] = {}
    for path, node, _ in [("spec", schema, True), *_walk(schema, "spec")]:
        for rule in node.get("x-kubernetes-validations", ()):
            message = rule["message"].removeprefix(f"{rule.get('fieldPath', '')[1:]}: ")
            paths_by_message.setdefault(message, []).append(f"`{path}{rule.get('fieldPath', '')}`")
    lines = [f"- {', '.join(paths)}: {message}" for message, paths in paths_by_message.items()]
    return "### Rules across fields\n\n" + "\n".join(lines) + "\n" if lines else ""
