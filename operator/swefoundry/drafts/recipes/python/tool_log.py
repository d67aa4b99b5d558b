"""Derive constraints from errors inside the modules of tools: a tool imports the project as it became later.

The excerpt of a log has the place where installed code raised its first error, the line of code, and the error::

    …/site-packages/hypothesis/internal/conjecture/shrinker.py:1544: in <module>
        @attr.s(slots=True, eq=False)
    E   TypeError: attrs() got an unexpected keyword argument 'eq'
"""

import re
import sys

from swefoundry.drafts.recipes.python import distributions as names
from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.pytest_log import interpreters_lose_and_gain_names

_RAISED = re.compile(
    r"/site-packages/(?P<module>\w+)(?:/\S*|\.py\S*)?,? .*\n(?P<code>.*)\n"
    r"(?:E  |INTERNALERROR>)? *(?P<error>(?:TypeError|ImportError|AttributeError)\b.*)"
)
_NAMED_MODULE = re.compile(r"cannot import name '\w+' from '([\w.]+)'|module '([\w.]+)' has no attribute")
_RUNS_THE_TESTS = frozenset({"pytest", "pluggy"})
"""Not pinned and not left out: the candidate's day decides about them."""


def tool_constraints(log: str, project: PythonProject, applied: Constraints) -> Constraints:
    """Return what fits a tool to the project: a release that accepts it, else one of the change's day, else none."""
    found = _RAISED.search(log)
    if found is None or found["module"] in project.modules.folders_of:
        return NO_CONSTRAINTS
    tool = frozenset({names.distribution_of(found["module"])}) - _RUNS_THE_TESTS - {""}
    if any(interpreters_lose_and_gain_names(found[0], project.modules)):
        return Constraints(as_of_candidate=tool & applied.as_of_change)
    if any((first or second).split(".")[0] in sys.stdlib_module_names for first, second in _names(found)):
        return NO_CONSTRAINTS
    words = set(re.findall(r"\w+", f"{found['code']} {found['error']}"))
    if words & project.imported_as and project.release is not None and not applied.tools_accept_project:
        return Constraints(tools_accept_project=True)
    return Constraints(as_of_change=tool, drop=tool & applied.as_of_change)


def _names(found: re.Match[str]) -> list[tuple[str, str]]:
    return _NAMED_MODULE.findall(found["error"])
