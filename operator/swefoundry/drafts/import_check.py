"""Check in the evaluation image, before a probe's tests, that the project is imported from the tree.

A release of the project in the image would be tested in place of the tree: the fix replaces files there, so the tests
pass or fail alike before and after it. The check looks the project's modules up without running them, and ends the
probe with an exit code of its own.
"""

import re
import shlex
import sys

from swefoundry.contracts.evaluation import SOURCE_SHADOWED_EXIT
from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.python.project import PythonProject

_REINSTALLS = re.compile(r"\b(?:install|develop|build_ext|tox|nox)\b")
"""Commands that bring the tree's files into the environment before they run the tests."""

_MAX_NAMES = 32

_LOOK_UP = f"""
import importlib.util, os, sys
for name in sys.argv[1:]:
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        continue
    found = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    places = [os.path.realpath(place) for place in found if place and os.path.isabs(place)]
    if places and not any((place + os.sep).startswith(os.getcwd() + os.sep) for place in places):
        print("SourceShadowed: " + name + " is imported from " + places[0] + ", not from " + os.getcwd())
        sys.exit({SOURCE_SHADOWED_EXIT})
"""


def with_import_check(command: str, facts: Facts) -> str:
    """Prepend the check to a test command; unchanged where it would say nothing."""
    names = project_modules(facts)
    if not names or _REINSTALLS.search(command):
        return command
    look_up = f"python -c {shlex.quote(_LOOK_UP)} {' '.join(names)}"
    code = SOURCE_SHADOWED_EXIT
    return (
        f"if command -v python > /dev/null; then {look_up}; [ $? -ne {code} ] || exit {code}; fi; {command}"
    )


def project_modules(facts: Facts) -> list[str]:
    """Return top-level modules of the project whose tests run, without names of the standard library."""
    project = PythonProject.from_input(StrategyInput(facts=facts))
    names = [name for name in project.own_modules if name not in sys.stdlib_module_names]
    return names[:_MAX_NAMES]
