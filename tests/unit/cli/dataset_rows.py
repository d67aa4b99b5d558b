"""Rows for tests, in the formats of public data sets; all written for these tests."""

import json
from pathlib import Path
from typing import Any

PATCH = """diff --git a/calc.py b/calc.py
--- a/calc.py
+++ b/calc.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a - b
+    return a + b
"""

TEST_PATCH = """diff --git a/tests/test_calc.py b/tests/test_calc.py
new file mode 100644
--- /dev/null
+++ b/tests/test_calc.py
@@ -0,0 +1,4 @@
+from calc import add
+
+def test_add():
+    assert add(1, 2) == 3
"""


def long_file(lines: int) -> str:
    """A diff that adds a file of this many lines."""
    header = (
        f"diff --git a/long b/long\nnew file mode 100644\n--- /dev/null\n+++ b/long\n@@ -0,0 +1,{lines} @@\n"
    )
    return header + "+ \t \n" * lines


BINARY = "diff --git a/logo.png b/logo.png\nBinary files a/logo.png and b/logo.png differ\n"

BAD_ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "no tests": ({"test_patch": ""}, "test_patch"),
    "no fix": ({"patch": "  \n"}, "patch"),
    "prose for a patch": ({"patch": "see the pull request"}, "patch"),
    "two patches that add one file": (
        {"patch": TEST_PATCH},
        "patch, test_patch: both patches add tests/test_calc.py",
    ),
    "a combined diff": ({"patch": PATCH + "diff --cc calc.py\n"}, "patch: has a combined diff"),
    "no prefixes": (
        {"patch": PATCH.replace(" a/", " ").replace(" b/", " ")},
        "patch: has paths without the prefixes",
    ),
    "cut off": ({"patch": PATCH[: PATCH.index("+    return")]}, "patch: is cut off"),
    "binary left out": ({"patch": PATCH + BINARY}, "patch"),
    "abbreviated commit": ({"base_commit": "abc123"}, "base_commit"),
    "no commit": ({"base_commit": ...}, "base_commit"),
    "no id": ({"instance_id": ""}, "instance_id"),
    "a list for a name": ({"repo": ["octo/calc"]}, "repo"),
    "a lone surrogate": ({"problem_statement": "\ud800"}, "problem_statement"),
    "no time": ({"created_at": "yesterday"}, "created_at"),
    "code in a list": ({"FAIL_TO_PASS": "[print()]"}, "FAIL_TO_PASS"),
    "SWE-smith": ({"repo": "swesmith/octo__calc.1234"}, "this is a SWE-smith row"),
    "Multi-SWE-bench": ({"fix_patch": PATCH, "patch": ...}, "this is a Multi-SWE-bench row"),
    "a prediction": ({"model_patch": PATCH, "patch": ...}, "this is a prediction"),
    "R2E-Gym": ({"parsed_commit_content": "{}"}, "this is an R2E-Gym row"),
    "Scale-SWE": ({"f2p_patch": PATCH, "test_patch": ...}, "this is a Scale-SWE row"),
}
"""Changes that make a classic row invalid, and the start of the reason: the column or the format."""


def classic_row(**columns: Any) -> dict[str, Any]:
    """A SWE-bench row."""
    row = {
        "repo": "octo/calc",
        "instance_id": "octo__calc-7",
        "base_commit": "a" * 40,
        "patch": PATCH,
        "test_patch": TEST_PATCH,
        "problem_statement": "add() subtracts\nIt should add.",
        "hints_text": "",
        "created_at": "2023-06-01T12:00:00Z",
        "version": "1.2",
        "FAIL_TO_PASS": '["tests/test_calc.py::test_add"]',
        "PASS_TO_PASS": "[]",
        "environment_setup_commit": "b" * 40,
    }
    return {key: value for key, value in (row | columns).items() if value is not ...}


def factory_row(**columns: Any) -> dict[str, Any]:
    """A SWE-Factory row."""
    row = classic_row(
        pull_number=7, issue_numbers=["5"], FAIL_TO_PASS=..., PASS_TO_PASS=..., environment_setup_commit=...
    )
    return {key: value for key, value in (row | columns).items() if value is not ...}


def write_json_lines(path: Path, *rows: Any) -> Path:
    """A file of JSON lines; texts are written unchanged."""
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path
