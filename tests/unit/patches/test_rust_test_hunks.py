"""Tests within Rust files, told from the fix by the hunks of one patch; git applies what comes out."""

import subprocess
from pathlib import Path

import pytest

from swefoundry.patches.rust_test_hunks import Inseparable, SplitPatch, split_test_modules

SOURCE = """\
use std::fmt;

pub fn add(a: i32, b: i32) -> i32 {
    a - b
}

pub fn one() -> i32 {
    1
}

pub fn two() -> i32 {
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones() {
        assert_eq!(one(), 1);
    }

    #[test]
    fn twos() {
        assert_eq!(two(), 2);
    }
}
"""
FIXED = SOURCE.replace("a - b", "// As it says.\n    a + b")
TESTED = FIXED.replace(
    "    #[test]\n    fn twos",
    "    #[test]\n    fn adds() {\n        assert_eq!(add(1, 1), 2);\n    }\n\n    #[test]\n    fn twos",
)
CODE_BEHIND = "".join(
    f"\npub fn {name}() -> i32 {{\n    {number}\n}}\n"
    for name, number in (("three", 3), ("four", 4), ("five", 5))
)


def git(folder: Path, *args: str, patch: bytes = b"") -> bytes:
    return subprocess.run(["git", *args], cwd=folder, input=patch, capture_output=True, check=True).stdout


def a_patch(folder: Path, old: str, new: str, path: str = "src/lib.rs") -> bytes:
    """Return git's difference, and leave the old file in the folder."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    file.write_text(old)
    git(folder, "add", ".")
    file.write_text(new)
    patch = git(folder, "diff")
    file.write_text(old)
    return patch


def split(patch: bytes) -> SplitPatch | None:
    return split_test_modules(patch, lambda path: path.startswith("tests/"))


def applied(folder: Path, *patches: bytes) -> str:
    for patch in patches:
        git(folder, "apply", "--verbose", patch=patch)
    return (folder / "src/lib.rs").read_text()


@pytest.mark.parametrize("end", ["", CODE_BEHIND], ids=["at the end", "with code behind the tests"])
def test_tests_are_applied_first_and_the_fix_then_makes_the_whole(tmp_path: Path, end: str) -> None:
    new = TESTED + end.replace("    5", "    2 + 3")
    patch = a_patch(tmp_path, SOURCE + end, new)
    parts = split(patch)
    assert parts is not None
    with_tests = applied(tmp_path, parts.tests)
    assert with_tests == TESTED.replace("// As it says.\n    a + b", "a - b") + end
    assert applied(tmp_path, parts.gold) == new


def test_places_are_those_of_the_tree_that_each_patch_is_applied_to(tmp_path: Path) -> None:
    patch = a_patch(tmp_path, SOURCE + CODE_BEHIND, TESTED + CODE_BEHIND.replace("    5", "    2 + 3"))
    parts = split(patch)
    assert parts is not None
    places = [
        [line.partition(b" @@")[0] for line in each.splitlines() if line.startswith(b"@@")]
        for each in (patch, parts.tests, parts.gold)
    ]
    assert places == [
        [b"@@ -1,7 +1,8", b"@@ -21,6 +22,11", b"@@ -36,5 +42,5"],
        [b"@@ -21,6 +21,11"],
        [b"@@ -1,7 +1,8", b"@@ -41,5 +42,5"],
    ]


def test_a_new_module_of_tests_is_found_by_its_attribute(tmp_path: Path) -> None:
    old, module = SOURCE.split("#[cfg(test)]")
    patch = a_patch(tmp_path, old, old.replace("a - b", "a + b") + "#[cfg(test)]\n#[rustfmt::skip]" + module)
    parts = split(patch)
    assert parts is not None
    assert b"+mod tests {" in parts.tests
    assert b"+mod tests {" not in parts.gold
    assert applied(tmp_path, parts.tests, parts.gold).startswith("use std::fmt;\n\npub fn add")


def test_files_of_tests_go_with_them_and_other_files_stay_with_the_fix(tmp_path: Path) -> None:
    patch = a_patch(tmp_path, SOURCE, TESTED)
    other = "diff --git a/{0} b/{0}\nnew file mode 100644\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+x\n"
    parts = split(patch + other.format("tests/api.rs").encode() + other.format("README.md").encode())
    assert parts is not None
    assert [b"tests/api.rs" in each for each in (parts.tests, parts.gold)] == [True, False]
    assert [b"README.md" in each for each in (parts.tests, parts.gold)] == [False, True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SOURCE, FIXED),
        (FIXED, TESTED),
        (
            SOURCE,
            SOURCE.replace("#[cfg(test)]\nmod", "#[cfg(test)]\nmod more;\n\n#[cfg(test)]\nmod").replace(
                "1", "3", 0
            ),
        ),
    ],
    ids=["no tests", "nothing but tests", "the name of a file of tests"],
)
def test_nothing_is_split_where_one_part_is_missing(tmp_path: Path, old: str, new: str) -> None:
    assert split(a_patch(tmp_path, old, new)) is None


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (SOURCE, SOURCE.replace("    2\n}\n", "    1 + 1\n}\n").replace("super::*", "super::two"), 5),
        (SOURCE, SOURCE.replace("twos", "pairs") + "\npub fn three() {}\n", 5),
        (
            SOURCE.replace("ones()", 'ones() { r#"\nuse x;\n"#; }\n    fn x()'),
            SOURCE.replace("ones()", 'ones() { r#"\nuse y;\n"#; }\n    fn x()'),
            5,
        ),
    ],
    ids=["code before the module", "code after it", "a text that looks like code"],
)
def test_a_hunk_with_tests_and_other_code_is_named(tmp_path: Path, old: str, new: str, line: int) -> None:
    with pytest.raises(
        Inseparable, match=f"^the hunk in line {line} changes a module of tests and other code$"
    ):
        split(a_patch(tmp_path, old, new))


def test_files_of_other_languages_have_no_modules_of_tests(tmp_path: Path) -> None:
    assert split(a_patch(tmp_path, SOURCE, TESTED, "src/lib.txt")) is None
