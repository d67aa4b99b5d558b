"""Classification of changed files as fix, tests or generated."""

import pytest

from swefoundry.cli.releases.splitting import ChangePart, matches_any, path_classifier


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("tests/test_a.py", ChangePart.TEST),
        ("tests/data/input.bin", ChangePart.TEST),
        ("src/pkg/tests/helper.py", ChangePart.TEST),
        ("pkg/test/__init__.py", ChangePart.TEST),
        ("test_a.py", ChangePart.TEST),
        ("pkg/a_test.py", ChangePart.TEST),
        ("conftest.py", ChangePart.TEST),
        ("src/pkg/testing.py", ChangePart.FIX),
        ("src/pkg/latest.py", ChangePart.FIX),
        ("pkg/attest/a.py", ChangePart.FIX),
        ("CHANGES.rst", ChangePart.FIX),
        ("setup.cfg", ChangePart.FIX),
        ("PKG-INFO", ChangePart.GENERATED),
        ("src/a.egg-info/SOURCES.txt", ChangePart.GENERATED),
        ("tests/__pycache__/a.pyc", ChangePart.GENERATED),
    ],
)
def test_the_path_says_it(path: str, part: ChangePart) -> None:
    assert path_classifier()(path) is part


def test_globs_are_the_users_choice() -> None:
    part_of = path_classifier(["spec/**", "**/check_?.py"])
    assert [part_of(path) for path in ("spec/a/b.txt", "x/check_1.py", "check_12.py", "tests/test_a.py")] == [
        ChangePart.TEST,
        ChangePart.TEST,
        ChangePart.FIX,
        ChangePart.FIX,
    ]


def test_a_star_does_not_cross_folders_and_dots_are_dots() -> None:
    assert matches_any("a/b.py", ["*/*.py"])
    assert not matches_any("a/b/c.py", ["*/*.py"])
    assert not matches_any("a/bxpy", ["a/*.py"])
