"""Which part of a change is the fix, and which the tests?"""

import pytest

from swefoundry.cli.releases.splitting import Part, classifier, matches


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("tests/test_a.py", Part.TEST),
        ("tests/data/input.bin", Part.TEST),
        ("src/pkg/tests/helper.py", Part.TEST),
        ("pkg/test/__init__.py", Part.TEST),
        ("test_a.py", Part.TEST),
        ("pkg/a_test.py", Part.TEST),
        ("conftest.py", Part.TEST),
        ("src/pkg/testing.py", Part.FIX),
        ("src/pkg/latest.py", Part.FIX),
        ("pkg/attest/a.py", Part.FIX),
        ("CHANGES.rst", Part.FIX),
        ("setup.cfg", Part.FIX),
        ("PKG-INFO", Part.GENERATED),
        ("src/a.egg-info/SOURCES.txt", Part.GENERATED),
        ("tests/__pycache__/a.pyc", Part.GENERATED),
    ],
)
def test_the_path_says_it(path: str, part: Part) -> None:
    assert classifier()(path) is part


def test_globs_are_the_users_choice() -> None:
    part_of = classifier(["spec/**", "**/check_?.py"])
    assert [part_of(path) for path in ("spec/a/b.txt", "x/check_1.py", "check_12.py", "tests/test_a.py")] == [
        Part.TEST,
        Part.TEST,
        Part.FIX,
        Part.FIX,
    ]


def test_a_star_does_not_cross_folders_and_dots_are_dots() -> None:
    assert matches("a/b.py", ["*/*.py"])
    assert not matches("a/b/c.py", ["*/*.py"])
    assert not matches("a/bxpy", ["a/*.py"])
