"""Images that were proven for other commits of the repository, nearest first: no model, and mostly no build."""

from collections.abc import Iterator

from swefoundry.contracts.draft import Overrides
from swefoundry.drafts.proposal import Proposal, StrategyInput
from swefoundry.drafts.proven_environment import EnvironmentRecord, ProvenEnvironment
from swefoundry.text.plurals import pluralize

REUSE_STRATEGY = "reuse"


def proposals(ask: StrategyInput) -> Iterator[Proposal]:
    """One proposal for each neighbour whose image is here; none when a person asks for what only a build can give."""
    if requires_build(ask.overrides):
        return
    for neighbour in ask.neighbours:
        if neighbour.reference:
            continue
        yield Proposal(
            strategy=REUSE_STRATEGY,
            label=candidate_label(neighbour),
            draft=neighbour.draft,
            parent=neighbour.parent,
        )


def requires_build(overrides: Overrides | None) -> bool:
    """Whether a person asks for what only a build can give."""
    return overrides is not None and bool(
        overrides.base_image or overrides.apt_packages or overrides.pre_install
    )


def candidate_label(proven: ProvenEnvironment) -> str:
    """What people know the image by."""
    return f"image of {environment_name(proven.known)}"


def environment_name(known: EnvironmentRecord) -> str:
    """What people know the commit by for which an environment was proven."""
    day = f"{known.created_at:%Y-%m-%d}" if known.created_at is not None else ""
    return known.version or day or known.env_build or known.image[7:19]


def label_with_change_count(said: str, files: int) -> str:
    """The label, once it is known how far the two trees are apart."""
    return f"{said} ({pluralize(files, 'file')} changed)"
