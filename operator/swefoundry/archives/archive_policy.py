"""What a caller does with links, ``.git`` and unsafe members of an archive."""

from dataclasses import dataclass
from enum import Enum

from swefoundry.archives.archive_limits import SOURCE_LIMITS, ArchiveLimits


class LinkPolicy(Enum):
    """Where symbolic links may lead once everything is extracted."""

    INSIDE = "inside"
    """A link that resolves outside of the folder is unsafe."""
    ANYWHERE = "anywhere"
    """Links are kept as git has them; whoever reads the tree must not follow them."""


class GitPolicy(Enum):
    """What happens to members with a path part ``.git``, in any case."""

    SKIP = "skip"
    KEEP = "keep"
    """The archive is a clean tree of our own. Links in .git are unsafe, because git follows them."""


class UnsafePolicy(Enum):
    """What happens to a member that is unsafe: names and links that lead out, devices, pipes."""

    REJECT = "reject"
    """The whole archive is rejected."""
    SKIP = "skip"
    """It is left out."""


@dataclass(frozen=True)
class ExtractPolicy:
    """How an archive is extracted."""

    limits: ArchiveLimits
    links: LinkPolicy = LinkPolicy.INSIDE
    git: GitPolicy = GitPolicy.SKIP
    unsafe: UnsafePolicy = UnsafePolicy.REJECT
    strip_components: int = 0
    keep_times: bool = False
    """Files, links and folders get the archive's times; else the time of extraction."""


SOURCE_POLICY = ExtractPolicy(SOURCE_LIMITS, LinkPolicy.ANYWHERE, GitPolicy.KEEP)
"""Source artifacts: clean trees, written by intake. Whoever could write to the registry may have written another."""
