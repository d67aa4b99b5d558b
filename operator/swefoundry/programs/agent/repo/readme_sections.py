"""Selects the sections of a README about installing and testing by their headings, in Markdown and reST. Pure."""

import re
from collections.abc import Iterator

_SETUP_HEADING = re.compile(
    r"install|test|develop|contribut|build|setup|set up|getting started|requirement|depend|hack|running|quick ?start",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_UNDERLINE = re.compile(r"^([=\-~^\"'*+#.:_])\1{2,}\s*$")


def setup_sections(text: str, limit: int) -> str:
    """The sections with such a heading, in their order, at most ``limit`` characters."""
    parts = ["\n".join(lines).strip() for heading, lines in _sections(text) if _SETUP_HEADING.search(heading)]
    return "\n\n".join(part for part in parts if part)[:limit]


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Headings, each with its lines, including the line of the heading."""
    heading, lines = "", list[str]()
    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        marked = None if fenced else _MARKDOWN.match(line)
        if marked:
            yield heading, lines
            heading, lines = marked[1], []
        elif not fenced and _UNDERLINE.match(line) and lines and lines[-1].strip():
            title = lines.pop()
            yield heading, lines
            heading, lines = title, [title]
        lines.append(line)
    yield heading, lines
