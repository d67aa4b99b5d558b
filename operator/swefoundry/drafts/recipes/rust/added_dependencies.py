"""Dependencies that only the manifests after the fix ask for; the tests cannot download them."""

import json
import re
from typing import Any

TABLES = ("dependencies", "dev-dependencies", "build-dependencies")
REGISTRY_KEYS = ("version", "package", "features", "default-features")
"""Keys of a dependency that a registry has; one with another (`path`, `git`, `workspace`) is not asked for."""

CRATE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
REQUIREMENT = re.compile(r"[\w.,<>=~^*+ -]+", re.ASCII)
FEATURE = re.compile(r"[\w./?+-]+", re.ASCII)
"""What is on one line of a Dockerfile, and no option; anything else is left to the manifest."""


def added_dependencies(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Return the dependencies that one manifest does not ask for in the same way as the other, each as written in TOML.

    A later release may be asked for that nothing else needs, and another package may stand behind a name.
    """
    known = _dependencies(before)
    added = {name: spec for name, spec in _dependencies(after).items() if known.get(name) != spec}
    written = {name: _written(spec) for name, spec in sorted(added.items())}
    return {name: text for name, text in written.items() if text is not None}


def requirements_of_tests(before: dict[str, Any], after: dict[str, Any]) -> list[list[str]]:
    """Return arguments of `cargo add --dev` for the tests' dependencies that the manifest after the fix asks for in
    another way, each as a list of words.
    """
    known = before.get("dev-dependencies") or {}
    requested = after.get("dev-dependencies") or {}
    if not isinstance(known, dict) or not isinstance(requested, dict):
        return []
    differing = {name: spec for name, spec in sorted(requested.items()) if known.get(name) != spec}
    return [
        words for name, spec in differing.items() if (words := _words_of_cargo_add(name, spec)) is not None
    ]


def _words_of_cargo_add(name: str, spec: object) -> list[str] | None:
    if _written(spec) is None or not isinstance(spec, str | dict):
        return None
    table = {"version": spec} if isinstance(spec, str) else spec
    crate, version, features = table.get("package", name), table["version"], table.get("features", [])
    texts = [(CRATE_NAME, name), (CRATE_NAME, crate), (REQUIREMENT, version)]
    texts += [(FEATURE, each) for each in (features if isinstance(features, list) else [None])]
    if not all(isinstance(text, str) and pattern.fullmatch(text) for pattern, text in texts):
        return None
    words = [f"{crate}@{version}"]
    if crate != name:
        words += ["--rename", name]
    if features:
        words += ["--features", ",".join(features)]
    return [*words, "--no-default-features"] if table.get("default-features") is False else words


def _dependencies(manifest: dict[str, Any]) -> dict[str, object]:
    """Dependencies of a package, also of single platforms, and those that its workspace has for its members."""
    targets = manifest.get("target")
    places = [*(targets.values() if isinstance(targets, dict) else ()), manifest, manifest.get("workspace")]
    tables = [place.get(name) for place in places if isinstance(place, dict) for name in TABLES]
    return {name: spec for table in tables if isinstance(table, dict) for name, spec in table.items()}


def has_outer_paths(manifest: dict[str, Any]) -> bool:
    """Whether a dependency of the registry also has a path out of the folder; a published crate has nothing there."""
    specs = (
        spec for spec in _dependencies(manifest).values() if isinstance(spec, dict) and "version" in spec
    )
    return any(str(spec.get("path", "")).startswith("../") for spec in specs)


def _written(spec: object) -> str | None:
    """Return a requirement in TOML, of which JSON writes strings, lists and booleans alike."""
    if isinstance(spec, str):
        return json.dumps(spec)
    if not isinstance(spec, dict) or "version" not in spec or set(spec) - {*REGISTRY_KEYS, "optional"}:
        return None
    return "{" + ", ".join(f"{key} = {json.dumps(spec[key])}" for key in REGISTRY_KEYS if key in spec) + "}"
