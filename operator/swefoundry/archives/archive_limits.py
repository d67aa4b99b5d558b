"""Limits of an archive, and the quota that counts against them while it is read."""

from dataclasses import dataclass

from swefoundry.archives.archive_errors import ArchiveRejected

HEADER_BYTES = 1 << 20
"""All headers of one member (long names, extended attributes, sparse maps). Longer ones exist only to use up memory."""

DIRECTORY_BYTES_PER_MEMBER = 256
"""A zip's directory is read as a whole: 46 bytes and the name for each member."""

PATH_BYTES = 3072
"""PATH_MAX is 4096 and includes the folder that an archive is extracted into."""

PATH_DEPTH = 256
"""Far deeper than any project; tree walks recurse."""

NAME_BYTES = 255
"""NAME_MAX of all usual file systems."""


@dataclass(frozen=True)
class ArchiveLimits:
    """The most that an archive may unpack to."""

    unpacked_bytes: int
    members: int


FOREIGN_LIMITS = ArchiveLimits(unpacked_bytes=4 << 30, members=500_000)
"""Archives from elsewhere. Stops those that unpack to a thousand times their size before the volume is full; large
monorepos have some 200,000 files.
"""

SOURCE_LIMITS = ArchiveLimits(unpacked_bytes=4 << 30, members=600_000)
"""Source artifacts, which intake writes: the members that it accepts, and folders and .git."""


class Quota:
    """What one archive has used of its limits so far."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self.limits = limits
        self._bytes = 0
        self._members = 0

    def add_bytes(self, count: int) -> None:
        """Count unpacked content."""
        self._bytes += count
        self.require_below(self._bytes)

    def add_member(self) -> None:
        """Count a member, whatever becomes of it."""
        self._members += 1
        if self._members > self.limits.members:
            raise ArchiveRejected(f"the archive has more than {self.limits.members} members")

    def require_below(self, position: int) -> None:
        """Reject an archive whose decompressed stream reaches ``position`` beyond the limit."""
        if position > self.limits.unpacked_bytes:
            raise ArchiveRejected(f"the archive unpacks to more than {_size(self.limits.unpacked_bytes)}")


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count} bytes"
