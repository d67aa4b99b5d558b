"""Read which requirements the tables of uv, poetry and pdm in pyproject.toml bind to a place."""

from collections.abc import Iterator
from typing import Any

from swefoundry.drafts.recipes.python.bound_names import (
    INDEX,
    BoundName,
    bound,
    bound_by_tables,
    is_public_index,
)


def bound_names(tool: dict[str, Any], folder: str) -> Iterator[BoundName]:
    """Yield the bound names of `[tool]`; paths are relative to ``folder``."""
    uv, poetry, pdm = (_table(tool, name) for name in ("uv", "poetry", "pdm"))
    yield from bound_by_tables(_table(uv, "sources"), folder, _public(uv.get("index")))
    public = _public(poetry.get("source"))
    for table in _poetry_tables(poetry):
        yield from bound_by_tables(table, folder, public)
    for source in _tables(pdm.get("source")):
        yield from _bound_to_source(source)


def _poetry_tables(poetry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield _table(poetry, "dependencies")
    yield _table(poetry, "dev-dependencies")
    for group in _table(poetry, "group").values():
        yield _table(group, "dependencies") if isinstance(group, dict) else {}


def _bound_to_source(source: dict[str, Any]) -> Iterator[BoundName]:
    """Yield the names that a source of pdm includes; patterns bind nothing that could be named."""
    included = source.get("include_packages")
    if is_public_index(str(source.get("url", ""))) or not isinstance(included, list):
        return
    for name in included:
        if isinstance(name, str) and not any(sign in name for sign in "*?["):
            yield bound(name, INDEX, str(source.get("name", "")))


def other_indexes(tool: dict[str, Any]) -> bool:
    """Whether all requirements may come from another index than the public one."""
    uv = _table(tool, "uv")
    plain = [
        uv.get("index-url"),
        uv.get("extra-index-url"),
        *(item.get("url") for item in _open(uv.get("index"))),
    ]
    plain += [item.get("url") for item in _open(_table(tool, "poetry").get("source"))]
    plain += [item.get("url") for item in _open(_table(tool, "pdm").get("source"))]
    urls = [url for value in plain for url in (value if isinstance(value, list) else [value])]
    return not all(is_public_index(url) for url in urls if isinstance(url, str))


def _open(value: Any) -> Iterator[dict[str, Any]]:
    """Sources from which any requirement may come: not those for requirements that name them."""
    for source in _tables(value):
        explicit = source.get("explicit") is True or source.get("priority") == "explicit"
        if not explicit and not source.get("include_packages"):
            yield source


def _public(sources: Any) -> frozenset[str]:
    """Names of sources that are the public index or mirror it."""
    named = {
        str(item.get("name", "")).lower()
        for item in _tables(sources)
        if is_public_index(str(item.get("url")))
    }
    return frozenset({*named, "pypi"})


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
