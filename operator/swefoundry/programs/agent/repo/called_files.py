"""Files of a tree that its scripts and workflows call, and files that configure test runners. Pure."""

import json
import posixpath
import re
from collections.abc import Collection, Iterable

from swefoundry.contracts.facts import FileFact

MAX_CALLED_FILES = 8

_RUNNER_CONFIGURATION = re.compile(
    r"(^|/)(\.mocharc(\.\w+)?|mocha\.opts|(jest|vitest|vite|ava|karma|playwright|babel)\.conf(ig)?\.\w+|jasmine\.json"
    r"|\.taprc|\.babelrc|\.swcrc|\.rspec|Rakefile|phpunit\.xml(\.dist)?|nextest\.toml|CTestTestfile\.cmake|conftest\.py)$"
    r"|^\.cargo/config(\.toml)?$"
)
_BY_TOOL = {
    "nps": ("package-scripts.js", "package-scripts.yml", "package-scripts.cjs"),
    "grunt": ("Gruntfile.js", "Gruntfile.coffee"),
    "gulp": ("gulpfile.js", "gulpfile.babel.js"),
    "jake": ("Jakefile", "Jakefile.js"),
    "make": ("Makefile", "GNUmakefile"),
    "just": ("justfile", "Justfile"),
    "task": ("Taskfile.yml",),
    "rake": ("Rakefile",),
}
"""Programs that read their tasks from a file of their own."""
_NO_SCRIPTS = re.compile(
    r"^(dist|lib|src|out|test|tests|spec|coverage|vendor|node_modules)/|(^|/)(index\.[cm]?[jt]s|.*\.min\.\w+)$"
)
"""What scripts build, bundle, lint and test: no part of how they do it."""
_WORD = re.compile(r"[\w./@+-]+")
_RUN_SUFFIXES = (".sh", ".bash", ".js", ".cjs", ".mjs", ".ts", ".py", ".rb", ".pl", ".yml", ".yaml", "")


def runner_configuration(paths: Iterable[str]) -> list[str]:
    """Paths of files that configure test runners and compilers of tests, those near the root first."""
    found = (path for path in paths if _RUNNER_CONFIGURATION.search(path) and "node_modules/" not in path)
    return sorted(found, key=lambda path: (path.count("/"), path))


def called_files(manifests: Iterable[FileFact], ci: Iterable[FileFact], paths: Collection[str]) -> list[str]:
    """Paths of files that scripts of package.json, tox and CI workflows call, in the order of the calls."""
    files = frozenset(paths)
    texts = [text for each in manifests for text in _commands_of(each)] + [each.text for each in ci]
    words = (word for text in texts for word in _WORD.findall(text))
    named = [path for word in words for path in _paths_of(word, files)]
    return list(dict.fromkeys(named))[:MAX_CALLED_FILES]


def _commands_of(manifest: FileFact) -> list[str]:
    name = posixpath.basename(manifest.path)
    if name in ("tox.ini", "noxfile.py"):
        return [manifest.text]
    if name != "package.json":
        return []
    try:
        content = json.loads(manifest.text)
    except ValueError:
        return []
    scripts = content.get("scripts") if isinstance(content, dict) else None
    return [each for each in scripts.values() if isinstance(each, str)] if isinstance(scripts, dict) else []


def _paths_of(word: str, files: frozenset[str]) -> list[str]:
    """Files that a word of a command stands for: itself, itself with `.js`, or the tool's own."""
    if word in _BY_TOOL:
        return [path for path in _BY_TOOL[word] if path in files]
    path = posixpath.normpath(word)
    if "/" not in word and "." not in word:
        return []
    suffix = posixpath.splitext(path)[1]
    candidates = [path, f"{path}.js"] if suffix in _RUN_SUFFIXES else []
    return [each for each in candidates if each in files and not _NO_SCRIPTS.search(each)]
