"""The error of a refused archive, and the translation of what the archive libraries raise."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from swefoundry.errors import PermanentError


class ArchiveRejected(PermanentError):
    """The archive is broken, unsafe or too large. The message is a sentence that begins with "the archive"."""


_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,  # numbers and encodings
    ArithmeticError,
    LookupError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted zip member; a recursion in tarfile over chained headers
)


@contextmanager
def rejecting_broken() -> Iterator[None]:
    """Turn errors of tarfile, zipfile and decompressors about a malformed archive into ``ArchiveRejected``."""
    try:
        yield
    except _BROKEN as error:
        raise _broken(error) from error
    except OSError as error:
        # gzip and bz2 report bad data as an OSError without a number; those with one are the disk's.
        if error.errno is not None:
            raise
        raise _broken(error) from error


def _broken(error: Exception) -> ArchiveRejected:
    return ArchiveRejected(f"the archive cannot be read as tar or zip: {error}")
