"""From candidates to findings: those stay that the whole image does not explain. Pure."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import replace

from swefoundry.contracts.leaks import LeakFinding, LeakKind
from swefoundry.programs.leaks.layer_member import LeakCandidate
from swefoundry.programs.leaks.patch_terms import Term, are_specific
from swefoundry.programs.leaks.releases import is_bundled, is_installed
from swefoundry.programs.leaks.rules import terms_detail
from swefoundry.programs.leaks.scan import LayerCandidate, Scan

MAX_FILES_OF_TERM = 3
"""Names of files that may have a term. A copy of the solution has it in one or two; an idiom is in many."""
MAX_PATH = 160
MAX_DETAIL = 160


def findings(scan: Scan) -> list[LeakFinding]:
    """All findings of the image: leaks first, and of these the visible ones."""
    generic = _generic_terms(each.found for each in scan.found)
    clean = scan.base.git_ids | scan.clean_ids
    kept = [
        replace(each, found=found)
        for each in scan.found
        if (found := _settled(each.found, generic, clean, scan.from_tree)) is not None
    ]
    marked = [(each, _is_of_tools(each, scan)) for each in kept]
    marked.sort(key=lambda pair: (pair[1], pair[0].hidden_by is not None, *_order(pair[0])))
    return [_finding(each, of_tools) for each, of_tools in marked]


def statement_finding(statement: bytes, terms: Iterable[Term]) -> list[LeakFinding]:
    """The finding of a problem statement that has lines of the gold patch."""
    found = frozenset(
        term
        for term in terms
        if term.patch == "gold" and term.kind is LeakKind.PATCH_LINES and term.text in statement
    )
    if not are_specific(found):
        return []
    detail = terms_detail(found, "added line")
    return [LeakFinding(kind=LeakKind.STATEMENT, path="spec.problemStatement", detail=detail)]


def _generic_terms(found: Iterable[LeakCandidate]) -> Set[Term]:
    files: dict[Term, set[str]] = defaultdict(set)
    for each in found:
        for term in each.terms:
            files[term].add(posixpath.basename(each.path))
    return {term for term, names in files.items() if len(names) > MAX_FILES_OF_TERM}


def _settled(
    found: LeakCandidate, generic: Set[Term], clean: Set[str], from_tree: Set[str]
) -> LeakCandidate | None:
    """The candidate as a finding; None when it is explained."""
    if found.ids and found.ids <= clean:
        return None
    if found.made_by in from_tree:
        return None
    if not found.terms:
        return found
    left = found.terms - generic
    noun = "new test name" if found.kind is LeakKind.TEST_IDS else "added line"
    return replace(found, terms=left, detail=terms_detail(left, noun)) if are_specific(left) else None


def _is_of_tools(each: LayerCandidate, scan: Scan) -> bool:
    """Whether the copy is bundled with a tool, or was replaced when the project was installed from the tree.

    pytest needs packaging: in an image of packaging the latest release is there until the tree takes its place.
    """
    replaced = each.hidden_by in scan.tree_installs and is_installed(each.found.path)
    return is_bundled(each.found.path) or replaced


def _order(each: LayerCandidate) -> tuple[int, int, str]:
    return list(LeakKind).index(each.found.kind), -each.layer.number, each.found.path


def _finding(each: LayerCandidate, of_tools: bool) -> LeakFinding:
    return LeakFinding(
        kind=each.found.kind,
        path=_printable(each.found.path),
        layer=each.layer.number,
        digest=each.layer.digest.removeprefix("sha256:")[:12],
        hidden_by=each.hidden_by,
        detail=each.found.detail[:MAX_DETAIL],
        of_tools=of_tools,
    )


def _printable(path: str) -> str:
    """The path without anything that a terminal or a table would take for more than text."""
    text = "".join(char if " " <= char <= "~" and char != "\\" else "?" for char in path)
    return text if len(text) <= MAX_PATH else "..." + text[3 - MAX_PATH :]
