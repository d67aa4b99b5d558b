"""Facts about Python sources: encodings of manifests, projects in deeper folders, included files, modules."""

import codecs
from collections.abc import Mapping

import pytest

from swefoundry.contracts.facts import Facts
from swefoundry.programs.intake.decoding import decode_text
from swefoundry.programs.intake.fact_collector import collect_facts, with_test_facts

TEXT = "roman==3.3\r\n# é\r\n"


def facts_of(files: Mapping[str, str]) -> Facts:
    return collect_facts(sorted(files), lambda path: files[path].encode(), None, None)


def further(files: Mapping[str, str]) -> list[str]:
    return [file.path for file in facts_of(files).further_manifests]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT.encode(), id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + TEXT.encode(), id="UTF-8 with a byte order mark"),
        pytest.param(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), id="UTF-16, little endian"),
        pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), id="UTF-16, big endian"),
        pytest.param(TEXT.encode("utf-16-le"), id="UTF-16 without a mark, little endian"),
        pytest.param(TEXT.encode("utf-16-be"), id="UTF-16 without a mark, big endian"),
        pytest.param(codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), id="UTF-32"),
        pytest.param(TEXT.encode("latin-1"), id="Latin-1"),
    ],
)
def test_a_manifest_is_read_in_the_encoding_of_its_author(data: bytes) -> None:
    assert decode_text(data) == TEXT


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff", b"\xff\xfe\x00", b"\x00\x01\x02", b"a\x00\xff"])
def test_bytes_that_are_no_text_raise_nothing(data: bytes) -> None:
    assert isinstance(decode_text(data), str)


def test_a_text_cut_within_a_character_keeps_the_rest() -> None:
    assert decode_text("xé".encode()[:-1], truncated=True) == "x"


def test_projects_at_any_depth_are_read_build_manifests_first() -> None:
    files = ["pyproject.toml", "a/b/pyproject.toml", "a/b/c/d/setup.py", "a/b/tox.ini", "a/b/x.txt"]
    found = further(dict.fromkeys(files, ""))
    assert found == ["a/b/pyproject.toml", "a/b/c/d/setup.py", "a/b/tox.ini"]


def test_the_project_of_the_tests_is_read_in_a_tree_with_too_many_projects() -> None:
    files = {f"p{number:03}/x/setup.py": "" for number in range(400)}
    tests = ["p399/x/tests/test_a.py", "p398/x/tests/test_b.py"]
    facts = facts_of(files)
    assert len(facts.further_manifests) == 256
    paths, changed = {*files, *tests}, [*tests, "p398/x/setup.py"]
    found = with_test_facts(facts, changed, paths, paths, lambda path: b"").further_manifests
    assert [file.path for file in found[256:]] == ["p399/x/setup.py"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"requirements.txt": "-r reqs/base.txt\n-c limits/all.txt", "reqs/base.txt": "-r ../other.in"}
            | {"other.in": "", "limits/all.txt": "-r ../requirements.txt"},
            ["limits/all.txt", "reqs/base.txt", "other.in"],
            id="chains and cycles",
        ),
        pytest.param({"requirements.txt": "-r gone.txt\n-r ../../etc/passwd\n"}, [], id="missing files"),
        pytest.param(
            {"tox.ini": "deps = -r{toxinidir}/ci/all.txt", "ci/all.txt": ""}, ["ci/all.txt"], id="tox.ini"
        ),
        pytest.param(
            {"pyproject.toml": 'dependencies = {file = ["deps/run.in"]}', "deps/run.in": ""},
            ["deps/run.in"],
            id="setuptools' dynamic dependencies",
        ),
        pytest.param(
            {"setup.py": "open('etc/requires.txt').read()", "etc/requires.txt": "", "README.txt": ""},
            ["etc/requires.txt"],
            id="a file that setup.py reads",
        ),
    ],
)
def test_files_that_manifests_include_are_read(files: Mapping[str, str], expected: list[str]) -> None:
    assert further(files) == expected


def test_long_nested_manifests_end_the_list() -> None:
    assert further({f"a/b{number}/setup.py": "#" * 60_000 for number in range(9)}) == [
        f"a/b{number}/setup.py" for number in range(8)
    ]


def test_modules_are_found_at_any_depth() -> None:
    files = [
        *("packages/core/src/core/__init__.py", "packages/core/src/core/inner/__init__.py"),
        *("packages/core/pyproject.toml", "packages/web/acme/web/__init__.py", "packages/web/setup.py"),
        *("backend/app.py", "src/space/part/a.py", "setup.py", "tests/conftest.py", "not-a-name/x-y.py"),
    ]
    assert facts_of(dict.fromkeys(files, "")).python_modules == [
        "backend",
        "src/space",
        "packages/web/acme",
        "packages/core/src/core",
        "backend/app.py",
        "src/space/part/a.py",
    ]


def test_a_nested_manifest_is_part_of_the_fingerprint() -> None:
    first = facts_of({"a/b/setup.py": "1"}).fingerprint
    assert facts_of({"a/b/setup.py": "2"}).fingerprint != first
