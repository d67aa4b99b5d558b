"""Output of a command to a file or to stdout."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def open_output(out: Path | None) -> Iterator[IO[str]]:
    """The file, replaced only when the block ends without an error; stdout for None and ``-``."""
    if out is None or str(out) == "-":
        yield sys.stdout
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as target:
        yield target
    part.replace(out)
