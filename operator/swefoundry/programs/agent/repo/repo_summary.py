"""What can be said about a source without asking a model? The first pass: facts and telling files, in one bounded text.

What says most comes first; what does not fit is named, so that the explorer can read it. The same source gives the same
text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.programs.agent.data_delimiters import fenced, quoted
from swefoundry.programs.agent.repo.readme_sections import telling_parts
from swefoundry.programs.agent.repo.tree import BadPath, Tree, is_binary, text

LIMIT = 40_000
"""Characters, some 10,000 tokens: every role's request holds it."""
MANIFEST, LOCK, WORKFLOW, GUIDE, CONTAINER = 6000, 400, 4000, 3000, 3000
"""Characters of one file of each kind."""
NAMES = 200
"""Of each list of names."""
_GUIDE_BYTES = 256 << 10
_LOCKS = re.compile(r"(^|/)(.*\.lock|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum)$")
_GUIDES = re.compile(
    r"^(README|CONTRIBUTING|HACKING|DEVELOPMENT|INSTALL|TESTING)[^/]*$"
    r"|^(docs?|\.github)/(contributing|development|install|testing)[^/]*$",
    re.IGNORECASE,
)
_CONTAINERS = re.compile(r"(^|/)(Dockerfile[^/]*|[^/]*\.Dockerfile|Containerfile)$", re.IGNORECASE)
_PROSE = (".md", ".rst", ".txt", ".markdown", "")


@dataclass(frozen=True)
class Section:
    """A file, or a part of it, worth showing."""

    path: str
    text: str
    limit: int


def brief(facts: Facts, tree: Tree, limit: int = LIMIT) -> str:
    """The whole text."""
    parts = [_names(facts)]
    room = limit - len(parts[0])
    left_out: list[str] = []
    for section in _sections(facts, tree):
        shown = fenced(section.path, _cut(section.text, section.limit))
        if len(shown) > room:
            left_out.append(section.path)
            continue
        parts.append(shown)
        room -= len(shown)
    if left_out:
        parts.append("Not shown for want of room: " + ", ".join(quoted(path) for path in left_out[:NAMES]))
    return "\n\n".join(parts)


def _names(facts: Facts) -> str:
    """Everything that is a list of names."""
    found = {
        "Test files that must run": facts.test_files,
        "Other files that come with them": facts.test_support_files,
        "Test files that are removed": facts.deleted_test_files,
        "Modules that the tests import": facts.test_imports,
        "Parameters of test functions": facts.test_parameters,
        "Test markers": facts.test_markers,
        "Languages (files)": [f"{name} {count}" for name, count in facts.languages.items()],
        "Root folder": facts.root_entries,
        "Packages": facts.package_dirs,
        "Nearest tag": [facts.version_tag] if facts.version_tag else [],
        "Lines of the guides that speak of tests": facts.readme_hints,
    }
    lines = [f"{name}: {_list(values)}" for name, values in found.items() if values]
    return fenced("what the listing of the repository says", "\n".join(lines))


def _list(values: list[str]) -> str:
    shown = ", ".join(quoted(value[:300]) for value in values[:NAMES])
    return shown if len(values) <= NAMES else f"{shown} and {len(values) - NAMES} more"


def _sections(facts: Facts, tree: Tree) -> Iterator[Section]:
    """Files in the order of what they are worth."""
    manifests = [each for each in facts.manifests if not _LOCKS.search(each.path)]
    locks = [each for each in facts.manifests if _LOCKS.search(each.path)]
    yield from _of_facts(manifests, MANIFEST)
    yield from _of_facts(facts.ci, WORKFLOW)
    yield from _guides(tree)
    known = {each.path for each in facts.ci}
    containers = [path for path in tree.files if _CONTAINERS.search(path) and path not in known]
    for path in containers[:4]:
        yield from _file(tree, path, CONTAINER)
    yield from _of_facts(locks, LOCK)


def _of_facts(files: Iterable[FileFact], limit: int) -> Iterator[Section]:
    for each in files:
        if each.text.strip():
            yield Section(each.path, each.text, limit)


def _guides(tree: Tree) -> Iterator[Section]:
    for path in [path for path in tree.files if _GUIDES.search(path)][:8]:
        if not path.lower().endswith(_PROSE):
            continue
        for whole in _file(tree, path, GUIDE):
            telling = telling_parts(whole.text, GUIDE)
            if telling:
                yield Section(f"{path} (parts on installing and testing)", telling, GUIDE)


def _file(tree: Tree, path: str, limit: int) -> Iterator[Section]:
    try:
        data = tree.head(path, _GUIDE_BYTES)
    except BadPath:
        return
    if data and not is_binary(data):
        yield Section(path, text(data), limit)


def _cut(content: str, limit: int) -> str:
    if len(content) <= limit:
        return content.rstrip()
    return f"{content[:limit].rstrip()}\n… ({len(content) - limit} more characters)"
