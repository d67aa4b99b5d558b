"""Files of artifacts that this process has stored, kept in memory until there are too many bytes of them."""

from collections import OrderedDict
from collections.abc import Mapping

from swefoundry.contracts.digests import Digest

RECENT_FILES_LIMIT_BYTES = 16 << 20
"""Records and test results of a thousand evaluations: more than run at a time."""

BYTES_PER_FILE = 500
"""That a file takes beside its content: most contents are smaller than that."""


class RecentFiles:
    """Files by the artifact's repository and digest, which names its content; the oldest are dropped first."""

    def __init__(self, limit_bytes: int = RECENT_FILES_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._artifacts: OrderedDict[tuple[str, Digest], Mapping[str, bytes]] = OrderedDict()

    def put(self, repository: str, digest: Digest, files: Mapping[str, bytes]) -> None:
        """Keep the files of an artifact that was stored."""
        if (repository, digest) in self._artifacts:
            return
        self._artifacts[repository, digest] = files
        self._bytes += _size(files)
        while self._bytes > self._limit:
            _, dropped = self._artifacts.popitem(last=False)
            self._bytes -= _size(dropped)

    def get(self, repository: str, digest: Digest) -> Mapping[str, bytes] | None:
        """The files; None when they are not kept."""
        return self._artifacts.get((repository, digest))


def _size(files: Mapping[str, bytes]) -> int:
    return sum(len(content) + BYTES_PER_FILE for content in files.values())
