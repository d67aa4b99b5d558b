"""A file of a layer, as the rules look at it, and what they find."""

from dataclasses import dataclass

from swefoundry.contracts.leaks import LeakKind
from swefoundry.programs.leaks.patch_terms import Term


@dataclass(frozen=True)
class LayerMember:
    """One file, link or folder of a layer."""

    path: str
    """From the root of the image, without a slash; `archive!member` for a member of a zip."""
    content: bytes = b""
    """Of a file, its first part."""
    complete: bool = True
    """Whether that is all of it."""
    sha256: str = ""
    terms: frozenset[Term] = frozenset()
    """The terms of the patches that it has."""


@dataclass(frozen=True)
class LeakCandidate:
    """A finding, unless the rest of the image says otherwise."""

    kind: LeakKind
    path: str
    detail: str
    terms: frozenset[Term] = frozenset()
    """No finding when too few of them remain once those are left out that many files have."""
    ids: frozenset[str] = frozenset()
    """No finding when they all are of commits without history."""
    made_by: str = ""
    """No finding when this folder has a record that the tree was installed from itself."""
