"""Summarizes a source tree without a model: facts and the most informative files, in one text of limited length.

The most informative files come first; files that do not fit are named, so that the explorer can read them. The same
source gives the same text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.programs.agent.data_delimiters import delimited, json_string
from swefoundry.programs.agent.repo.readme_sections import setup_sections
from swefoundry.programs.agent.repo.tree import InvalidPath, RepoTree, decode_text, is_binary

SUMMARY_CHARACTERS = 40_000
"""Some 10,000 tokens: every role's request contains the summary."""
(
    MANIFEST_CHARACTERS,
    LOCK_FILE_CHARACTERS,
    WORKFLOW_CHARACTERS,
    README_CHARACTERS,
    CONTAINERFILE_CHARACTERS,
) = 6000, 400, 4000, 3000, 3000
"""Characters of one file of each kind."""
MAX_LISTED_NAMES = 200
"""Of each list of names."""
_README_BYTES = 256 << 10
_LOCKS = re.compile(r"(^|/)(.*\.lock|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum)$")
_READMES = re.compile(
    r"^(README|CONTRIBUTING|HACKING|DEVELOPMENT|INSTALL|TESTING)[^/]*$"
    r"|^(docs?|\.github)/(contributing|development|install|testing)[^/]*$",
    re.IGNORECASE,
)
_CONTAINERS = re.compile(r"(^|/)(Dockerfile[^/]*|[^/]*\.Dockerfile|Containerfile)$", re.IGNORECASE)
_TEXT_SUFFIXES = (".md", ".rst", ".txt", ".markdown", "")


@dataclass(frozen=True)
class FileExcerpt:
    """A file, or a part of it, with the most characters that are shown."""

    path: str
    text: str
    limit: int


def summarize_repo(facts: Facts, tree: RepoTree, limit: int = SUMMARY_CHARACTERS) -> str:
    """The whole summary."""
    parts = [_listed_names(facts)]
    remaining = limit - len(parts[0])
    left_out: list[str] = []
    for section in _excerpts(facts, tree):
        shown = delimited(section.path, _truncated(section.text, section.limit))
        if len(shown) > remaining:
            left_out.append(section.path)
            continue
        parts.append(shown)
        remaining -= len(shown)
    if left_out:
        parts.append(
            "Not shown, because the summary is full: "
            + ", ".join(json_string(path) for path in left_out[:MAX_LISTED_NAMES])
        )
    return "\n\n".join(parts)


def _listed_names(facts: Facts) -> str:
    """All facts that are lists of names."""
    lists = {
        "Test files that must run": facts.test_files,
        "Other files of the test patch": facts.test_support_files,
        "Test files that are removed": facts.deleted_test_files,
        "Modules that the tests import": facts.test_imports,
        "Parameters of test functions": facts.test_parameters,
        "Test markers": facts.test_markers,
        "Languages (files)": [f"{name} {count}" for name, count in facts.languages.items()],
        "Root folder": facts.root_entries,
        "Packages": facts.package_dirs,
        "Nearest tag": [facts.version_tag] if facts.version_tag else [],
        "Lines of the README about tests": facts.readme_hints,
    }
    lines = [f"{name}: {_joined(values)}" for name, values in lists.items() if values]
    return delimited("facts about the repository", "\n".join(lines))


def _joined(values: list[str]) -> str:
    shown = ", ".join(json_string(value[:300]) for value in values[:MAX_LISTED_NAMES])
    return shown if len(values) <= MAX_LISTED_NAMES else f"{shown} and {len(values) - MAX_LISTED_NAMES} more"


def _excerpts(facts: Facts, tree: RepoTree) -> Iterator[FileExcerpt]:
    """Excerpts of files, the most informative first."""
    manifests = [each for each in facts.manifests if not _LOCKS.search(each.path)]
    locks = [each for each in facts.manifests if _LOCKS.search(each.path)]
    yield from _fact_excerpts(manifests, MANIFEST_CHARACTERS)
    yield from _fact_excerpts(facts.ci, WORKFLOW_CHARACTERS)
    yield from _readme_excerpts(tree)
    known = {each.path for each in facts.ci}
    containers = [path for path in tree.files if _CONTAINERS.search(path) and path not in known]
    for path in containers[:4]:
        yield from _file_excerpt(tree, path, CONTAINERFILE_CHARACTERS)
    yield from _fact_excerpts(locks, LOCK_FILE_CHARACTERS)


def _fact_excerpts(files: Iterable[FileFact], limit: int) -> Iterator[FileExcerpt]:
    for each in files:
        if each.text.strip():
            yield FileExcerpt(each.path, each.text, limit)


def _readme_excerpts(tree: RepoTree) -> Iterator[FileExcerpt]:
    for path in [path for path in tree.files if _READMES.search(path)][:8]:
        if not path.lower().endswith(_TEXT_SUFFIXES):
            continue
        for file in _file_excerpt(tree, path, README_CHARACTERS):
            sections = setup_sections(file.text, README_CHARACTERS)
            if sections:
                yield FileExcerpt(f"{path} (parts on installing and testing)", sections, README_CHARACTERS)


def _file_excerpt(tree: RepoTree, path: str, limit: int) -> Iterator[FileExcerpt]:
    try:
        data = tree.head(path, _README_BYTES)
    except InvalidPath:
        return
    if data and not is_binary(data):
        yield FileExcerpt(path, decode_text(data), limit)


def _truncated(content: str, limit: int) -> str:
    if len(content) <= limit:
        return content.rstrip()
    return f"{content[:limit].rstrip()}\n… ({len(content) - limit} more characters)"
