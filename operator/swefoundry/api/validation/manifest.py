"""What is wrong with a manifest, in sentences? The same checks as the API server's, without a server.

The models are read strictly here (unknown fields, snake_case and numbers for strings are refused); every CEL
rule across fields has a twin in Python. Unlike the server, it says what to write instead.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, cast

from pydantic import ValidationError

from swefoundry.api.codegen.crds import RESOURCES, Resource
from swefoundry.api.codegen.structural_schema import structural
from swefoundry.api.labels import API_VERSION
from swefoundry.api.validation.cel_rules import TWINS
from swefoundry.api.validation.error_messages import choice, quoted, sentence

Node = dict[str, Any]

ENVELOPE = ("apiVersion", "kind", "metadata", "spec", "status")
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
NAME_LIMIT = 253


def problems(manifest: Mapping[str, object]) -> list[str]:
    """Everything wrong with one TaskInstance or EnvBuild, one sentence each: `field: what. What to do.`"""
    plain = cast(Node, _without_nulls(json.loads(json.dumps(manifest, default=_json))))
    kinds = {resource.kind: resource for resource in RESOURCES}
    kind = plain.get("kind")
    resource = kinds.get(str(kind))
    if resource is None:
        return [f"kind: {quoted(kind)} is not a kind of ours. {choice(kind, list(kinds))}"]
    found = _of_envelope(plain)
    if not isinstance(plain.get("spec"), dict):
        return [*found, "spec: is required and must be an object. See docs/reference."]
    schema = _spec_schema(resource)
    return [*found, *_of_shape(resource, plain["spec"], schema), *_of_rules(plain["spec"], schema, "spec")]


@cache
def _spec_schema(resource: Resource) -> Node:
    return structural(resource.spec)


def _json(value: object) -> str:
    """YAML makes times of what looks like one; the API server only ever sees the text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"a manifest cannot contain a {type(value).__name__}")


def _without_nulls(value: object) -> object:
    """The API server drops null fields before it looks."""
    if isinstance(value, dict):
        return {name: _without_nulls(child) for name, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_nulls(child) for child in value]
    return value


def _of_envelope(manifest: Node) -> list[str]:
    found = []
    if manifest.get("apiVersion") != API_VERSION:
        found.append(f"apiVersion: {quoted(manifest.get('apiVersion'))} is not known. Write {API_VERSION}.")
    found += [
        f"{name}: unknown field. {choice(name, list(ENVELOPE))}" for name in manifest if name not in ENVELOPE
    ]
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        return [*found, "metadata: is required. Give the object a name."]
    if "generateName" in metadata and "name" not in metadata:
        return found
    return found + _of_name(metadata.get("name"))


def _of_name(name: object) -> list[str]:
    if isinstance(name, str) and NAME.fullmatch(name) and len(name) <= NAME_LIMIT:
        return []
    return [
        f"metadata.name: {quoted(name)} cannot be a name. Write lower-case letters, digits, '-' and '.', "
        f"at most {NAME_LIMIT} characters."
    ]


def _of_shape(resource: Resource, spec: Node, schema: Node) -> list[str]:
    try:
        resource.spec.model_validate_json(
            json.dumps(spec), strict=True, extra="forbid", by_alias=True, by_name=False
        )
    except ValidationError as refusal:
        return [sentence(error, schema) for error in refusal.errors(include_url=False)]
    return []


def _of_rules(value: object, schema: Node, path: str) -> list[str]:
    """Rules across fields, and sets, wherever the schema has them."""
    if isinstance(value, list):
        return _of_list(value, schema, path)
    if not isinstance(value, dict):
        return []
    found = []
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" in rule["rule"]:  # says what may change, which a single manifest does not tell
            continue
        if not TWINS[rule["rule"]](value):
            found.append(f"{path}{rule.get('fieldPath', '')}: {rule['message'].split(': ', 1)[-1]}.")
    for name, child in schema.get("properties", {}).items():
        found += _of_rules(value.get(name), child, f"{path}.{name}")
    return found


def _of_list(value: list[object], schema: Node, path: str) -> list[str]:
    found = []
    if schema.get("x-kubernetes-list-type") == "set" and len({json.dumps(one) for one in value}) < len(value):
        found.append(f"{path}: has an entry twice. Name each once.")
    for index, one in enumerate(value):
        found += _of_rules(one, schema.get("items", {}), f"{path}[{index}]")
    return found
