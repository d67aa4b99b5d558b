"""Patches that an intake refuses: the exit code, and a message that names the patch."""

from pathlib import Path

import pytest

from swefoundry.contracts.intake import IntakeSpec, PatchSource
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.programs.intake.intake_result import run_intake_to_result
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import TEXT, Edit, both, linking, nothing, writing


async def refused(
    harness: IntakeHarness, patch: bytes, base: Edit = nothing, *, gold: bool = True
) -> tuple[int, str]:
    repository = harness.repository()
    commit = repository.commit(both(writing({"a.py": TEXT * 9, "dir/b": TEXT}), base))
    patches = (None, patch) if gold else (patch, None)
    record = await harness.run_intake(harness.origin(repository, commit), *patches)
    assert record.layers == {}
    return record.code, record.message


def rewritten(harness: IntakeHarness) -> bytes:
    """A patch with two good hunks and one whose context is not there."""
    other = harness.repository()
    content = (TEXT * 9).splitlines(keepends=True)
    old = other.commit(writing({"a.py": b"".join([*content[:60], b"elsewhere\n", *content[61:]])}))
    content[2], content[30], content[63] = b"x\n", b"y\n", b"z\n"
    new = other.commit(writing({"a.py": b"".join([*content[:60], b"elsewhere\n", *content[61:]])}))
    return other.diff(old, new)


async def test_a_gold_patch_that_does_not_apply_is_named_with_file_and_hunk(harness: IntakeHarness) -> None:
    assert await refused(harness, rewritten(harness)) == (
        11,
        "the gold patch does not apply: a.py, hunk 3 of 3 at line 61: patch failed: a.py:61; "
        "a.py: patch does not apply. "
        "It is applied after the test patch: was it made against spec.baseCommit, and does it leave the files of "
        "the test patch alone?",
    )


async def test_a_test_patch_that_does_not_apply_has_a_code_of_its_own(harness: IntakeHarness) -> None:
    code, message = await refused(harness, rewritten(harness), gold=False)
    assert (code, message[:31]) == (10, "the test patch does not apply: ")


def added(path: str, content: bytes = b"x") -> bytes:
    return b"diff --git a/%b b/%b\nnew file mode 100644\n--- /dev/null\n+++ b/%b\n@@ -0,0 +1 @@\n+%b\n" % (
        path.encode(),
        path.encode(),
        path.encode(),
        content,
    )


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"not a patch at all\n", "it is not a unified diff"),
        (added("a.py"), "a.py: already exists in index"),
        (added("new.py").replace(b"@@ -0,0 +1 @@", b"@@ -0,0 +1,9 @@"), "corrupt patch at line"),
        (added(".git/hooks/post-checkout"), "invalid path '.git/hooks/post-checkout'"),
        (added("dir/.GIT/config"), "invalid path 'dir/.GIT/config'"),
        (added("../outside"), "invalid path '../outside'"),
        (added("/etc/cron.d/x"), "invalid path '/etc/cron.d/x'"),
        (added("dir/.wh.b"), "dir/.wh.b: names that start with .wh. cannot be stored"),
        (added(".wh..wh..opq"), "names that start with .wh. cannot be stored"),
        (added("outside/x"), "beyond a symbolic link"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_bad_patch_is_refused_in_gits_words(
    patch: bytes, reason: str, harness: IntakeHarness
) -> None:
    code, message = await refused(harness, patch, linking("outside", "/tmp"))
    assert code == 11
    assert reason in message


async def test_a_patch_may_not_write_through_a_link_of_its_own(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    link = f"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+{tmp_path}\n"
    link += "\\ No newline at end of file\n"
    code, _ = await refused(harness, link.encode() + added("l/escaped"))
    assert code == 11
    assert not (tmp_path / "escaped").exists()


async def test_a_patch_that_is_not_in_the_registry_is_named(harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = repository.commit(writing({"a": b""}))
    spec = IntakeSpec(
        nonce="n",
        place=RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo),
        origin=harness.origin(repository, commit),
        test_patch=PatchSource(blob="sha256:" + "0" * 64, named="spec.testPatch.artifact: blob 0"),
    )
    record = await run_intake_to_result(
        spec, harness.registry, harness.workspace(), progress=lambda line: None
    )
    remediation = "create it, and the work goes on by itself"
    assert (record.code, record.message) == (
        14,
        f"spec.testPatch.artifact: blob 0 does not exist; {remediation}",
    )


async def test_a_mounted_patch_that_is_not_there_is_called_as_in_the_manifest(harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = repository.commit(writing({"a": b""}))
    spec = IntakeSpec(
        nonce="n",
        place=RegistryLocation(registry=harness.registry.host, insecure=True, repository=harness.repo),
        origin=harness.origin(repository, commit),
        gold_patch=PatchSource(
            path="/nowhere/patch", named="spec.goldPatch.configMapRef: ConfigMap x, key y"
        ),
    )
    record = await run_intake_to_result(
        spec, harness.registry, harness.workspace(), progress=lambda line: None
    )
    reason = (
        "spec.goldPatch.configMapRef: ConfigMap x, key y does not exist; "
        "create it, and the work goes on by itself"
    )
    assert (record.code, record.message) == (14, reason)
