"""Pages point at what exists: links, headings, files of the walk, make targets."""

import re
from pathlib import Path

import pytest
import yaml

from repository.pages import ROOT, anchors, commands, links, page, pages, prose
from swefoundry.api.validation.manifest import manifest_problems

MAKE = re.compile(r"^(?:sudo )?make (?:[A-Z_]+=\S+ )*([a-z][a-z-]*(?: [a-z][a-z-]*)*)\s*(?:#|$)")
SOURCE = re.compile(
    r"`((?:operator/swefoundry/|images/|lab/|charts/|tests/|samples/|crds/|docs/)[\w./-]+\.\w+|[a-z_]+/[a-z_/]+\.py)`"
)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", pages(), ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [target for target in links(path.read_text("utf-8")) if not leads_somewhere(path, target)]
    assert broken == []


def leads_somewhere(path: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    name, _, anchor = target.partition("#")
    there = (path.parent / name).resolve() if name else path
    return there.exists() and (not anchor or anchor in anchors(there.read_text("utf-8")))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", pages(), ids=named)
def test_make_targets_exist(path: Path) -> None:
    shown = [found for line in commands(path.read_text("utf-8")) if (found := MAKE.match(line.strip()))]
    assert {word for found in shown for word in found[1].split()} <= targets()


@pytest.mark.parametrize("path", pages(), ids=named)
def test_source_files_that_pages_name_exist(path: Path) -> None:
    text = prose(path.read_text("utf-8"))
    missing = [
        name
        for name in SOURCE.findall(text)
        if not (ROOT / name).exists() and not (ROOT / "operator/swefoundry" / name).exists()
    ]
    assert missing == []


def test_every_page_is_reachable_from_the_readme() -> None:
    linked: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in linked or path.suffix != ".md" or not path.is_file():
            continue
        linked.add(path)
        todo += [(path.parent / link.partition("#")[0]).resolve() for link in links(path.read_text("utf-8"))]
    docs = {path for path in pages() if path.is_relative_to(ROOT / "docs")}
    assert {named(path) for path in docs - linked} == set()


def test_the_walk_names_the_layers_in_the_contracts_order() -> None:
    text = page("docs/architecture.md").replace("\\|", "|")
    layers = re.findall(
        r'^  "(.*?)"', (ROOT / "pyproject.toml").read_text("utf-8").split("layers = [")[1].split("]")[0], re.M
    )
    assert layers
    places = [text.find(f"`{layer}`") for layer in layers]
    assert -1 not in places and places == sorted(places)


@pytest.mark.parametrize("path", pages(), ids=named)
def test_manifests_that_pages_show_are_good(path: Path) -> None:
    shown = [
        document
        for block in re.findall(r"^```yaml\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for document in yaml.safe_load_all(block)
        if isinstance(document, dict) and document.get("kind") in ("TaskInstance", "EnvBuild")
    ]
    assert [problem for document in shown for problem in manifest_problems(document)] == []
