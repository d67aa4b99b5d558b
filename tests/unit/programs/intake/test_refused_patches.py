"""Patches that git apply would take in part, elsewhere or without effect are rejected before anything is judged."""

from pathlib import Path

import pytest

from swefoundry.contracts.intake import IntakeResult
from swefoundry.contracts.stages import Stage
from swefoundry.oci.content import digest_of
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import git, writing

CALC = b"def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n"
PATCH = (
    b"--- a/calc.py\n+++ b/calc.py\n@@ -1,5 +1,5 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
    b" \n \n def mul(a, b):\n"
)
ADDS = b"diff --git a/t.py b/t.py\nnew file mode 100644\n--- /dev/null\n+++ b/t.py\n@@ -0,0 +1 @@\n+x\n"


async def run_intake(
    harness: IntakeHarness, gold: bytes, test: bytes | None = None, files: dict[str, bytes] | None = None
) -> IntakeResult:
    repository = harness.repository()
    commit = repository.commit(writing(files or {"calc.py": CALC, "pkg/calc.py": CALC}))
    return await harness.run_intake(harness.origin(repository, commit), test, gold)


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (PATCH + b"diff --cc names\n@@@ -1 -1 +1 @@@\n", "the gold patch has a combined diff of a merge"),
        (PATCH.replace(b" a/", b" pkg/").replace(b" b/", b" pkg/"), "`git apply -p0` would fit"),
        (PATCH + b"Binary files a/x and b/x differ\n", "the gold patch names a binary file without"),
        (PATCH + b"+    return None\n", "the gold patch has a hunk with more lines"),
        (PATCH + b"diff --git a/x b/x\n", "the gold patch changes nothing in x (line 10)"),
    ],
    ids=["combined", "no prefixes", "no binary data", "long hunk", "no change"],
)
async def test_a_patch_that_would_be_applied_in_part_is_refused(
    patch: bytes, message: str, harness: IntakeHarness
) -> None:
    record = await run_intake(harness, patch)
    assert (record.code, record.layers) == (15, {})
    assert message in record.message


async def test_a_form_is_refused_before_anything_is_fetched(harness: IntakeHarness) -> None:
    repository = harness.repository()
    origin = harness.origin(repository, "0" * 40)
    record = await harness.run_intake(origin, None, PATCH + b"diff --git a/x b/x\n")
    assert record.code == 15


async def test_a_patch_that_takes_back_its_own_change_is_misapplied(harness: IntakeHarness) -> None:
    back = PATCH.replace(b"-    return a - b\n+    return a + b", b"-    return a + b\n+    return a - b")
    record = await run_intake(harness, PATCH + back + ADDS)
    assert (record.code, record.message) == (
        16,
        "the gold patch was not applied as it is written: it names calc.py, unchanged afterwards",
    )


async def test_a_file_that_both_patches_add_is_named(harness: IntakeHarness) -> None:
    record = await run_intake(harness, PATCH + ADDS, ADDS)
    assert (record.code, record.message) == (
        11,
        "the gold patch does not apply after the test patch: both patches add t.py: "
        "leave it out of the one to which it does not belong",
    )


@pytest.mark.parametrize(
    ("patch", "content", "eol"),
    [
        (PATCH.replace(b"\n", b"\r\n"), CALC, "end with CRLF, those of the file with LF"),
        (PATCH, CALC.replace(b"\n", b"\r\n"), "end with LF, those of the file with CRLF"),
    ],
    ids=["a CRLF patch", "an LF patch"],
)
async def test_line_endings_that_differ_are_named(
    patch: bytes, content: bytes, eol: str, harness: IntakeHarness
) -> None:
    record = await run_intake(harness, patch, files={"calc.py": content})
    assert record.code == 11
    assert f"its lines {eol}: it was made from another checkout" in record.message


@pytest.mark.parametrize("content", [CALC, CALC.replace(b"\n", b"\r\n")], ids=["LF", "CRLF"])
async def test_a_stripped_patch_is_completed_with_a_note(
    content: bytes, harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"calc.py": content}))
    after = repository.commit(writing({"calc.py": content.replace(b"a - b", b"a + b")}))
    whole = git(repository.root, "diff", "-U2", base, after)
    record = await harness.run_intake(harness.origin(repository, base), None, whole.rstrip())
    assert await harness.stage(record, Stage.AFTER) == repository.checkout(after, tmp_path / "truth")
    assert record.patches == {"gold": digest_of(whole)}
    assert await harness.registry.get_blob(harness.repo, digest_of(whole), 1 << 20) == whole
    assert record.notes == [
        "the gold patch had no newline at its end, which git rejects; one was added",
        "the gold patch lacked 2 blank context lines at the end of the hunk at line 5; completed",
    ]
