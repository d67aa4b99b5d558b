"""Stable test ids: the same in every run, pytest node ids where possible.

An id must not depend on the run: colours, timings and object addresses are removed, paths are relative.
"""

import hashlib
import re

TEST_ID_LIMIT = 1000
"""Characters; a longer name is cut and ends with a hash of the whole."""

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
OBJECT_ADDRESS = re.compile(r"\b(at )?0x[0-9a-fA-F]{7,16}\b")
DURATION_SUFFIX = re.compile(
    r"\s+(?:in\s+|# time=|\[|\()\s*\d+(?:\.\d+)?\s*(?:ms|s|sec|secs|seconds|µs|us)\s*[\])]?$"
)
WHITESPACE = re.compile(r"[\t\r\n\x0b\x0c]+")
WORKDIR_PREFIX = re.compile(r"^(?:/testbed/|\./)")

MODULE_NAME = re.compile(r"^(?:test_.*|.*_tests?|tests?|conftest)$")
"""Parts of a dotted name that look like a Python test module."""
DOTTED_NAME = re.compile(r"^[^\W\d]\w*(?:\.[^\W\d]\w*)*$")


def stable_name(name: str) -> str:
    """Remove from a name what changes from run to run."""
    name = WHITESPACE.sub(" ", ANSI.sub("", name)).strip()
    name = OBJECT_ADDRESS.sub(lambda found: f"{found[1] or ''}0x0", name)
    if len(name) <= TEST_ID_LIMIT:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{name[: TEST_ID_LIMIT - 20]}…#{digest}"


def without_duration(name: str) -> str:
    """Remove the duration that some runners append; not for Python, where it could be a parameter."""
    return DURATION_SUFFIX.sub("", name)


def relative_path(path: str) -> str:
    return WORKDIR_PREFIX.sub("", path.replace("\\", "/"))


def node_id(classname: str, name: str, file: str = "", pytest: bool = False) -> str:
    """Return the id of a JUnit test case: ``tests/test_x.py::Class::name`` for Python, else ``classname::name``."""
    file, name = relative_path(file.strip()), stable_name(name)
    python = file.endswith(".py")
    if not python and not (pytest and DOTTED_NAME.match(classname)):
        return "::".join(part for part in (classname.strip(), without_duration(name)) if part)
    parts = classname.split(".") if classname else []
    known = _module_length_by_file(parts, file)
    length = known or _module_length_by_spelling(parts)
    # pytest gives an inherited test the file of its base class; the class name says where it was collected.
    path = file if python and (known or not (pytest and parts)) else "/".join(parts[:length]) + ".py"
    return "::".join([path, *parts[length:], name])


def module_path(dotted: str) -> str:
    """Return ``tests.test_x``, as pytest names a module that it cannot collect, as a path."""
    return relative_path(dotted) if "/" in dotted else dotted.replace(".", "/") + ".py"


def _module_length_by_file(parts: list[str], file: str) -> int:
    """Return how many parts of the dotted name are the module in this file; 0 when it is in another one."""
    stem = file.removesuffix(".py").split("/")
    for length in range(len(parts), 0, -1):
        if stem[-length:] == parts[:length] or parts[:length] == stem:
            return length
    return 0


def _module_length_by_spelling(parts: list[str]) -> int:
    """Return how many parts are the module, distinguished from classes by their spelling.

    The last of the first parts in a row that look like ``test_x``, else everything before the first capital.
    """
    for at, part in enumerate(parts):
        last = at + 1 == len(parts) or not MODULE_NAME.match(parts[at + 1])
        if MODULE_NAME.match(part) and part not in ("test", "tests") and last:
            return at + 1
    capital = next((at for at, part in enumerate(parts) if part.lstrip("_")[:1].isupper()), len(parts))
    return max(capital, 1)
