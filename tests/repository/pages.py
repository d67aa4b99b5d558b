"""The repository's Markdown pages, as the tests of the documentation read them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SKIPPED = {".git", ".venv", "node_modules", "build", "dist", "demo-output"}
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every page that belongs to the repository."""
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not _SKIPPED.intersection(path.relative_to(ROOT).parts)
        and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    )


def page(name: str) -> str:
    """One page's text."""
    return (ROOT / name).read_text("utf-8")


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text)


def commands(text: str) -> list[str]:
    """What a page shows as code, line by line: blocks and words in backticks."""
    blocks = [line for block in _FENCE.finditer(text) for line in block[0].splitlines()]
    return blocks + [code.strip("`") for code in _CODE.findall(prose(text))]


def links(text: str) -> list[str]:
    """Targets of the links in a page."""
    return _LINK.findall(_CODE.sub("", prose(text)))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ +(.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
