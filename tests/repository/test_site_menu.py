"""Every page of `docs/` is in the menu of the documentation site."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MENU = (ROOT / "mkdocs.yml").read_text("utf-8").split("\nnav:\n")[1]
PAGES = sorted(str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("decisions/0")])
def test_every_page_is_in_the_menu(page: str) -> None:
    assert any(line.endswith((f": {page}", f"- {page}")) for line in MENU.splitlines())
