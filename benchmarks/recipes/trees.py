"""Two release trees as one task: which files are tests, what the source says (facts), and how the stages are laid out."""

import ast
import filecmp
import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from swefoundry.domain.facts import Facts, FileFact

TEST_FOLDERS = re.compile(r"(^|/)(tests?|testing|test_[^/]*|[^/]*_tests?)/")
TEST_FILES = re.compile(r"(^|/)(test_[^/]*|[^/]*_tests?|conftest|tests?)\.py$")
_SKIPPED = re.compile(r"(^|/)([^/]*\.egg-info|PKG-INFO|__pycache__)(/|$)")
_MANIFESTS = re.compile(
    r"^(pyproject\.toml|setup\.(py|cfg)|tox\.ini|pytest\.ini|\.?pytest\.toml|Pipfile|noxfile\.py|poetry\.lock|uv\.lock"
    r"|[^/]*requirements[^/]*\.(txt|in|pip)|requirements/[^/]*\.(txt|in|pip)|(tests?|dev)[\w-]*\.txt"
    r"|(tests?|dev)/[^/]*requirements[^/]*\.txt|requires[^/]*\.txt)$"
)


@dataclass(frozen=True)
class Task:
    """What turns the old tree into the new one, split by what is a test."""

    old: Path
    new: Path
    test_changes: tuple[str, ...]
    gold_changes: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def test_files(self) -> list[str]:
        """Files to give to pytest."""
        return [path for path in self.test_changes if TEST_FILES.search(path) and not path.endswith("conftest.py")]

    def lay(self, testbed: Path, changes: tuple[str, ...]) -> None:
        """Copy changed files of the new tree over a testbed."""
        for path in changes:
            target = testbed / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.new / path, target)


def task(old: Path, new: Path) -> Task:
    """Compare two trees."""
    before, after = _files(old), _files(new)
    changed = [
        path for path in sorted(after)
        if path not in before or not filecmp.cmp(old / path, new / path, shallow=False)
    ]
    tests = tuple(path for path in changed if is_test(path))
    gold = tuple(path for path in changed if not is_test(path))
    return Task(old, new, tests, gold, tuple(sorted(before - after)))


def is_test(path: str) -> bool:
    """Whether a path belongs to the test patch."""
    return bool(TEST_FOLDERS.search(path) or TEST_FILES.search(path))


def _files(tree: Path) -> set[str]:
    paths = (str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return {path for path in paths if not _SKIPPED.search(path)}


def facts(work: Task, version: str) -> Facts:
    """What intake would say about the old tree (its own reading is tested elsewhere; this one stays independent)."""
    manifests = [path for path in sorted(_files(work.old)) if _MANIFESTS.search(path)]
    sources = [_read(work.new / path) for path in work.test_files]
    sources += [_read(path) for path in work.new.rglob("conftest.py")]
    return Facts(
        languages={"python": 1},
        manifests=[_fact(work.old, path) for path in manifests],
        test_files=work.test_files,
        test_support_files=[path for path in work.test_changes if path not in work.test_files],
        root_entries=sorted(entry.name + ("/" if entry.is_dir() else "") for entry in work.old.iterdir()),
        package_dirs=_package_folders(work.old),
        version_tag=version,
        test_imports=sorted({name for text in sources for name in _imports(text)}),
        test_parameters=sorted({name for text in sources for name in _parameters(text)}),
        test_markers=sorted({name for text in sources for name in re.findall(r"pytest\.mark\.(\w+)", text)}),
    )


def _package_folders(tree: Path) -> list[str]:
    inits = [path for depth in ("*", "src/*", "lib/*") for path in tree.glob(depth + "/__init__.py")]
    return sorted(str(path.parent.relative_to(tree)) for path in inits)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _fact(tree: Path, path: str) -> FileFact:
    text = _read(tree / path)
    return FileFact(path=path, sha256=hashlib.sha256(text.encode()).hexdigest(), text=text[: 64 * 1024])


def _imports(text: str) -> set[str]:
    return set(re.findall(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", text, re.M))


def _parameters(text: str) -> set[str]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return set()
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {arg.arg for node in functions if node.name.startswith("test") for arg in node.args.args}
