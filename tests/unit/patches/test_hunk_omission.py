"""A patch without one of its hunks: what can be left out alone, and what is left."""

from swefoundry.patches.hunk_omission import evenly_spaced, patch_parts, without_part
from swefoundry.patches.patch_parser import parse_patch

TWO_HUNKS = b"""\
diff --git a/a.py b/a.py
--- a/a.py
+++ b/a.py
@@ -1,2 +1,4 @@
 one
+more
+more
 two
@@ -10,3 +12,2 @@ def f():
 ten
-eleven
 twelve
"""
ONE_HUNK = b"""\
diff --git a/b.py b/b.py
--- a/b.py
+++ b/b.py
@@ -4 +4 @@
-old
+new
"""
ADDED = b"""\
diff --git a/c.py b/c.py
new file mode 100644
--- /dev/null
+++ b/c.py
@@ -0,0 +1 @@
+new
"""
MODE_AND_HUNK = b"""\
diff --git a/d.sh b/d.sh
old mode 100644
new mode 100755
--- a/d.sh
+++ b/d.sh
@@ -1 +1 @@
-old
+new
"""
UNTESTABLE = b"".join(
    ONE_HUNK.replace(b"b.py", path)
    for path in (b"docs/use.rst", b"CHANGES.txt", b"pkg/b.pyi", b".github/workflows/test.yml", b".travis.yml")
)
PATCH = TWO_HUNKS + ONE_HUNK + ADDED + UNTESTABLE + MODE_AND_HUNK

LEFT = {
    "a.py:2": TWO_HUNKS.partition(b"@@ -1")[0]
    + b"@@ -10,3 +10,2 @@ def f():\n ten\n-eleven\n twelve\n"
    + PATCH[len(TWO_HUNKS) :],
    "a.py:11": TWO_HUNKS.partition(b"@@ -10")[0] + PATCH[len(TWO_HUNKS) :],
    "b.py:4": TWO_HUNKS + ADDED + UNTESTABLE + MODE_AND_HUNK,
    "c.py:None": TWO_HUNKS + ONE_HUNK + UNTESTABLE + MODE_AND_HUNK,
    "d.sh:1": PATCH.removesuffix(b"@@ -1 +1 @@\n-old\n+new\n"),
}


def test_each_part_is_left_out_alone_and_what_no_test_notices_is_none():
    parts = patch_parts(parse_patch(PATCH))
    assert {f"{part.file.path.decode()}:{part.line}": without_part(PATCH, part) for part in parts} == LEFT


def test_of_many_parts_some_are_taken_evenly_spaced():
    parts = patch_parts(parse_patch(PATCH))
    assert [parts.index(part) for part in evenly_spaced(parts, 2)] == [0, 2]
    assert (evenly_spaced(parts, 8), evenly_spaced([], 8)) == (parts, [])
