"""Extraction of a release's source archive (tar or zip), without its leading folder."""

from pathlib import Path

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_limits import ArchiveLimits
from swefoundry.archives.archive_policy import ExtractPolicy, UnsafePolicy
from swefoundry.archives.extract import extract

RELEASE_LIMITS = ArchiveLimits(unpacked_bytes=1 << 30, members=500_000)
"""Larger archives are not useful for a benchmark, and may be decompression bombs."""

RELEASE_POLICY = ExtractPolicy(RELEASE_LIMITS, unsafe=UnsafePolicy.SKIP, keep_times=True)
"""Published releases cannot be changed: a link that leads out of one is skipped, and the rest is used. Times of files
tell when a release was made.
"""


class BadArchive(Exception):
    """The archive cannot be unpacked; the message says why."""


def unpack_release(archive: Path, into: Path) -> Path:
    """Extract into ``into`` without .git folders; returns the one leading folder, or ``into`` when there is none."""
    try:
        extract(archive, into, RELEASE_POLICY)
    except (ArchiveRejected, OSError) as error:
        raise BadArchive(f"{archive.name} cannot be unpacked: {error}") from error
    entries = list(into.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink() else into
