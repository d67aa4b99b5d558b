"""Split a runner's log into the tests' output and the reports that the runner appended in frames.

The runner prints, after every other process of the container is gone, one frame per report::

    <<<swefoundry NONCE report PATH BYTES SHA256 gzip+base64
    H4sIAAAA…
    >>>swefoundry NONCE end

Tests never learn the nonce, so a line without it is output, whatever it looks like.
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from swefoundry.grading.report_parser import REPORTS_LIMIT_BYTES

FRAME_HEADER = re.compile(rb"report (?P<path>.+) (?P<size>\d{1,12}) (?P<sha>[0-9a-f]{64}) gzip\+base64$")


@dataclass(frozen=True)
class SplitLog:
    """A log, taken apart."""

    output: bytes
    reports: Mapping[str, bytes]
    problems: tuple[str, ...] = ()


class BrokenFrame(Exception):
    """A frame with the right nonce and the wrong content: cut off, or the log lost bytes."""


def split_log(log: bytes, nonce: str) -> SplitLog:
    """The output, the reports by path, and a sentence for every frame that cannot be trusted."""
    opening = frame_opening(nonce)
    start = _first_frame(log, opening)
    if start < 0:
        return SplitLog(log, {})
    reports: dict[str, bytes] = {}
    problems: list[str] = []
    budget = REPORTS_LIMIT_BYTES  # a defence against a frame that unpacks to more than it says
    for frame in log[start:].split(opening)[1:]:
        try:
            path, content = _unpack(frame, f">>>swefoundry {nonce} end".encode(), budget)
        except BrokenFrame as error:
            problems.append(str(error))
            continue
        reports[path] = content
        budget -= len(content)
    return SplitLog(log[:start], reports, tuple(problems))


def frame_opening(nonce: str) -> bytes:
    """The start of the line with which a frame begins; nothing after the first frame is output."""
    return f"<<<swefoundry {nonce} ".encode()


def reports_digest(reports: Mapping[str, bytes]) -> str:
    """What the runner's record calls ``reportSha256``: over a line ``PATH SHA256`` per report, in order."""
    lines = (f"{path} {hashlib.sha256(content).hexdigest()}\n" for path, content in reports.items())
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _first_frame(log: bytes, opening: bytes) -> int:
    if log.startswith(opening):
        return 0
    at = log.find(b"\n" + opening)
    return at + 1 if at >= 0 else -1


def _unpack(frame: bytes, closing: bytes, budget: int) -> tuple[str, bytes]:
    first, _, rest = frame.partition(b"\n")
    head = FRAME_HEADER.match(first.rstrip(b"\r"))
    if head is None:
        raise BrokenFrame("a frame's first line cannot be read")
    path = head["path"].decode("utf-8", "surrogateescape")
    body, ending, _ = rest.partition(closing)
    if not ending:
        raise BrokenFrame(f"{path}: the frame has no end; the log was cut")
    size = int(head["size"])
    if size > budget:
        raise BrokenFrame(f"{path}: {size} bytes are more than may be unpacked")
    content = _gunzip(path, body, size)
    if len(content) != size or hashlib.sha256(content).hexdigest() != head["sha"].decode():
        raise BrokenFrame(f"{path}: the content is not what the frame says (size or sha256 differ)")
    return path, content


def _gunzip(path: str, body: bytes, size: int) -> bytes:
    try:
        packed = base64.b64decode(b"".join(body.split()), validate=True)
        return zlib.decompressobj(wbits=31).decompress(packed, size + 1)
    except (binascii.Error, zlib.error) as error:
        raise BrokenFrame(f"{path}: the frame does not unpack: {error}") from error
