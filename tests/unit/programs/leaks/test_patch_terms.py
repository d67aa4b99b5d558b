"""Which lines, names and files of a patch are searched for."""

from pathlib import Path

import pytest

from swefoundry.contracts.leaks import LeakKind
from swefoundry.programs.leaks.own_project import Project, read_project
from swefoundry.programs.leaks.patch_terms import TERMS_PER_GROUP, read_terms
from unit.programs.leaks.small_images import FIX, SECOND, THIRD, base_tree


def a_patch(path: str, *lines: str) -> bytes:
    body = "".join(f"+{line}\n" for line in lines)
    return (
        f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,0 +2,{len(lines)} @@\n{body}"
    ).encode()


def lines_of(patch: bytes) -> list[bytes]:
    return [term.text for term in read_terms({"gold": patch}).terms if term.kind is LeakKind.PATCH_LINES]


UNSPECIFIC = {
    "short": "return weighted(values)",
    "few words": "x = [1000000, 2000000, 3000000, 4000000]",
    "a comment": "# the mean of no values is undefined, so raise",
    "an import": "from collections.abc import Iterable, Mapping, Sequence",
    "very long": "data = " + "some words of a table " * 30,
}


@pytest.mark.parametrize("line", UNSPECIFIC.values(), ids=UNSPECIFIC.keys())
def test_a_line_that_others_may_have_written_is_not_searched(line: str) -> None:
    assert lines_of(a_patch("calc/a.py", line)) == []


@pytest.mark.parametrize(
    "path",
    [
        "package-lock.json",
        "poetry.lock",
        "go.sum",
        "setup.cfg",
        "ci/build.yml",
        "data/table.csv",
        "CHANGELOG",
        "docs/news.rst",
        "README.md",
    ],
)
def test_manifests_data_and_pages_are_not_searched(path: str) -> None:
    line = 'weights = "normalized values that keep their order"'
    assert (lines_of(a_patch(path, line)), lines_of(a_patch("calc/a.py", line))) == ([], [line.encode()])


def test_the_longest_lines_are_searched_and_none_twice() -> None:
    lines = [f"    total_of_values = add(values, number={'1' * n})" for n in range(40)]
    patch = a_patch("calc/a.py", *lines, *lines)
    base_terms = read_terms({"gold": patch, "test": patch}).terms
    assert len([term for term in base_terms if term.kind is LeakKind.PATCH_LINES]) == 40


def test_lines_and_names_that_the_tree_has_are_not_searched(tmp_path: Path) -> None:
    base = base_tree(
        tmp_path, {"calc/old.py": b"if x:\n\t" + SECOND, "tests/t.py": b"test_mean_of_nothing_raises"}
    )
    assert [term.text for term in base.terms if term.patch == "gold"] == [FIX.strip(), THIRD.strip()]
    within = base_tree(tmp_path, {"calc/doc.md": b"> " + FIX.strip() + b" <"})
    assert FIX.strip() not in [term.text for term in within.terms]


def test_at_most_a_few_terms_of_each_patch_and_kind_are_searched(tmp_path: Path) -> None:
    lines = [f"    total_{chr(97 + n) * 5}_values = add(values_{chr(97 + n) * 9})" for n in range(26)]
    base = base_tree(tmp_path, patches={"gold": a_patch("calc/a.py", *lines)})
    assert len(base.terms) == TERMS_PER_GROUP


MANIFESTS = {
    "PEP 621": ({"pyproject.toml": '[project]\nname = "Calc.Kit"\nversion = "1.2"\n'}, "calc-kit", "1.2"),
    "setup.cfg": ({"setup.cfg": "[metadata]\nname = calc_kit\n"}, "calc-kit", None),
    "setup.py": ({"setup.py": "setup(name='calc_kit', version='1.2')\n"}, "calc-kit", None),
    "a module": ({"calc/__init__.py": "__version__ = '1.3'\n"}, "calc", "1.3"),
    "a source distribution": ({"PKG-INFO": "Name: calc_kit\nVersion: 1.4\n"}, "calc-kit", "1.4"),
    "npm": ({"package.json": '{"name": "@me/calc", "version": "2.0.1"}'}, "@me/calc", "2.0.1"),
    "cargo": ({"Cargo.toml": '[package]\nname = "calc-kit"\nversion = "0.2.0"\n'}, "calc-kit", "0.2.0"),
    "go": ({"go.mod": "module example.com/calc/v2\n"}, "example-com/calc/v2", None),
    "maven": ({"pom.xml": "<artifactId>calc</artifactId><version>3.1</version>"}, "calc", "3.1"),
    "broken": ({"package.json": "[", "pyproject.toml": "["}, "calc", None),
}


@pytest.mark.parametrize(("texts", "name", "version"), MANIFESTS.values(), ids=MANIFESTS.keys())
def test_manifests_name_the_project(texts: dict[str, str], name: str, version: str | None) -> None:
    project = read_project("calc", texts, [])
    assert project.owns(name) and project.owns("Calc") and not project.owns("other")
    assert version is None or str(project.version) == version


def test_the_latest_stated_version_is_the_trees() -> None:
    project = read_project("calc", {"calc/__init__.py": "__version__ = '2.0.dev0'"}, ["v1.9", "no version"])
    later = [
        version
        for version in ("1.9", "2.0.dev0", "2.0.dev1", "2.0+local", "2.0")
        if project.is_later(version)
    ]
    assert later == ["2.0"]


def test_without_a_known_version_every_release_may_be_later() -> None:
    assert Project(frozenset(), None).is_later("0.1")
