"""Dependencies that only the manifests after the fix name; the tests cannot download them."""

import json
from typing import Any

TABLES = ("dependencies", "dev-dependencies", "build-dependencies")
REGISTRY_KEYS = ("version", "package", "features", "default-features")
"""Keys of a dependency that a registry has; one with another (`path`, `git`, `workspace`) is not asked for."""


def added_dependencies(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Return the dependencies of one manifest that the other does not name, each as it is written in TOML."""
    known = _dependencies(before)
    added = {name: spec for name, spec in _dependencies(after).items() if name not in known}
    written = {name: _written(spec) for name, spec in sorted(added.items())}
    return {name: text for name, text in written.items() if text is not None}


def _dependencies(manifest: dict[str, Any]) -> dict[str, object]:
    """Dependencies of a package, and those that its workspace has for its members."""
    places = [manifest, manifest.get("workspace")]
    tables = [place.get(name) for place in places if isinstance(place, dict) for name in TABLES]
    return {name: spec for table in tables if isinstance(table, dict) for name, spec in table.items()}


def _written(spec: object) -> str | None:
    """Return a requirement in TOML, of which JSON writes strings, lists and booleans alike."""
    if isinstance(spec, str):
        return json.dumps(spec)
    if not isinstance(spec, dict) or "version" not in spec or set(spec) - {*REGISTRY_KEYS, "optional"}:
        return None
    return "{" + ", ".join(f"{key} = {json.dumps(spec[key])}" for key in REGISTRY_KEYS if key in spec) + "}"
