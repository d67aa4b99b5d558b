"""Take the gold patch back from the tree of `after`, and compare what is left with `before`."""

from swefoundry.git import Git, GitFailed
from swefoundry.oci.overlays import TreeListing
from swefoundry.patches.rules import shown_paths
from swefoundry.programs.intake import worktree
from swefoundry.programs.intake.patches import ReadPatch, explain_failure

_DIFFERENCE_CHARACTERS = 300
"""A termination message has 4096 bytes for everything."""


async def gold_difference(git: Git, gold: ReadPatch, before: TreeListing) -> str:
    """Return how the tree without the gold patch differs from ``before``; empty when it does not.

    Hunks that git placed elsewhere than the patch says, because lines repeat, may be taken out at another place.
    """
    try:
        await git.run(
            "apply", "-R", "--index", "--binary", "--whitespace=nowarn", "-p1", "-", stdin=gold.content
        )
    except GitFailed as error:
        explained = explain_failure(gold.parsed, error.stderr)
        return f"the gold patch cannot be taken back from `after`: {explained}"[:_DIFFERENCE_CHARACTERS]
    left = await worktree.worktree_listing(git)
    differing = {path for path in before.keys() | left.keys() if before.get(path) != left.get(path)}
    if not differing:
        return ""
    message = f"`after` without the gold patch differs from `before` in {shown_paths(differing)}"
    return message[:_DIFFERENCE_CHARACTERS]
