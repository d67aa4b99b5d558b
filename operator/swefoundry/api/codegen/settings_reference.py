"""Write the reference page of the operator's settings from the fields and the docstrings below them."""

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

PREAMBLE = """\
# Settings

<!-- Generated from operator/swefoundry/settings.py by `make generate`. Do not edit. -->

Every knob of the operator is one environment variable. The chart sets the usual ones from its
[values](../charts/swefoundry/values.yaml); any other goes into `extraEnv`:

```yaml
extraEnv:
  - {name: SWEFOUNDRY_WORKERS, value: "32"}
```

Lists are separated by commas, maps are JSON objects, and `SWEFOUNDRY_MODELS` is a JSON list. A wrong value stops the
operator at its start with an error that names the setting; nothing is read later.

| Variable | Type | Default | Meaning |
|---|---|---|---|
"""

TYPES = {
    "str": "text",
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "Decimal": "number",
}


def settings_page(settings: type[BaseSettings]) -> str:
    """Return the Markdown page."""
    descriptions = field_descriptions(settings)
    prefix = str(settings.model_config.get("env_prefix", ""))
    rows = [
        _row(prefix + name.upper(), field, descriptions[name])
        for name, field in settings.model_fields.items()
    ]
    return PREAMBLE + "\n".join(rows) + "\n"


def field_descriptions(settings: type[BaseSettings]) -> dict[str, str]:
    """Return the docstring below each field, read from the source because Python does not keep it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(settings)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                found[name] = " ".join(str(text).split())
    return found


def _row(variable: str, field: FieldInfo, description: str) -> str:
    cells = (f"`{variable}`", _type(field), _default(field.default), description.replace("``", "`"))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _type(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(str(item) for item in get_args(field.annotation))
    types = [item for item in get_args(field.annotation) if item is not type(None)]
    optional = isinstance(field.annotation, UnionType) and len(types) == 1
    kind = types[0] if optional else field.annotation
    name = getattr(kind, "__name__", str(kind))
    if name == "list":
        return "list"
    return "map" if name in ("dict", "OperatorPodTemplate") else TYPES[name] + _bounds(field)


def _bounds(field: FieldInfo) -> str:
    found = {
        key: getattr(item, key) for item in field.metadata for key in ("ge", "gt", "le") if hasattr(item, key)
    }
    words = {"ge": "from {}", "gt": "above {}", "le": "to {}"}
    text = " ".join(words[key].format(found[key]) for key in words if key in found)
    return f", {text}" if text else ""


def _default(value: Any) -> str:
    if value in ("", [], {}, None):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`{','.join(value)}`"
    return f"`{json.dumps(value) if isinstance(value, dict) else value}`"
