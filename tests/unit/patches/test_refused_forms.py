"""Forms of patches of which git apply would take a part: each is named, with what to do."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from swefoundry.patches.patch_parser import parse_patch
from swefoundry.patches.rules import PATCH_RULES, both_add, cut_off, refusal, submodule_refusal
from unit.patches.real_patches import merged, two_commits, with_a_submodule
from unit.programs.intake.repositories import git

BASE = {"calc.py": b"def add(a, b):\n    return a - b\n", "pkg/conf.py": b"A = 1\nB = 2\n"}
FIX = {"calc.py": b"def add(a, b):\n    return a + b\n", "pkg/conf.py": b"A = 1\nB = 3\n"}
PLAIN = (
    b"--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
)


def diffed(*options: str) -> Callable[[Path], bytes]:
    return lambda root: two_commits(root, BASE, FIX).diff(*options)


def folders_compared(*options: str) -> Callable[[Path], bytes]:
    def make(root: Path) -> bytes:
        two_commits(root / "a", BASE, BASE)
        two_commits(root / "b", BASE, FIX | {"added.py": b"x\n", "logo.png": b"\0"})
        for folder in ("a", "b"):
            subprocess.run(["rm", "-rf", root / folder / ".git"], check=True)
        (root / "a/logo.png").write_bytes(b"\0\1")
        return subprocess.run(["diff", *options, "a", "b"], cwd=root, capture_output=True).stdout

    return make


def a_merge_of_one_file(root: Path) -> bytes:
    merged(root)
    return git(root, "show", "-c", "HEAD")


def binary(root: Path) -> bytes:
    return two_commits(root, {"a.bin": b"\0"}, {"a.bin": b"\0\1"}).diff()


def always(patch: bytes) -> Callable[[Path], bytes]:
    return lambda root: patch


REFUSED: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "git log --cc": (merged, r"has a combined diff of a merge \(line \d+: `diff --cc names`\)"),
    "git show -c": (
        a_merge_of_one_file,
        r"has a combined diff of a merge \(line \d+: `diff --combined names`\)",
    ),
    "a combined diff without its header": (
        always(PLAIN + b"@@@ -1,3 -1,3 +1,3 @@@\n  one\n- two\n"),
        r"has a combined diff of a merge",
    ),
    "git diff --color": (diffed("--color=always"), r"has colour codes \(line 1: `"),
    "git diff --submodule=log": (
        lambda root: with_a_submodule(root).diff("--submodule=log"),
        r"tells a submodule's change as a log",
    ),
    "diff -r without -N": (
        folders_compared("-ru"),
        r"names a file without its content .*`Only in b: added.py`",
    ),
    "diff -c": (folders_compared("-rcN"), r"has a context diff \(line \d+: `\*{15}`\)"),
    "diff -q": (always(PLAIN + b"Files a/x and b/x differ\n"), r"names a binary file without its content"),
    "git diff of a binary file": (binary, r"names a binary file .*`Binary files a/a.bin and b/a.bin differ`"),
    "diff -ruN of a binary file": (
        folders_compared("-ruN"),
        r"names a binary file .*`Binary files a/logo.png and b/logo.png differ`",
    ),
    "diff.noprefix": (
        diffed("--no-prefix"),
        r"has paths without the prefixes a/ and b/ \(calc.py calc.py at line 1\).*`git apply -p0` would fit.*--strip 0",
    ),
    "diff.mnemonicPrefix": (
        diffed("--src-prefix=i/", "--dst-prefix=w/"),
        r"\(i/calc.py w/calc.py at line 1\).*`git apply -p1` would fit.*`--strip 1`",
    ),
    "deep prefixes": (
        diffed("--src-prefix=src/old/", "--dst-prefix=src/new/"),
        r"\(src/old/calc.py src/new/calc.py at line 1\).*`git apply -p2` would fit",
    ),
    "prefixes without a slash": (
        diffed("--src-prefix=old-", "--dst-prefix=new-"),
        r"no one strip fits all of its paths",
    ),
    "one file of two without prefixes": (
        always(PLAIN + PLAIN.replace(b" a/calc", b" pkg/conf").replace(b" b/calc", b" pkg/conf")),
        r"\(pkg/conf.py pkg/conf.py at line 7\).*no one strip fits",
    ),
    "a new file without prefixes": (
        always(b"--- /dev/null\n+++ tests/test_a.py\n@@ -0,0 +1 @@\n+x\n"),
        r"\(tests/test_a.py at line 1\).*`git apply -p0` would fit",
    ),
    "a hunk with a line too many": (
        always(PLAIN + b"+one more\n"),
        r"has a hunk with more lines than its header announces \(line 7: `\+one more`\)",
    ),
    "a header without hunks": (always(PLAIN + b"diff --git a/x b/x\n"), r"changes nothing in x \(line 7\)"),
    "names without hunks": (always(PLAIN + b"--- a/x\n+++ b/x\n"), r"changes nothing in x \(line 7\)"),
    "a hunk of context alone": (
        always(b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n one\n two\n"),
        r"changes nothing in x \(line 1\)",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_form_of_which_git_would_take_a_part_is_named(
    make: Callable[[Path], bytes], message: str, tmp_path: Path
) -> None:
    refused = refusal(parse_patch(make(tmp_path)))
    assert refused is not None
    assert re.search(message, refused), refused


ACCEPTED: dict[str, Callable[[Path], bytes]] = {
    "git diff": diffed(),
    "git diff --binary of a binary file": lambda root: two_commits(
        root, {"a.bin": b"\0"}, {"a.bin": b"\0\1"}
    ).diff("--binary"),
    "git format-patch": lambda root: git(two_commits(root, BASE, FIX).root, "format-patch", "-1", "--stdout"),
    "git log -p": lambda root: git(two_commits(root, BASE, FIX).root, "log", "-p"),
    "a mode alone": always(b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n"),
    "an empty new file": always(b"diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n"),
    "a rename alone": always(b"diff --git a/x y b/z\nsimilarity index 100%\nrename from x y\nrename to z\n"),
    "a plain unified diff": always(PLAIN),
    "a plain unified diff with times": always(
        PLAIN.replace(b"calc.py\n", b"calc.py\t2024-06-01 00:00:00.000000000 +0000\n")
    ),
    "CRLF in headers, too": always(PLAIN.replace(b"\n", b"\r\n")),
    "removed and added lines that look like headers": always(
        b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/old\n-+ y\n+++ b/new\n+-- z\n"
    ),
    "a file below a folder named a": always(
        b"diff --git a/a/x b/a/x\n--- a/a/x\n+++ b/a/x\n@@ -1 +1 @@\n-1\n+2\n"
    ),
}


@pytest.mark.parametrize("make", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_form_that_git_takes_whole_is_accepted(make: Callable[[Path], bytes], tmp_path: Path) -> None:
    patch = parse_patch(make(tmp_path))
    assert patch.files
    assert refusal(patch) is None
    assert cut_off(patch) is None


def test_the_first_sentence_names_the_form_and_not_what_follows_from_it() -> None:
    assert [rule.__name__ for rule in PATCH_RULES] == [
        "coloured",
        "combined",
        "context_format",
        "submodule_log",
        "file_in_one_folder",
        "binary_without_data",
        "other_prefixes",
        "hunk_longer_than_its_header",
        "file_without_a_change",
    ]


def test_a_submodule_needs_a_policy(tmp_path: Path) -> None:
    patch = parse_patch(with_a_submodule(tmp_path).diff())
    refused = submodule_refusal(patch, submodules=False) or ""
    assert refused.startswith("changes the commit of the submodule helper (`Subproject commit`)")
    assert "spec.source.git.submodules: true" in refused
    assert submodule_refusal(patch, submodules=True) is None


def test_a_submodule_without_a_known_commit_is_refused_with_a_policy_too(tmp_path: Path) -> None:
    dirty = with_a_submodule(tmp_path).diff().replace(b"2" * 40, b"2" * 40 + b"-dirty")
    assert "`-dirty`" in (submodule_refusal(parse_patch(dirty), submodules=True) or "")


def test_a_text_that_mentions_a_subproject_is_no_submodule(tmp_path: Path) -> None:
    text = b"Subproject commit " + b"1" * 40 + b"\n"
    patch = parse_patch(two_commits(tmp_path, {"doc": b"x\n"}, {"doc": text}).diff())
    assert patch.gitlinks == []


def test_a_hunk_that_lacks_lines_is_called_cut_off() -> None:
    cut = PLAIN[: PLAIN.index(b"+    return")]
    assert cut_off(parse_patch(cut)) == (
        "is cut off: the hunk of calc.py at line 3 lacks 1 of its lines. "
        "Make it again with `git diff --binary BASE FIX`."
    )


def test_a_file_that_both_patches_add_is_named(tmp_path: Path) -> None:
    one = parse_patch(two_commits(tmp_path / "1", {}, {"tests/a.py": b"1\n", "b": b""}).diff())
    two = parse_patch(two_commits(tmp_path / "2", {}, {"tests/a.py": b"2\n", "c": b""}).diff())
    assert both_add(one, two) == (
        "both patches add tests/a.py: leave it out of the one to which it does not belong"
    )
    assert both_add(one, parse_patch(PLAIN)) is None
