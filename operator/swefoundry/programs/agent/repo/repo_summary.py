"""Summarizes a source tree without a model: facts and the most informative files, in one text of limited length.

The most informative files come first; files that do not fit are named, so that the explorer can read them. The same
source gives the same text. The roles that read the source closely get all of it, the others a short one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.programs.agent.data_delimiters import delimited, json_string
from swefoundry.programs.agent.redaction import redact_tokens
from swefoundry.programs.agent.repo.called_files import called_files, runner_configuration
from swefoundry.programs.agent.repo.lock_facts import lock_facts
from swefoundry.programs.agent.repo.manifest_text import environment_part, without_badges
from swefoundry.programs.agent.repo.readme_sections import setup_sections
from swefoundry.programs.agent.repo.tree import InvalidPath, RepoTree, decode_text, is_binary

SUMMARY_CHARACTERS = 40_000
"""Some 10,000 tokens: of the explorer and the Environment Manager."""
SHORT_SUMMARY_CHARACTERS = 10_000
"""Of the roles that work on a draft and its outcome."""
(
    TEST_HEAD_CHARACTERS,
    MANIFEST_CHARACTERS,
    CONFIGURATION_CHARACTERS,
    CALLED_FILE_CHARACTERS,
    WORKFLOW_CHARACTERS,
    README_CHARACTERS,
    CONTAINERFILE_CHARACTERS,
) = 1500, 6000, 2000, 2500, 4000, 3000, 3000
"""Characters of one file of each kind."""
PARTS_OF_LIMIT = 4
"""No file takes more than this part of a summary."""
LOCK_FILE_BYTES = 16 << 20
MAX_CONFIGURATION_FILES = 6
MAX_LISTED_NAMES = 200
"""Of each list of names."""
_README_BYTES = 256 << 10
_LOCKS = re.compile(r"(^|/)(.*\.lock|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum)$")
_SAMPLES = re.compile(r"(^|/)_*(test-?data|fixtures?|(code-?)?samples?|examples?|demos?|templates?)_*/")
"""Folders whose manifests are seldom those of the project; they come last."""
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
    parts = [summarize_facts(facts, tree)]
    remaining = limit - len(parts[0])
    left_out: list[str] = []
    for section in _excerpts(facts, tree):
        text = _truncated(redact_tokens(section.text), min(section.limit, limit // PARTS_OF_LIMIT))
        shown = delimited(section.path, text)
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


def summarize_facts(facts: Facts, tree: RepoTree) -> str:
    """The summary without files: all facts that are lists of names."""
    new = [path for path in facts.test_files if path in facts.new_test_files]
    lists = {
        "Test files that must run, changed by the test patch": [
            path for path in facts.test_files if path not in new
        ],
        "Test files that must run, new": new,
        "Support files of the test patch, which are not in {files}": facts.test_support_files,
        "Test files that are removed": facts.deleted_test_files,
        "Modules that the tests import": facts.test_imports,
        "Parameters of test functions": facts.test_parameters,
        "Test markers": facts.test_markers,
        "Languages (files)": [f"{name} {count}" for name, count in facts.languages.items()],
        "Root folder": facts.root_entries,
        "Packages": facts.package_dirs,
        "Nearest tag": [facts.version_tag] if facts.version_tag else [],
        "Lockfiles": list(_described_locks(facts, tree)),
        "Lines of the README about tests": facts.readme_hints,
    }
    lines = [f"{name}: {_joined(values)}" for name, values in lists.items() if values]
    return delimited("facts about the repository", redact_tokens("\n".join(lines)))


def _described_locks(facts: Facts, tree: RepoTree) -> Iterator[str]:
    """One line for each lockfile."""
    manifests = {each.path: each.text for each in facts.manifests}
    for each in facts.manifests:
        if not _LOCKS.search(each.path):
            continue
        text = "".join(file.text for file in _file_excerpt(tree, each.path, 0, LOCK_FILE_BYTES)) or each.text
        manifest = f"{each.path.rpartition('/')[0]}/package.json".removeprefix("/")
        found = lock_facts(each.path, text, manifests.get(manifest, ""))
        yield f"{each.path} ({found.described})" if found is not None else each.path


def _joined(values: list[str]) -> str:
    shown = ", ".join(json_string(value[:300]) for value in values[:MAX_LISTED_NAMES])
    return shown if len(values) <= MAX_LISTED_NAMES else f"{shown} and {len(values) - MAX_LISTED_NAMES} more"


def _excerpts(facts: Facts, tree: RepoTree) -> Iterator[FileExcerpt]:
    """Excerpts of files, the most informative first; a file is shown once."""
    manifests = [each for each in facts.manifests if not _LOCKS.search(each.path)]
    own = [each for each in manifests if not _SAMPLES.search(each.path)]
    paths = list(tree.files)
    known = {each.path for each in (*facts.manifests, *facts.ci)}
    for head in facts.new_test_heads or ():
        yield FileExcerpt(f"{head.path} (new test file, its head)", head.text, TEST_HEAD_CHARACTERS)
    yield from _fact_excerpts(own, MANIFEST_CHARACTERS)
    groups = (
        (runner_configuration(paths)[:MAX_CONFIGURATION_FILES], CONFIGURATION_CHARACTERS),
        (called_files(own, facts.ci, paths), CALLED_FILE_CHARACTERS),
    )
    for group, characters in groups:
        for path in group:
            if path not in known:
                known.add(path)
                yield from _file_excerpt(tree, path, characters)
    yield from _fact_excerpts(facts.ci, WORKFLOW_CHARACTERS)
    yield from _readme_excerpts(tree)
    containers = [path for path in paths if _CONTAINERS.search(path) and path not in known]
    for path in containers[:4]:
        yield from _file_excerpt(tree, path, CONTAINERFILE_CHARACTERS)
    yield from _fact_excerpts((each for each in manifests if each not in own), MANIFEST_CHARACTERS)


def _fact_excerpts(files: Iterable[FileFact], limit: int) -> Iterator[FileExcerpt]:
    for each in files:
        text = environment_part(each.path, each.text)
        if text:
            yield FileExcerpt(each.path, text, limit)


def _readme_excerpts(tree: RepoTree) -> Iterator[FileExcerpt]:
    for path in [path for path in tree.files if _READMES.search(path)][:8]:
        if not path.lower().endswith(_TEXT_SUFFIXES):
            continue
        for file in _file_excerpt(tree, path, README_CHARACTERS):
            sections = setup_sections(without_badges(file.text), README_CHARACTERS)
            if sections:
                yield FileExcerpt(f"{path} (parts on installing and testing)", sections, README_CHARACTERS)


def _file_excerpt(
    tree: RepoTree, path: str, limit: int, max_bytes: int = _README_BYTES
) -> Iterator[FileExcerpt]:
    try:
        data = tree.head(path, max_bytes)
    except InvalidPath:
        return
    if data and not is_binary(data):
        yield FileExcerpt(path, decode_text(data), limit)


def _truncated(content: str, limit: int) -> str:
    if len(content) <= limit:
        return content.rstrip()
    return f"{content[:limit].rstrip()}\n… ({len(content) - limit} more characters)"
