"""Long files that a Dockerfile writes by heredocs: shown to models as one line, and put back into their answers. Pure.

::

    RUN cat > /usr/local/lib/run-test-files.js <<'EOF'
    @@ 117 lines as they are, 3f2a9c1b: // Runs test files, each by itself @@
    EOF

Without this a role reads, and writes again, the recipe's whole test runner in every turn.
"""

import hashlib
import re
from collections.abc import Iterable

from swefoundry.dockerfile.parser import parse

MIN_CHARACTERS = 600
"""Shorter bodies are shown."""
FIRST_LINE_CHARACTERS = 80
_MARK = re.compile(r"^@@ \d+ lines as they are, (?P<digest>[0-9a-f]{8})\b.*$", re.MULTILINE)


def with_marks(dockerfile: str) -> str:
    """The Dockerfile with a mark in place of each long heredoc."""
    for body in _long_bodies(dockerfile):
        dockerfile = dockerfile.replace(f"\n{body}\n", f"\n{_mark(body)}\n")
    return dockerfile


def without_marks(dockerfile: str, known: Iterable[str]) -> str:
    """The Dockerfile with the bodies of the ``known`` Dockerfiles in place of their marks; other marks stay."""
    bodies = {_digest(body): body for each in known for body in _long_bodies(each)}
    return _MARK.sub(lambda match: bodies.get(match["digest"], match[0]), dockerfile)


def unknown_mark(dockerfile: str) -> str:
    """The first line that is a mark of no known body; empty: there is none."""
    match = _MARK.search(dockerfile)
    return match[0] if match else ""


def _long_bodies(dockerfile: str) -> list[str]:
    bodies = [heredoc.body for each in parse(dockerfile) for heredoc in each.heredocs if heredoc.closed]
    return [body for body in bodies if len(body) >= MIN_CHARACTERS and not _MARK.search(body)]


def _mark(body: str) -> str:
    first = next(line.strip() for line in body.splitlines() if line.strip())
    return (
        f"@@ {len(body.splitlines())} lines as they are, {_digest(body)}: {first[:FIRST_LINE_CHARACTERS]} @@"
    )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:8]
