"""MkDocs hook: serves pages from outside ``docs/``, rewrites links that lead out of it, and lists the decisions.

Pages link to each other and to files of the repository by relative paths, so that they work in a checkout and on a
code forge. On the site, a link to a page leads to that page, a link to another file leads to a copy of the file, and a
link to a folder, or to a page that the site does not have, becomes plain text.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

PAGES = {
    "AGENTS.md": "coding-agents.md",
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
    "lab/README.md": "lab.md",
    "samples/agents/README.md": "samples/agents.md",
}
"""Pages from outside ``docs/``: path in the repository -> path in the site's sources."""

_CODE_OR_LINK = re.compile(
    r"^(?P<fence>```|~~~).*?^(?P=fence)\s*$|`[^`\n]+`|(?P<text>\[(?:[^\]`]|`[^`\n]*`)*\])\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the menu, after the page that lists them."""
    decisions = next(item["Decisions"] for item in config.nav or [] if "Decisions" in item)
    decisions += sorted(f"decisions/{path.name}" for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside ``docs/``."""
    for path, name in PAGES.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of one page."""
    origin = next((path for path, name in PAGES.items() if name == page.file.src_uri), None)
    folder = posixpath.dirname(origin or f"docs/{page.file.src_uri}")
    start = posixpath.dirname(page.file.src_uri)

    def rewritten(match: re.Match[str]) -> str:
        target = match["target"]
        if target is None or re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(folder, path))
        if (ROOT / path).is_dir() or _is_left_out(path):
            return match["text"][1:-1]
        link = posixpath.relpath(_site_path(path, config, files), start)
        return f"{match['text']}({link}{'#' if anchor else ''}{anchor})"

    return _CODE_OR_LINK.sub(rewritten, markdown)


def _is_left_out(path: str) -> bool:
    """Whether a page of the repository is none of the site."""
    return path.endswith(".md") and path not in PAGES and not path.startswith("docs/")


def _site_path(path: str, config: MkDocsConfig, files: Files) -> str:
    """Path of a repository file in the site's sources; a file that is no page is added as a copy."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    name = f"files/{path}"
    if files.get_file_from_path(name) is None and (ROOT / path).is_file():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return name
