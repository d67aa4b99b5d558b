"""Every model becomes a structural schema that bounds everything it allows."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS, ResourceDefinition, openapi_schema
from swefoundry.api.codegen.structural_schema import JsonObject, NotStructural, structural_schema
from swefoundry.api.validation.cel_rules import PYTHON_EQUIVALENTS

FORBIDDEN = ("$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "title", "propertyNames", "uniqueItems")


def nodes(schema: JsonObject, path: str) -> Iterator[tuple[str, JsonObject]]:
    """Every node of a schema with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def all_nodes() -> list[tuple[str, JsonObject]]:
    """Every node of spec and status of every resource."""
    found = []
    for resource in RESOURCE_DEFINITIONS:
        for part in ("spec", "status"):
            found += list(nodes(openapi_schema(resource)["properties"][part], f"{resource.kind}.{part}"))
    return found


NODES = all_nodes()


def test_every_node_has_a_type_and_only_keywords_that_a_crd_may_have() -> None:
    assert [
        path for path, node in NODES if "type" not in node or any(word in node for word in FORBIDDEN)
    ] == []


def test_every_string_is_bounded() -> None:
    bounded = ("maxLength", "enum", "format")
    assert [
        path for path, node in NODES if node["type"] == "string" and not any(word in node for word in bounded)
    ] == []


def test_every_list_and_map_is_bounded() -> None:
    lists = [path for path, node in NODES if node["type"] == "array" and "maxItems" not in node]
    maps = [path for path, node in NODES if "additionalProperties" in node and "maxProperties" not in node]
    assert (lists, maps) == ([], [])


def test_every_number_that_a_person_writes_is_bounded_on_both_sides() -> None:
    numbers = [
        (path, node) for path, node in NODES if node["type"] in ("integer", "number") and ".spec" in path
    ]
    loose = [path for path, node in numbers if "minimum" not in node or "maximum" not in node]
    assert [
        path for path in loose if not path.endswith(".size")
    ] == []  # the size of a layer, written by the operator


def test_every_field_says_what_it_means() -> None:
    silent = [path for path, node in NODES if not path.endswith("[]") and not node.get("description")]
    assert silent == []


def test_every_cel_rule_has_a_python_equivalent_and_the_reverse() -> None:
    rules = {rule["rule"] for _, node in NODES for rule in node.get("x-kubernetes-validations", ())}
    assert {rule for rule in rules if "oldSelf" not in rule} == set(PYTHON_EQUIVALENTS)


def test_conditions_are_a_map_by_type() -> None:
    lists = {path: node for path, node in NODES if path.endswith(".conditions")}
    assert len(lists) == len(RESOURCE_DEFINITIONS)
    for node in lists.values():
        assert node["x-kubernetes-list-type"] == "map"
        assert node["x-kubernetes-list-map-keys"] == ["type"]


@pytest.mark.parametrize("resource", RESOURCE_DEFINITIONS, ids=lambda resource: resource.kind)
def test_columns_and_selectable_fields_exist(resource: ResourceDefinition) -> None:
    known = {path for path, _ in nodes(openapi_schema(resource), "")}
    plain = [column.path for column in resource.columns if "[" not in column.path]
    assert {path for path in (*plain, *resource.selectable) if not path.startswith(".metadata")} <= known


@pytest.mark.parametrize("resource", RESOURCE_DEFINITIONS, ids=lambda resource: resource.kind)
def test_the_status_has_no_defaults_and_the_spec_has_no_null(resource: ResourceDefinition) -> None:
    assert [
        path
        for path, node in nodes(structural_schema(resource.status, defaults=False), "")
        if "default" in node
    ] == []
    assert [
        path for path, node in nodes(structural_schema(resource.spec), "") if node.get("default", "") is None
    ] == []


class Inner(BaseModel):
    """Something inside."""

    size: int = Field(default=3, gt=0, lt=10)
    kind: Literal["inner"] = "inner"


class Outer(BaseModel):
    """Something outside."""

    maybe: Inner | None = None
    tags: set[Annotated[str, Field(max_length=9)]] = Field(default=set(), max_length=4)
    colours: dict[Literal["red", "green"], Inner] = Field(default={}, max_length=2)
    others: dict[Annotated[str, Field(max_length=9)], Annotated[str, Field(max_length=9)]] = Field(
        max_length=2
    )
    inner: Inner = Inner(size=4)
    plain: Inner = Inner()


def test_translates_what_pydantic_writes() -> None:
    inner = {
        "description": "Something inside.",
        "type": "object",
        "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
            "kind": {"type": "string", "enum": ["inner"], "default": "inner"},
        },
    }
    assert structural_schema(Outer) == {
        "description": "Something outside.",
        "type": "object",
        "required": ["others"],
        "properties": {
            "maybe": inner,
            "tags": {
                "type": "array",
                "maxItems": 4,
                "x-kubernetes-list-type": "set",
                "items": {"type": "string", "maxLength": 9},
                "default": [],
            },
            "colours": {
                "type": "object",
                "maxProperties": 2,
                "properties": {"red": inner, "green": inner},
                "default": {},
            },
            "others": {
                "type": "object",
                "maxProperties": 2,
                "additionalProperties": {"type": "string", "maxLength": 9},
            },
            "inner": {**inner, "default": {"size": 4}},
            "plain": {**inner, "default": {}},
        },
    }


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (int | str, "a union of several types"),
        (tuple[int, str], "prefixItems has no translation"),
        (Annotated[float, Field(gt=0)], "an exclusive bound on number"),
        (Any, "no type"),
    ],
)
def test_rejects_what_a_crd_cannot_express(annotation: Any, message: str) -> None:
    model = type("Bad", (BaseModel,), {"__annotations__": {"field": annotation}})
    with pytest.raises(NotStructural, match=f"Bad.field: {message}"):
        structural_schema(model)
