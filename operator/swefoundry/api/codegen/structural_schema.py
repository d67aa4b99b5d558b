"""Translate a model to a structural schema, the subset of JSON Schema that a CRD may contain.

Pydantic writes full JSON Schema. A structural schema has no references, no null, no constants, no unions, and
needs a type on every node; it also has keywords of its own. Whatever cannot be translated raises, so that
no constraint of a model is lost silently.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from typing import Any

from pydantic import BaseModel

from swefoundry.contracts.wire import JsonObject

SHARED_KEYWORDS = (
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
)
"""Keywords with the same meaning in both."""

TRANSLATED_KEYWORDS = frozenset(
    {
        "description",
        "default",
        "const",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "uniqueItems",
        "items",
        "properties",
        "additionalProperties",
        "propertyNames",
    }
)
IGNORED_KEYWORDS = frozenset({"title", "examples", "$defs"})


class NotStructural(ValueError):
    """A model contains something that a structural schema cannot express."""


def structural_schema(model: type[BaseModel], *, defaults: bool = True) -> JsonObject:
    """Return the structural schema of a model; without defaults for a status, which only the operator writes."""
    raw = model.model_json_schema(by_alias=True)
    return _Translation(raw.get("$defs", {}), defaults).node(raw, model.__name__)


class _Translation:
    """Translates one model, given its definitions and whether to keep defaults."""

    def __init__(self, definitions: JsonObject, defaults: bool) -> None:
        self.definitions = definitions
        self.defaults = defaults

    def node(self, raw: JsonObject, path: str) -> JsonObject:
        raw = self._resolved(raw, path)
        _reject_unknown_keywords(raw, path)
        node: JsonObject = {}
        if "description" in raw:
            node["description"] = " ".join(raw["description"].split())
        if "const" in raw:
            raw = {**raw, "enum": [raw["const"]]}
        node |= {word: raw[word] for word in SHARED_KEYWORDS if word in raw}
        node |= _inclusive_bounds(raw, path)
        if raw.get("uniqueItems"):
            node["x-kubernetes-list-type"] = "set"
        node |= {word: value for word, value in raw.items() if word.startswith("x-kubernetes-")}
        node |= self._children(raw, path)
        if "type" not in node:
            raise NotStructural(f"{path}: no type")
        if self.defaults and raw.get("default") is not None:
            node["default"] = _default(raw["default"], node)
        return node

    def _resolved(self, raw: JsonObject, path: str) -> JsonObject:
        """Resolve references and remove the null of an optional field; the field's own keywords take precedence."""
        while "$ref" in raw or "anyOf" in raw:
            own = {word: value for word, value in raw.items() if word not in ("$ref", "anyOf")}
            if "$ref" in raw:
                target = self.definitions[raw["$ref"].removeprefix("#/$defs/")]
            else:
                branches = [branch for branch in raw["anyOf"] if branch != {"type": "null"}]
                if len(branches) != 1:
                    raise NotStructural(f"{path}: a union of several types")
                target = branches[0]
            raw = {**target, **own}
        return raw

    def _children(self, raw: JsonObject, path: str) -> JsonObject:
        if "items" in raw:
            return {"items": self.node(raw["items"], f"{path}[]")}
        if "properties" in raw:
            return {
                "properties": {
                    name: self.node(child, f"{path}.{name}") for name, child in raw["properties"].items()
                }
            }
        values = raw.get("additionalProperties")
        if not isinstance(values, dict):
            return {}
        names = self._resolved(raw.get("propertyNames", {}), path)
        if "enum" in names:  # a map with known keys is an object: the server then refuses others by name
            return {"properties": {name: self.node(values, f"{path}.{name}") for name in names["enum"]}}
        return {"additionalProperties": self.node(values, f"{path}{{}}")}


def _reject_unknown_keywords(raw: JsonObject, path: str) -> None:
    for word in raw:
        if (
            word in SHARED_KEYWORDS
            or word in TRANSLATED_KEYWORDS
            or word in IGNORED_KEYWORDS
            or word.startswith("x-kubernetes-")
        ):
            continue
        raise NotStructural(f"{path}: {word} has no translation")


def _inclusive_bounds(raw: JsonObject, path: str) -> JsonObject:
    """Convert exclusive bounds, which structural schemas have only as flags, to inclusive ones of integers."""
    if "exclusiveMinimum" not in raw and "exclusiveMaximum" not in raw:
        return {}
    if raw.get("type") != "integer":
        raise NotStructural(f"{path}: an exclusive bound on {raw.get('type')}")
    bounds: JsonObject = {}
    if "exclusiveMinimum" in raw:
        bounds["minimum"] = raw["exclusiveMinimum"] + 1
    if "exclusiveMaximum" in raw:
        bounds["maximum"] = raw["exclusiveMaximum"] - 1
    return bounds


def _default(value: Any, node: JsonObject) -> Any:
    """Return a default without absent values and without values that equal the children's own defaults."""
    if not isinstance(value, dict):
        return value
    children = node.get("properties", {})
    kept = {
        name: _default(child, children.get(name, {})) for name, child in value.items() if child is not None
    }
    return {name: child for name, child in kept.items() if children.get(name, {}).get("default") != child}
