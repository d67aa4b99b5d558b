"""Rules that find what a file of a layer shows of the solution: an ordered tuple of functions over one member. Pure."""

import json
import posixpath
import re
from collections.abc import Callable, Iterator

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.contracts.leaks import LeakKind
from swefoundry.programs.leaks import git_objects
from swefoundry.programs.leaks.base_tree import BaseTree
from swefoundry.programs.leaks.layer_member import LayerMember, LeakCandidate
from swefoundry.programs.leaks.patch_terms import Term
from swefoundry.programs.leaks.releases import node_package, npm_cache_releases, releases
from swefoundry.text.plurals import pluralize

Rule = Callable[[LayerMember, BaseTree], Iterator[LeakCandidate]]

TESTBED = SOURCE_ROOT.lstrip("/") + "/"
OWN_GIT = TESTBED + ".git/"
_SOURCE_FOLDER = re.compile(r"^(?:src|lib)/")
MIN_SHARED_BLOBS = 3
"""Files that another repository must have in common with the tree: licences are shared by strangers."""


def git_objects_of_the_tree(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """Commits, refs and reflogs in /testbed/.git beyond those of a clean tree."""
    if not member.path.startswith(OWN_GIT):
        return
    path = member.path.removeprefix(OWN_GIT)
    if (path, member.sha256) in base.git_files:
        return
    if git_objects.is_ref(path):
        ids = git_objects.ids_in(member.content)
        if ids - base.git_ids:
            detail = "names commits that the clean tree does not have"
            yield LeakCandidate(LeakKind.GIT_OBJECTS, member.path, detail, ids=ids - base.git_ids)
    elif path.startswith("objects/"):
        found = git_objects.commits_and_tags(path, member.content)
        foreign = sum(git_objects.is_foreign(kind, data) for kind, data in found)
        if foreign:
            yield LeakCandidate(
                LeakKind.GIT_OBJECTS, member.path, f"{pluralize(foreign, 'commit')} of a history"
            )


def git_objects_elsewhere(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """A pack of another repository that has files of the tree: a clone of the project."""
    if not member.path.endswith(".idx") or member.path.startswith(OWN_GIT):
        return
    shared = sum(each in base.blobs for each in git_objects.index_ids(member.content))
    if shared >= min(MIN_SHARED_BLOBS, max(1, len(base.blobs))):
        detail = f"a repository with {pluralize(shared, 'file')} of the tree"
        yield LeakCandidate(LeakKind.GIT_OBJECTS, member.path, detail)


def patch_lines(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """Lines that a patch adds."""
    yield from _with_terms(member, LeakKind.PATCH_LINES, "added line")


def patch_files(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """A file whose path ends as that of one that a patch adds, as it is in the tree or as it is installed."""
    path = "/" + member.path.replace("!", "/")
    if any(path.endswith("/" + _SOURCE_FOLDER.sub("", added)) for added in base.files):
        yield LeakCandidate(LeakKind.PATCH_FILES, member.path, "named like a file that a patch adds")


def test_ids(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """Names of tests that the test patch adds."""
    yield from _with_terms(member, LeakKind.TEST_IDS, "new test name")


def later_releases(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """The project's own distribution, installed or as a package, in a later version."""
    for release in releases(member.path):
        if release.kind is LeakKind.PACKAGE_CACHE and member.path.startswith(TESTBED):
            continue
        if base.project.owns(release.name) and base.project.is_later(release.version):
            made_by = posixpath.dirname(member.path) if member.path.endswith("/METADATA") else ""
            yield LeakCandidate(
                release.kind, member.path, _version_detail(release.version, base), made_by=made_by
            )


def later_node_packages(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """The project's own package below node_modules, in a later version."""
    name = node_package(member.path)
    if name is None or not base.project.owns(name):
        return
    try:
        version = json.loads(member.content)["version"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return
    if isinstance(version, str) and base.project.is_later(version):
        yield LeakCandidate(LeakKind.LATER_RELEASE, member.path, _version_detail(version, base))


def npm_cache(member: LayerMember, base: BaseTree) -> Iterator[LeakCandidate]:
    """The project's own package in npm's cache, in a later version."""
    for release in npm_cache_releases(member.path, member.content):
        if base.project.owns(release.name) and base.project.is_later(release.version):
            yield LeakCandidate(release.kind, member.path, _version_detail(release.version, base))
            return


RULES: tuple[Rule, ...] = (
    git_objects_of_the_tree,
    git_objects_elsewhere,
    patch_lines,
    patch_files,
    test_ids,
    later_releases,
    later_node_packages,
    npm_cache,
)


def candidates(member: LayerMember, base: BaseTree) -> list[LeakCandidate]:
    """What all rules find."""
    return [found for rule in RULES for found in rule(member, base)]


def terms_detail(terms: frozenset[Term], noun: str) -> str:
    """Where the terms are in the patches: a text of ours alone."""
    places = sorted((term.patch, term.line) for term in terms)
    named = ", ".join(f"{patch} patch line {line}" for patch, line in places[:3])
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"{pluralize(len(places), noun)}: {named}{more}"


def _with_terms(member: LayerMember, kind: LeakKind, noun: str) -> Iterator[LeakCandidate]:
    terms = frozenset(term for term in member.terms if term.kind is kind)
    if terms:
        yield LeakCandidate(kind, member.path, terms_detail(terms, noun), terms=terms)


def _version_detail(version: str, base: BaseTree) -> str:
    shown = version if version.isascii() and version.isprintable() else "?"
    known = (
        f"later than {base.project.version}" if base.project.version else "the tree's version is not known"
    )
    return f"version {shown[:40]}, {known}"
