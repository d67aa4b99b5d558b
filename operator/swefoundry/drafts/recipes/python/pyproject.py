"""Read pyproject.toml: PEP 621 and 735, poetry, flit, pdm, hatch, and the [build-system] table."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from swefoundry.drafts.recipes.python.bound_in_pyproject import bound_names, other_indexes
from swefoundry.drafts.recipes.python.declared import (
    DeclaredMetadata,
    RequirementGroups,
    merge_declared,
    normalized_group,
    python_classifiers,
)
from swefoundry.drafts.recipes.python.unknown_names import with_unknown_names_bound


def declared(text: str, folder: str = "") -> DeclaredMetadata:
    """Parse pyproject.toml of a folder; an invalid file declares nothing."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return DeclaredMetadata()
    tool = _table(data, "tool")
    merged = merge_declared(
        (
            _standard(_table(data, "project")),
            _groups(_strings_by_group(_table(data, "dependency-groups"))),
            _poetry(_table(tool, "poetry")),
            _flit(_table(_table(tool, "flit"), "metadata")),
            _groups(_strings_by_group(_table(_table(tool, "pdm"), "dev-dependencies"))),
            _groups({"dev": _strings(_table(tool, "uv").get("dev-dependencies"))}),
            _groups(_hatch(_table(_table(tool, "hatch"), "envs"))),
            _build(_table(data, "build-system")),
            DeclaredMetadata(
                bound=tuple(bound_names(tool, folder)),
                limits=_strings(_table(tool, "uv").get("constraint-dependencies")),
            ),
        )
    )
    return with_unknown_names_bound(merged) if other_indexes(tool) else merged


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _strings_by_group(table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return groups with their `include-group` entries resolved (PEP 735)."""
    by_name = {normalized_group(key): items for key, items in table.items()}
    return {key: tuple(_group_items(items, by_name, frozenset())) for key, items in table.items()}


def _group_items(items: Any, groups: dict[str, Any], inside: frozenset[str]) -> Iterator[str]:
    """Groups that include each other in a circle end where the circle closes."""
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str):
            yield item
        included = item.get("include-group") if isinstance(item, dict) else None
        name = normalized_group(included) if isinstance(included, str) else ""
        if name and name not in inside:
            yield from _group_items(groups.get(name), groups, inside | {name})


def _groups(lists: dict[str, tuple[str, ...]]) -> DeclaredMetadata:
    groups = RequirementGroups(lists)
    return DeclaredMetadata(test=groups.test(), dev=groups.dev())


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _standard(project: dict[str, Any]) -> DeclaredMetadata:
    if not project:
        return DeclaredMetadata()
    dynamic = _strings(project.get("dynamic"))
    extras = RequirementGroups(_strings_by_group(_table(project, "optional-dependencies")))
    return DeclaredMetadata(
        name=_text(project.get("name")),
        version=_text(project.get("version")),
        runtime=_strings(project.get("dependencies")),
        test=extras.test(),
        dev=extras.dev(),
        features=extras.features(),
        extras=extras.normalized(),
        requires_python=_text(project.get("requires-python")),
        pythons=python_classifiers(_strings(project.get("classifiers"))),
        runtime_known="dependencies" not in dynamic,
        installable=True,
    )


def _poetry(poetry: dict[str, Any]) -> DeclaredMetadata:
    if not poetry:
        return DeclaredMetadata()
    needs = dict(_table(poetry, "dependencies"))
    python = needs.pop("python", None)
    lists = {
        name: _poetry_list(_table(group, "dependencies")) for name, group in _table(poetry, "group").items()
    }
    lists["dev"] = (*lists.get("dev", ()), *_poetry_list(_table(poetry, "dev-dependencies")))
    groups = RequirementGroups(lists)
    extras = RequirementGroups(_strings_by_group(_table(poetry, "extras")))
    return DeclaredMetadata(
        name=_text(poetry.get("name")),
        version=_text(poetry.get("version")),
        runtime=_poetry_list(needs),
        test=groups.test(),
        dev=groups.dev(),
        requires_python=_specifier(python) if isinstance(python, str) else None,
        extras=extras.normalized(),
        runtime_known="dependencies" in poetry,
        installable="name" in poetry and poetry.get("package-mode") is not False,
    )


def _poetry_list(table: dict[str, Any]) -> tuple[str, ...]:
    return tuple(_poetry_requirement(name, value) for name, value in table.items())


def _poetry_requirement(name: str, value: Any) -> str:
    """`{version = "^1.2", extras = ["x"], python = "<3.8"}` -> `name[x]>=1.2,<2; python_version<…` without the marker.

    A list of such tables (one per Python) becomes the bare name: the resolver finds what fits.
    """
    if isinstance(value, list):
        return name
    table = value if isinstance(value, dict) else {"version": value}
    extras = ",".join(_strings(table.get("extras")))
    version = table.get("version")
    bounds = _specifier(version) if isinstance(version, str) else ""
    return name + (f"[{extras}]" if extras else "") + bounds + _marker(table.get("python"))


def _marker(python: Any) -> str:
    """Convert poetry's `python = "~2.7 || ^3.4"` to a marker."""
    if not isinstance(python, str):
        return ""
    clauses = (_specifier(part) for part in python.split("||"))
    either = [" and ".join(_compared(clause) for clause in some.split(",")) for some in clauses if some]
    return f" ; {' or '.join(either)}" if either else ""


def _compared(clause: str) -> str:
    match = re.match(r"([<>=!~]+)(.+)", clause)
    return f'python_full_version {match[1]} "{match[2]}"' if match else 'python_full_version > "0"'


def _specifier(version: str) -> str:
    """Convert poetry's `^1.2`, `~1.2`, `1.*` and `1.2` to a standard specifier; of `||` alternatives the first."""
    parts = [part.strip() for part in version.split("||")[0].split(",")]
    return ",".join(filter(None, (_clause(part) for part in parts)))


def _clause(part: str) -> str:
    part = part.replace(" ", "")
    match = re.match(r"^([\^~])(\d+(?:\.\d+)*)", part)
    if match and not part.startswith("~="):
        return f">={match[2]},<{_upper(match[1], match[2])}"
    if part in ("*", ""):
        return ""
    return part if part[0] in "<>=!~" else f"=={part}"


def _upper(sign: str, version: str) -> str:
    numbers = [int(number) for number in version.split(".")]
    at = (
        min(1, len(numbers) - 1)
        if sign == "~"
        else next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
    )
    return ".".join(str(number) for number in (*numbers[:at], numbers[at] + 1))


def _flit(metadata: dict[str, Any]) -> DeclaredMetadata:
    if not metadata:
        return DeclaredMetadata()
    extras = _groups(_strings_by_group(_table(metadata, "requires-extra")))
    return DeclaredMetadata(
        name=_text(metadata.get("dist-name")) or _text(metadata.get("module")),
        runtime=_strings(metadata.get("requires")),
        test=extras.test,
        dev=(*extras.dev, *_strings(metadata.get("dev-requires"))),
        requires_python=_text(metadata.get("requires-python")),
        pythons=python_classifiers(_strings(metadata.get("classifiers"))),
        runtime_known=True,
        installable=True,
    )


def _hatch(envs: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return requirements by hatch environment; `default` counts as `dev`, `hatch-test` (of `hatch test`) as `test`."""
    lists: dict[str, tuple[str, ...]] = {}
    for name, env in envs.items():
        table = env if isinstance(env, dict) else {}
        items = (*_strings(table.get("dependencies")), *_strings(table.get("extra-dependencies")))
        lists[{"default": "dev", "hatch-test": "test"}.get(name, name)] = items
    return lists


def _build(table: dict[str, Any]) -> DeclaredMetadata:
    backend = _text(table.get("build-backend"))
    return DeclaredMetadata(
        build=_strings(table.get("requires")),
        backend=re.split(r"[.:]", backend.replace("poetry.core", "poetry-core"))[0] if backend else None,
        installable=bool(table),
    )
