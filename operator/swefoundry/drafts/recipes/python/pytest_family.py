"""pytest and the distributions that it imports: which of them go with an interpreter and with a project."""

from datetime import date

from swefoundry.drafts.recipes.python.interpreters import RELEASE_DATES, PythonVersion

PYTEST_DEPENDENCIES = frozenset(
    {"attrs", "pluggy", "iniconfig", "packaging", "py", "more-itertools", "atomicwrites", "tomli"}
)
"""Distributions that pytest imports: when the project is one of these, a later pytest gets an older release of it than
it needs.
"""

_NEEDED_BY_THEM = frozenset(
    {"exceptiongroup", "importlib-metadata", "pathlib2", "pyparsing", "six", "toml", "typing-extensions"}
    | {"wcwidth", "zipp"}
)

_FIRST_OF_OPTIONS = date(2018, 6, 1)
"""pytest 3.6: the first that has all options of the recipe and runs on interpreters up to 3.9."""

_OTHER_SYNTAX_TREE: PythonVersion = (3, 10)
"""From here on, older releases fail with `required field "lineno" missing from alias`."""


def pytest_dates(until: date | None, python: PythonVersion) -> dict[str, date]:
    """Return days for pytest and what it needs, where no release of the candidate's day runs on the interpreter."""
    released = RELEASE_DATES.get(python, _FIRST_OF_OPTIONS)
    first = _FIRST_OF_OPTIONS if python < _OTHER_SYNTAX_TREE else released
    if until is None or until >= first:
        return {}
    return dict.fromkeys({"pytest", *PYTEST_DEPENDENCIES, *_NEEDED_BY_THEM}, first)
