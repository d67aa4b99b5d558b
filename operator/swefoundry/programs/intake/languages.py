"""The language of a file, and the main language of a source. Pure, by names alone."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

_EXTENSIONS = {
    "python": (".py", ".pyi", ".pyx"),
    "javascript": (".js", ".jsx", ".mjs", ".cjs"),
    "typescript": (".ts", ".tsx", ".mts", ".cts"),
    "go": (".go",),
    "rust": (".rs",),
    "java": (".java",),
    "kotlin": (".kt", ".kts"),
    "scala": (".scala",),
    "ruby": (".rb",),
    "php": (".php",),
    "c": (".c", ".h"),
    "c++": (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"),
    "c#": (".cs",),
    "swift": (".swift",),
    "elixir": (".ex", ".exs"),
    "haskell": (".hs",),
    "shell": (".sh", ".bash"),
}
_LANGUAGE = {extension: language for language, extensions in _EXTENSIONS.items() for extension in extensions}

_DECLARING = {
    "pyproject.toml": ("python",),
    "setup.py": ("python",),
    "setup.cfg": ("python",),
    "go.mod": ("go",),
    "Cargo.toml": ("rust",),
    "pom.xml": ("java", "kotlin", "scala"),
    "build.gradle": ("java", "kotlin"),
    "build.gradle.kts": ("java", "kotlin"),
    "package.json": ("javascript", "typescript"),
    "composer.json": ("php",),
    "Gemfile": ("ruby",),
    "mix.exs": ("elixir",),
    "CMakeLists.txt": ("c", "c++"),
}
"""A manifest in the root folder says what the project is, whatever else it carries (documentation, examples).
"""


def language_of(path: str) -> str | None:
    return _LANGUAGE.get(PurePosixPath(path).suffix.lower())


def count(paths: Iterable[str]) -> dict[str, int]:
    """Files per language, most first."""
    counted = Counter(filter(None, map(language_of, paths)))
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def main_language(languages: dict[str, int], root_entries: Iterable[str]) -> str | None:
    """The most frequent language that a manifest in the root declares; else the most frequent one."""
    declared = {language for entry in root_entries for language in _DECLARING.get(entry, ())}
    ranked = [language for language in languages if language in declared] or list(languages)
    return ranked[0] if ranked else None
