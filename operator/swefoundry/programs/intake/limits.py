"""Limits of an intake, each with its reason. An instance that needs more is rejected with a message that names it."""

from dataclasses import dataclass

PATCH_BYTES = 32 << 20
"""The largest patches of known data sets are a few megabytes; a ConfigMap holds one."""

ARCHIVE_BYTES = 1 << 30
"""Source archives are far smaller; this stops an endless download."""

GIT_SECONDS = 1800
"""A full clone of a very large repository over a slow link; the pod's own deadline may be shorter."""

HISTORY_SECONDS = 300
"""Fetching history only serves to find the nearest tag, so it may not cost as much as the source."""


LFS_BYTES = 1 << 30
"""All files of Git LFS together, as for an archive."""

MAX_SUBMODULES = 64
"""Repositories with the most submodules (compilers, firmware) have some dozens."""

MAX_SUBMODULE_DEPTH = 4
"""Submodules of submodules of submodules exist; deeper ones are a trap."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often an unreachable host is asked, and how long the pauses are (doubling from the first)."""

    attempts: int = 4
    first_pause_seconds: float = 2
