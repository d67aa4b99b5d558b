"""Validate a manifest offline: the checks of the API server, with a suggested fix for each problem.

The models are read strictly here (unknown fields, snake_case and numbers for strings are rejected); every CEL
rule across fields has a Python equivalent.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import cast

from pydantic import ValidationError

from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS, ResourceDefinition
from swefoundry.api.codegen.structural_schema import structural_schema
from swefoundry.api.labels import API_VERSION
from swefoundry.api.validation.cel_rules import PYTHON_EQUIVALENTS
from swefoundry.api.validation.error_messages import format_error, quoted, suggest
from swefoundry.contracts.wire import JsonObject

ENVELOPE = ("apiVersion", "kind", "metadata", "spec", "status")
OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
OBJECT_NAME_LIMIT = 253


def manifest_problems(manifest: Mapping[str, object]) -> list[str]:
    """Return all problems of one TaskInstance or EnvBuild, one sentence each: `field: what. What to do.`"""
    plain = cast(JsonObject, _without_nulls(json.loads(json.dumps(manifest, default=_date_to_json))))
    kinds = {resource.kind: resource for resource in RESOURCE_DEFINITIONS}
    kind = plain.get("kind")
    resource = kinds.get(str(kind))
    if resource is None:
        return [f"kind: {quoted(kind)} is not a kind of swefoundry. {suggest(kind, list(kinds))}"]
    found = _envelope_problems(plain)
    if not isinstance(plain.get("spec"), dict):
        return [*found, "spec: is required and must be an object. See docs/reference."]
    schema = _spec_schema(resource)
    return [
        *found,
        *_schema_problems(resource, plain["spec"], schema),
        *_rule_problems(plain["spec"], schema, "spec"),
    ]


@cache
def _spec_schema(resource: ResourceDefinition) -> JsonObject:
    return structural_schema(resource.spec)


def _date_to_json(value: object) -> str:
    """Convert a time back to text: YAML parses times, the API server receives the text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"a manifest cannot contain a {type(value).__name__}")


def _without_nulls(value: object) -> object:
    """Remove null fields, as the API server does before it validates."""
    if isinstance(value, dict):
        return {name: _without_nulls(child) for name, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_nulls(child) for child in value]
    return value


def _envelope_problems(manifest: JsonObject) -> list[str]:
    found = []
    if manifest.get("apiVersion") != API_VERSION:
        found.append(f"apiVersion: {quoted(manifest.get('apiVersion'))} is not known. Write {API_VERSION}.")
    found += [
        f"{name}: unknown field. {suggest(name, list(ENVELOPE))}" for name in manifest if name not in ENVELOPE
    ]
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        return [*found, "metadata: is required. Give the object a name."]
    if "generateName" in metadata and "name" not in metadata:
        return found
    return found + _name_problems(metadata.get("name"))


def _name_problems(name: object) -> list[str]:
    if isinstance(name, str) and OBJECT_NAME.fullmatch(name) and len(name) <= OBJECT_NAME_LIMIT:
        return []
    return [
        f"metadata.name: {quoted(name)} is not a valid name. Write lower-case letters, digits, '-' and '.', "
        f"at most {OBJECT_NAME_LIMIT} characters."
    ]


def _schema_problems(resource: ResourceDefinition, spec: JsonObject, schema: JsonObject) -> list[str]:
    try:
        resource.spec.model_validate_json(
            json.dumps(spec), strict=True, extra="forbid", by_alias=True, by_name=False
        )
    except ValidationError as refusal:
        return [format_error(error, schema) for error in refusal.errors(include_url=False)]
    return []


def _rule_problems(value: object, schema: JsonObject, path: str) -> list[str]:
    """Check rules across fields, and sets, wherever the schema has them."""
    if isinstance(value, list):
        return _list_problems(value, schema, path)
    if not isinstance(value, dict):
        return []
    found = []
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" in rule["rule"]:  # compares with the old object, which a single manifest does not have
            continue
        if not PYTHON_EQUIVALENTS[rule["rule"]](value):
            found.append(f"{path}{rule.get('fieldPath', '')}: {rule['message'].split(': ', 1)[-1]}.")
    for name, child in schema.get("properties", {}).items():
        found += _rule_problems(value.get(name), child, f"{path}.{name}")
    return found


def _list_problems(value: list[object], schema: JsonObject, path: str) -> list[str]:
    found = []
    if schema.get("x-kubernetes-list-type") == "set" and len({json.dumps(one) for one in value}) < len(value):
        found.append(f"{path}: has a duplicate entry. Name each entry once.")
    for index, one in enumerate(value):
        found += _rule_problems(one, schema.get("items", {}), f"{path}[{index}]")
    return found
