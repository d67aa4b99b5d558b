"""Test ids: pytest node ids where possible, and the same in every run.

pytest takes its ids back, so they are left as they are; it has escaped control characters itself. From the ids of other
runners, what changes from run to run, such as the address of an object, is removed where that leaves the ids of a run
apart. ``images/runner/ids.go``
makes the same ids.
"""

import hashlib
import re
from dataclasses import dataclass

from swefoundry.contracts.draft import TEST_ID_LIMIT
from swefoundry.grading.report_text import clean_name

OBJECT_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{7,16}\b", re.ASCII)
"""As in ``<object object at 0x7f…>``; a number without ``at`` may be a constant of the test."""
DURATION_SUFFIX = re.compile(
    r"(?:[ ]+(?:in[ ]+|# time=|\[|\()[ ]*[0-9]+(?:\.[0-9]+)?[ ]*(?:ms|s|sec|secs|seconds|µs|us)[ ]*[\])]?)+\Z"
)
WHITESPACE = re.compile(r"[\t\r\n]+")
WORKDIR_PREFIX = re.compile(r"^(?:/testbed/|\./)")

MODULE_NAME = re.compile(r"(?:test_.*|.*_tests?|tests?|conftest)\Z")
"""Parts of a dotted name that look like a Python test module."""
DOTTED_MODULE = re.compile(r"(?:^|\.)(?:test_\w*|\w*_tests?)(?:\.|\Z)")
DOTTED_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\Z")
TEXT_DOCTEST = re.compile(r"[^/\n]+\.(?:txt|rst|md)\Z")


@dataclass(frozen=True)
class IdForms:
    """An id in two forms: the raw one stands where two raw ids of a run have the same stable one."""

    raw: str
    stable: str


def stable_name(name: str) -> str:
    """Remove from a name what changes from run to run."""
    return OBJECT_ADDRESS.sub("at 0x0", WHITESPACE.sub(" ", name).strip(" "))


def without_duration(name: str) -> str:
    """Remove the durations that some runners append; not for Python, where they could be a parameter."""
    return DURATION_SUFFIX.sub("", name)


def limited(test: str) -> str:
    if len(test) <= TEST_ID_LIMIT:
        return test
    digest = hashlib.sha256(test.encode()).hexdigest()[:16]
    return f"{test[: TEST_ID_LIMIT - 20]}…#{digest}"


def plain_id(name: str) -> IdForms:
    name = clean_name(name)
    return IdForms(limited(name), limited(stable_name(name)))


def junit_id(classname: str, name: str, file: str = "", pytest: bool = False) -> IdForms:
    """Return the id of a JUnit test case: ``tests/test_x.py::Class::name`` for Python, else ``classname::name``."""
    classname, name, file = clean_name(classname), clean_name(name), relative_path(file.strip(" "))
    if not (pytest or file.endswith(".py")):
        return IdForms(
            limited(_joined(classname, name)),
            limited(_joined(stable_name(classname), without_duration(stable_name(name)))),
        )
    prefix = "::".join(_node_path(classname, name, file, pytest))
    stable = name if pytest else stable_name(name)
    return IdForms(limited(f"{prefix}::{name}"), limited(f"{prefix}::{stable}"))


def module_id(dotted: str, file: str) -> IdForms:
    """Return the id of a module that pytest cannot collect and names ``tests.test_x``: its path."""
    path, file = relative_path(clean_name(dotted)), relative_path(file.strip(" "))
    if file.endswith(".py"):
        path = file
    elif "/" not in dotted:
        path = path.replace(".", "/") + ".py"
    return IdForms(limited(path), limited(path))


def relative_path(path: str) -> str:
    return WORKDIR_PREFIX.sub("", path.replace("\\", "/"))


def _joined(*parts: str) -> str:
    return "::".join(part for part in parts if part)


def _node_path(classname: str, name: str, file: str, pytest: bool) -> list[str]:
    """Return the file and the classes of a Python test."""
    python = file.endswith(".py")
    if python and not classname:
        return [file]
    classes = _classes_below(classname, file) if python else None
    if classes is not None:
        return [file, *classes]
    # pytest gives an inherited test the file of its base class; the class name says where it was collected.
    if python and not pytest and not DOTTED_MODULE.search(classname):
        return [file, *classname.split(".")]
    if classname.endswith(name) and TEXT_DOCTEST.match(name):
        return [classname.removesuffix(name).replace(".", "/") + name]
    parts = classname.split(".")
    length = _module_length(parts)
    return ["/".join(parts[:length]) + ".py", *parts[length:]]


def _classes_below(classname: str, file: str) -> list[str] | None:
    """Return what follows the module of this file in a dotted name, which may leave out folders of the file's path."""
    module = file.removesuffix(".py").replace("/", ".")
    while True:
        if classname == module:
            return []
        if classname.startswith(f"{module}."):
            return classname[len(module) + 1 :].split(".")
        _, dot, module = module.partition(".")
        if not dot:
            return None


def _module_length(parts: list[str]) -> int:
    """Return how many parts are the module, distinguished from classes by their spelling.

    The last of the first parts in a row that look like ``test_x``, else everything before the first capital.
    """
    for at, part in enumerate(parts):
        last = at + 1 == len(parts) or not MODULE_NAME.match(parts[at + 1])
        if MODULE_NAME.match(part) and part not in ("test", "tests") and last:
            return at + 1
    capital = next((at for at, part in enumerate(parts) if part.lstrip("_")[:1].isupper()), len(parts))
    return max(capital, 1)
