"""Imports, fixtures and markers that Python test files use, read without running anything."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swefoundry.programs.intake.decoding import decode_text

_IMPORT = re.compile(
    r"^[ \t]*(?:import[ \t]+([\w.]+(?:[ \t]*,[ \t]*[\w.]+)*)|from[ \t]+([\w]+)[\w.]*[ \t]+import)", re.M
)
_TEST = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+test\w*[ \t]*\(([^)]*)\)", re.M)
_MARKER = re.compile(r"\bpytest\.mark\.(\w+)")


@dataclass(frozen=True)
class ImportNeeds:
    """Names that test files use."""

    imports: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    markers: frozenset[str] = frozenset()


def import_needs(sources: Iterable[bytes]) -> ImportNeeds:
    """The names that the files use together."""
    needs = [_parse_needs(decode_text(source)) for source in sources]
    return ImportNeeds(
        frozenset().union(*(need.imports for need in needs)),
        frozenset().union(*(need.parameters for need in needs)),
        frozenset().union(*(need.markers for need in needs)),
    )


def _parse_needs(text: str) -> ImportNeeds:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like in foreign code
            nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _needs_by_pattern(text)  # Python 2, or a file that is broken on purpose
    return ImportNeeds(
        frozenset(name for node in nodes for name in _imports(node)),
        frozenset(name for node in nodes for name in _parameters(node)),
        frozenset(name for node in nodes for name in _markers(node)),
    )


def _imports(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]


def _parameters(node: ast.AST) -> Iterator[str]:
    """Parameters of tests, and of fixtures, which ask for other fixtures in the same way."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    if node.name.startswith("test") or any(
        "fixture" in ast.unparse(decorator) for decorator in node.decorator_list
    ):
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        yield from (argument.arg for argument in arguments if argument.arg not in ("self", "cls"))


def _markers(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=name, value=ast.Attribute(attr="mark", value=ast.Name(id="pytest"))):
            yield name
        case ast.Attribute(attr=name, value=ast.Name(id="mark")):
            yield name


def _needs_by_pattern(text: str) -> ImportNeeds:
    imports = {
        module.strip().partition(".")[0]
        for plain, origin in _IMPORT.findall(text)
        for module in (origin or plain).split(",")
    }
    parameters = {
        word.partition("=")[0].partition(":")[0].strip()
        for arguments in _TEST.findall(text)
        for word in arguments.split(",")
    }
    return ImportNeeds(
        frozenset(imports - {""}),
        frozenset(parameters - {"", "self", "cls"}),
        frozenset(_MARKER.findall(text)),
    )
