"""One name, one thing: no class, alias, constant or file name stands for two things in the package."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from repository.sources import PACKAGE, parsed

SHARED_NAMES = {"Observation", "Step", "Result", "RULES", "Rule"}
"""Parts of the same pattern: both controllers have them, and the pods' rules are such a list, too."""

SHARED_FILES = {
    "__init__.py",
    "__main__.py",
    "actions.py",
    "launch.py",
    "observe.py",
    "pod.py",
    "reconcile.py",
    "rules.py",
    "run.py",
    "status.py",
    "steps.py",
}
"""Names that recur on purpose: one for each controller, for each kind of pod, for each program."""


def public_names(path: Path) -> Iterator[str]:
    """Classes, type aliases and constants of a module."""
    for node in parsed(path).body:
        match node:
            case ast.ClassDef(name=found) if not found.startswith("_"):
                yield found
            case ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found)):
                if found[0].isupper() and not found.startswith("_"):
                    yield found


def test_a_public_name_is_defined_in_one_module() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for found in public_names(path):
            places[found].append(str(path.relative_to(PACKAGE)))
    assert {
        found: where for found, where in places.items() if len(where) > 1 and found not in SHARED_NAMES
    } == {}


def test_a_file_name_is_used_once() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        places[path.name].append(str(path.relative_to(PACKAGE)))
    assert {
        found: where for found, where in places.items() if len(where) > 1 and found not in SHARED_FILES
    } == {}
