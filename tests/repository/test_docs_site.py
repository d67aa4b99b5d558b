"""Links of pages work on the documentation site: pages lead to pages, other files to copies, folders to nothing."""

from pathlib import Path

import pytest
from mkdocs.config.base import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import docs_site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def config() -> MkDocsConfig:
    loaded = load_config(str(ROOT / "mkdocs.yml"), hooks=[])
    loaded.plugins._current_plugin = "docs_site"  # as while MkDocs runs the hook
    return loaded


def rewritten(markdown: str, name: str, config: MkDocsConfig) -> tuple[str, list[str]]:
    """A page after the hook, and the files that were added for it."""
    files = Files([])
    page = Page(None, File(name, config.docs_dir, config.site_dir, False), config)
    return docs_site.on_page_markdown(markdown, page, config, files), [file.src_uri for file in files]


@pytest.mark.parametrize(
    ("name", "link", "expected"),
    [
        ("cli.md", "[a](memory.md#where-it-is)", "[a](memory.md#where-it-is)"),
        ("index.md", "[a](docs/cli.md)", "[a](cli.md)"),
        ("decisions/README.md", "[a](../security.md)", "[a](../security.md)"),
        ("install.md", "[a](../README.md)", "[a](index.md)"),
        ("samples/agents.md", "[a](../../docs/agents.md#prompts)", "[a](../agents.md#prompts)"),
        ("index.md", "the [samples](samples/)", "the samples"),
        ("cli.md", "the [notes](../tests/notes.md)", "the notes"),
        ("cli.md", "[a](https://example.org/x) [b](#export)", "[a](https://example.org/x) [b](#export)"),
        ("cli.md", "`[a](../README.md)`", "`[a](../README.md)`"),
        ("cli.md", "```\n[a](../README.md)\n```", "```\n[a](../README.md)\n```"),
    ],
)
def test_links_lead_to_places_of_the_site(name: str, link: str, expected: str, config: MkDocsConfig) -> None:
    assert rewritten(link, name, config)[0] == expected


def test_other_files_are_copied(config: MkDocsConfig) -> None:
    text, added = rewritten("[values](../charts/swefoundry/values.yaml)", "install.md", config)
    assert text == "[values](files/charts/swefoundry/values.yaml)"
    assert added == ["files/charts/swefoundry/values.yaml"]


@pytest.mark.parametrize("path", docs_site.PAGES)
def test_pages_from_outside_exist(path: str) -> None:
    assert (ROOT / path).is_file()
