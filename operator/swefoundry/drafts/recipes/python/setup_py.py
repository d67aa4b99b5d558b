"""Read setup.py without running it: literals, names bound to literals, `+` and simple dict updates."""

import ast
import warnings
from collections.abc import Iterator

from swefoundry.drafts.recipes.python.declared import DeclaredMetadata, RequirementGroups, python_classifiers

Bindings = dict[str, object]
_UNKNOWN = object()


def declared(text: str) -> DeclaredMetadata:
    """Parse setup.py; Python 2 sources and computed values declare nothing."""
    tree = parse_module(text)
    if tree is None:
        return DeclaredMetadata(installable=True)
    bindings = _literal_bindings(tree)
    arguments = {key: _value(node, bindings) for key, node in _setup_arguments(tree)}
    extras = arguments.get("extras_require")
    groups = RequirementGroups(
        {str(key): _strings(items) for key, items in extras.items()} if isinstance(extras, dict) else {}
    )
    runtime = arguments.get("install_requires", [])
    return DeclaredMetadata(
        name=_text(arguments.get("name")),
        version=_text(arguments.get("version")),
        runtime=_strings(runtime),
        test=(*groups.test(), *_strings(arguments.get("tests_require"))),
        dev=groups.dev(),
        features=groups.features(),
        extras=groups.normalized(),
        build=_build_requirements(arguments.get("setup_requires")),
        requires_python=_text(arguments.get("python_requires")),
        pythons=python_classifiers(_strings(arguments.get("classifiers"))),
        runtime_known=bool(arguments) and "**" not in arguments and runtime is not _UNKNOWN,
        installable=True,
    )


def parse_module(text: str) -> ast.Module | None:
    """Return the syntax tree; None for what this Python cannot parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _build_requirements(value: object) -> tuple[str, ...]:
    """Return setup_requires without plugins of `setup.py test`, which is never run."""
    return tuple(item for item in _strings(value) if "runner" not in item)


def _setup_arguments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called_name(node.func) == "setup":
            for keyword in node.keywords:
                yield keyword.arg or "**", keyword.value


def _called_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _literal_bindings(tree: ast.Module) -> Bindings:
    """Return names with literal values; the last assignment counts, and `+=` of lists is applied."""
    bindings: Bindings = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            _bind(node.targets[0], _value(node.value, bindings), bindings)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            before, more = bindings.get(node.target.id), _value(node.value, bindings)
            if isinstance(before, list) and isinstance(more, list):
                bindings[node.target.id] = [*before, *more]
    return bindings


def _bind(target: ast.expr, value: object, bindings: Bindings) -> None:
    if isinstance(target, ast.Name):
        bindings[target.id] = value
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        table, key = bindings.get(target.value.id), _value(target.slice, bindings)
        if isinstance(table, dict) and isinstance(key, str):
            table[key] = value


def _value(node: ast.expr, bindings: Bindings) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return bindings.get(name, _UNKNOWN)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_value(item, bindings) for item in items]
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return {
                _value(key, bindings): _value(value, bindings)
                for key, value in pairs
                if isinstance(key, ast.Constant)
            }
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _sum(_value(left, bindings), _value(right, bindings))
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key)):
            table = bindings.get(name)
            return table.get(key, _UNKNOWN) if isinstance(table, dict) else _UNKNOWN
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return {keyword.arg: _value(keyword.value, bindings) for keyword in keywords}
    return _UNKNOWN


def _sum(left: object, right: object) -> object:
    if isinstance(left, list) and isinstance(right, list):
        return [*left, *right]
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return left if isinstance(left, list) else right if isinstance(right, list) else _UNKNOWN


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
