"""The Python sources of the repository, parsed, as the rules about names and sizes read them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "swefoundry"
SCRIPTED_MODEL = ROOT / "images" / "scripted-model" / "scripted_model"
PRODUCT = sorted([*PACKAGE.rglob("*.py"), *SCRIPTED_MODEL.rglob("*.py")])
EVERYTHING = sorted(
    path
    for folder in ("operator", "tests", "lab", "images", "benchmarks", "samples", "scripts", "charts")
    for path in (ROOT / folder).rglob("*.py")
    if not {"build", "captured", "real_pairs"} & set(path.parts)
)


def name(path: Path) -> str:
    """The path inside the repository: the id of a test case."""
    return str(path.relative_to(ROOT))


@cache
def text(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of everything that a module names itself: definitions, parameters, variables, attributes."""
    for node in ast.walk(parsed(path)):
        match node:
            case ast.ClassDef(name=found) | ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found):
                yield node.lineno, found
            case ast.arg(arg=found):
                yield node.lineno, found
            case ast.Name(id=found, ctx=ast.Store()) | ast.Attribute(attr=found, ctx=ast.Store()):
                yield node.lineno, found
            case (
                ast.ExceptHandler(name=str(found))
                | ast.MatchAs(name=str(found))
                | ast.MatchStar(name=str(found))
            ):
                yield node.lineno, found
            case ast.alias(asname=str(found)):
                yield node.lineno, found


def words(identifier: str) -> set[str]:
    """The words of a name in snake_case or CamelCase, in lower case."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", identifier)}
