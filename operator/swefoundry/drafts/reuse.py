"""Images that were proven for other commits of the repository, nearest first: no model, and mostly no build."""

from collections.abc import Iterator

from swefoundry.contracts.draft import Overrides
from swefoundry.drafts.proposal import Ask, Proposal
from swefoundry.drafts.proven_environment import Known, Proven
from swefoundry.text.plurals import counted

NAME = "reuse"


def proposals(ask: Ask) -> Iterator[Proposal]:
    """One proposal for each neighbour whose image is here; none when a person asks for what only a build can give."""
    if demands_a_build(ask.overrides):
        return
    for neighbour in ask.neighbours:
        if neighbour.reference:
            continue
        yield Proposal(strategy=NAME, label=label(neighbour), draft=neighbour.draft, parent=neighbour.parent)


def demands_a_build(overrides: Overrides | None) -> bool:
    """Whether a person asks for what only a build can give."""
    return overrides is not None and bool(
        overrides.base_image or overrides.apt_packages or overrides.pre_install
    )


def label(proven: Proven) -> str:
    """What people know the image by."""
    return f"image of {name_of(proven.known)}"


def name_of(known: Known) -> str:
    """What people know the commit by for which an environment was proven."""
    day = f"{known.created_at:%Y-%m-%d}" if known.created_at is not None else ""
    return known.version or day or known.env_build or known.image[7:19]


def label_with_changes(said: str, files: int) -> str:
    """The label, once it is known how far the two trees are apart."""
    return f"{said} ({counted(files, 'file')} changed)"
