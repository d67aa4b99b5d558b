"""Rows for tests, in the formats of the field; all of our own making."""

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
    """A file of JSON lines; texts are written as they are."""
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path
