"""The log of a build: all output up to a limit, beyond it the head and the tail.

The head shows how the build began, the tail why it ended; the bytes dropped in between are counted.
"""

from collections import deque
from typing import BinaryIO

BUILD_LOG_LIMIT_BYTES = 4 << 20
"""4 MiB: the longest useful logs of well-known projects are below 1 MiB."""


class BuildLog:
    """Takes output in chunks, echoes it, and keeps at most ``limit_bytes`` of it."""

    def __init__(self, echo: BinaryIO | None = None, limit_bytes: int = BUILD_LOG_LIMIT_BYTES) -> None:
        self._echo = echo
        self._half = limit_bytes // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._dropped = 0

    def write(self, chunk: bytes) -> None:
        """Keep and echo a chunk of output."""
        if self._echo is not None:
            self._echo.write(chunk)
            self._echo.flush()
        room = self._half - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._tail.append(chunk)
            self._tail_bytes += len(chunk)
        while self._tail_bytes > self._half:
            self._drop_oldest()

    def write_line(self, text: str) -> None:
        """A line of our own."""
        self.write(f"swefoundry: {text}\n".encode())

    def content(self) -> bytes:
        """The output that was kept, with a line in place of dropped bytes."""
        gap = f"\n[... {self._dropped} bytes dropped ...]\n".encode() if self._dropped else b""
        return bytes(self._head) + gap + b"".join(self._tail)

    def tail(self, limit_bytes: int = 1 << 18) -> str:
        """The last part as text."""
        return self.content()[-limit_bytes:].decode(errors="replace")

    def _drop_oldest(self) -> None:
        surplus = self._tail_bytes - self._half
        chunk = self._tail.popleft()
        if len(chunk) > surplus:
            self._tail.appendleft(chunk[surplus:])
        dropped = min(len(chunk), surplus)
        self._tail_bytes -= dropped
        self._dropped += dropped
