"""Top-level Python packages and modules of a tree, at any depth. Pure, by paths alone."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg")
_SOURCE_ROOTS = ("src", "lib")
_NO_MODULES = frozenset({"setup.py", "conftest.py", "noxfile.py", "__main__.py"})
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def python_modules(paths: Sequence[str], limit: int) -> list[str]:
    """Return `packages/core/src/core` and `backend/app.py`: folders first, those near the root first.

    A package is a folder with an ``__init__.py`` whose parent has none. Below src/, lib/ and a manifest, a folder
    without one counts as well (a namespace package).
    """
    python = (PurePosixPath(path) for path in paths if path.endswith(".py"))
    sources = [path for path in python if path.name not in _NO_MODULES]
    packages = {path.parent for path in sources if path.name == "__init__.py"}
    roots = {PurePosixPath(path).parent for path in paths if PurePosixPath(path).name in _MANIFESTS}
    found = {module for path in sources for module in _modules_of(path, packages, roots)}
    named = (path for path in found if _IDENTIFIER.fullmatch(path.stem))
    return [str(path) for path in sorted(named, key=_order)][:limit]


def _modules_of(
    path: PurePosixPath, packages: set[PurePosixPath], roots: set[PurePosixPath]
) -> Iterator[PurePosixPath]:
    namespace = _namespace(path, packages, roots)
    if namespace is not None:
        yield namespace
    if path.parent in packages and path.parent.name:
        package = _outermost(path.parent, packages)
        if namespace not in package.parents:  # acme/web in a root of sources is imported as acme.web
            yield package
    else:
        yield path


def _outermost(package: PurePosixPath, packages: set[PurePosixPath]) -> PurePosixPath:
    while package.parent in packages and package.parent.name:
        package = package.parent
    return package


def _namespace(
    path: PurePosixPath, packages: set[PurePosixPath], roots: set[PurePosixPath]
) -> PurePosixPath | None:
    """Return the folder above a source file that lies in the nearest root of sources, if it is no package."""
    for folder in path.parents:
        if folder.name and (folder.parent in roots or folder.parent.name in _SOURCE_ROOTS):
            return folder if folder not in packages and folder.name not in _SOURCE_ROOTS else None
    return None


def _order(path: PurePosixPath) -> tuple[bool, int, str]:
    return path.suffix == ".py", len(path.parts), str(path)
