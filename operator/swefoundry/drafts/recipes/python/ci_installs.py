"""Read what noxfile.py and CI files install before they run tests: words after `pip install`, never run."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from swefoundry.drafts.recipes.python.declared import DeclaredMetadata
from swefoundry.drafts.recipes.python.requirement_files import requirement_lines
from swefoundry.drafts.recipes.python.setup_py import parse_module

_PIP_INSTALL = re.compile(r"\bpip3? install\s+([^\n|&;#]+)")
_NAME = re.compile(r"[A-Za-z][\w.-]*(?:\[[\w,-]+\])?(?:[<>=!~]=?[\w.*,<>=!~]+)?")
_TESTS = re.compile(r"test|unit|pytest")


def declared(manifests: Mapping[str, str], ci: Iterable[str]) -> DeclaredMetadata:
    """Return requirements of developers' scripts, used only where no manifest has requirements for tests."""
    words = [
        word
        for command in (*_nox_installs(manifests.get("noxfile.py", "")), *_pip_installs(ci))
        for word in command
    ]
    return DeclaredMetadata(dev=tuple(dict.fromkeys(_requirements(words, manifests))))


def _nox_installs(noxfile: str) -> Iterator[list[str]]:
    """Yield the arguments of `session.install(…)` in sessions whose name mentions tests."""
    tree = parse_module(noxfile)
    functions = [] if tree is None else [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        if _TESTS.search(function.name):
            yield from (_literals(node) for node in ast.walk(function) if _is_install_call(node))


def _is_install_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "install"


def _literals(node: ast.AST) -> list[str]:
    found = (child.value for child in ast.walk(node) if isinstance(child, ast.Constant))
    return [value for value in found if isinstance(value, str)]


def _pip_installs(ci: Iterable[str]) -> Iterator[list[str]]:
    for text in ci:
        yield from (found.split() for found in _PIP_INSTALL.findall(text))


def _requirements(words: list[str], manifests: Mapping[str, str]) -> Iterator[str]:
    """Yield names, and the content of `-r FILE`; options, paths and variables are left out."""
    for before, word in zip(["", *words], words, strict=False):
        word = word.strip("'\"")
        if before in ("-r", "--requirement"):
            yield from requirement_lines(word.removeprefix("./"), manifests)
        elif _NAME.fullmatch(word) and not before.startswith("-") and word not in manifests:
            yield word
