"""Submodules that were not fetched: a note about them, and the rejection of a row whose tests import one."""

from collections.abc import Collection, Set
from dataclasses import dataclass

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.facts import Facts
from swefoundry.patches.rules import shown_paths
from swefoundry.programs.intake.intake_errors import IntakeRejected

_IMPORT_FOLDERS = (b"", b"src", b"lib")
"""Folders from which tests import; a package elsewhere may come from an index."""


@dataclass(frozen=True)
class UnfetchedContent:
    """Gitlinks and pointer files of Git LFS that the clean tree has."""

    gitlinks: frozenset[bytes] = frozenset()
    pointers: frozenset[bytes] = frozenset()


def lfs_note(pointers: Set[bytes]) -> list[str]:
    """A note on files of which the tree has only the pointers."""
    if not pointers:
        return []
    return [
        f"files of Git LFS that were not fetched and are pointers: {shown_paths(pointers)}. "
        "If the build or the tests need them, set spec.source.git.lfs: true"
    ]


def require_patched_pointers(name: str, touched: Set[bytes], pointers: Set[bytes]) -> None:
    """Reject a patch that changes pointer files: it would change nothing that a test can see."""
    if touched & pointers:
        raise IntakeRejected(
            ExitCode.LFS_REQUIRED,
            f"the {name} patch changes {shown_paths(touched & pointers)}, pointers of Git LFS, and its files are not "
            "fetched. Set spec.source.git.lfs: true",
        )


def submodules_note(links: Collection[bytes]) -> list[str]:
    """A note on submodules that are empty folders in the tree."""
    if not links:
        return []
    return [
        f"submodules that were not fetched and are empty folders: {shown_paths(set(links))}. "
        "If the build or the tests need them, set spec.source.git.submodules: true"
    ]


def unmapped_note(links: Collection[bytes]) -> list[str]:
    """A note on gitlinks for which there is no URL."""
    if not links:
        return []
    return [f".gitmodules names no URL for {shown_paths(set(links))}: not fetched, as by git itself"]


def require_imported_submodules(links: Collection[bytes], facts: Facts) -> None:
    """Reject a row whose changed tests import a submodule that was not fetched."""
    imported = {
        link
        for link in links
        if link.rpartition(b"/")[0] in _IMPORT_FOLDERS
        and link.rpartition(b"/")[2].decode("utf-8", "replace") in facts.test_imports
    }
    if imported:
        raise IntakeRejected(
            ExitCode.SUBMODULES_REQUIRED,
            f"the tests import {shown_paths(imported)}, a submodule, and submodules are not fetched. "
            "Set spec.source.git.submodules: true",
        )
