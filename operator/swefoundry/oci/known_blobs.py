"""Blobs that a repository is known to have: this process has stored them, or was told that they are there."""

import time
from collections import OrderedDict
from collections.abc import Callable

from swefoundry.contracts.digests import Digest

KNOWN_BLOBS = 4096
"""Blobs that are remembered, a quarter of a kilobyte each."""

KNOWN_SECONDS = 300.0
"""How long they are. Registries delete blobs only in a garbage collection, and keep new ones for an hour or longer."""


class KnownBlobs:
    """The last blobs, by repository and digest. They need not be asked for again: the config of all artifacts is one
    blob, and a verdict repeats the files of its evaluations.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[tuple[str, Digest], float] = OrderedDict()

    def add(self, repo: str, digest: Digest) -> None:
        """Remember a blob that is in the repository now."""
        self._until[repo, digest] = self._clock() + KNOWN_SECONDS
        self._until.move_to_end((repo, digest))
        while len(self._until) > KNOWN_BLOBS:
            self._until.popitem(last=False)

    def forget(self, repo: str) -> None:
        """Ask for all blobs of a repository again."""
        for known in [known for known in self._until if known[0] == repo]:
            del self._until[known]

    def __contains__(self, blob: tuple[str, Digest]) -> bool:
        """Whether the repository has the blob, most likely."""
        return self._clock() < self._until.get(blob, 0.0)
