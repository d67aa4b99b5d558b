"""The strategy `reuse`: images proven for other commits of the repository, nearest first; mostly without a build."""

from collections.abc import Iterator

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.strategy_names import REUSE
from swefoundry.drafts.proposal import Proposal, StrategyInput
from swefoundry.drafts.proven_environment import EnvironmentRecord, ProvenEnvironment
from swefoundry.text.plurals import pluralize


def proposals(strategy_input: StrategyInput) -> Iterator[Proposal]:
    """Yield a proposal for each candidate whose image is in the registry; none when the overrides require a build."""
    if requires_build(strategy_input.overrides):
        return
    for candidate in strategy_input.reuse_candidates:
        if candidate.reference:
            continue
        yield Proposal(
            strategy=REUSE,
            label=candidate_label(candidate),
            draft=candidate.draft,
            parent=candidate.parent,
        )


def requires_build(overrides: Overrides | None) -> bool:
    """Whether the overrides contain something that needs a build."""
    return overrides is not None and bool(
        overrides.base_image or overrides.apt_packages or overrides.pre_install
    )


def candidate_label(proven: ProvenEnvironment) -> str:
    """Return the label of an image, for people."""
    return f"image of {environment_name(proven.known)}"


def environment_name(known: EnvironmentRecord) -> str:
    """Return a short name of the commit for which an environment was proven."""
    day = f"{known.created_at:%Y-%m-%d}" if known.created_at is not None else ""
    return known.version or day or known.env_build or known.image[7:19]


def label_with_change_count(label: str, files: int) -> str:
    """Add the number of files that differ between the two trees."""
    return f"{label} ({pluralize(files, 'file')} changed)"
