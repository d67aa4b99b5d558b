"""A stored source is somebody else's content too: what it carries in .git may name commands and must not run."""

from pathlib import Path

import pytest

from swefoundry.contracts.intake import ArtifactOrigin, IntakeResult
from swefoundry.oci.deterministic_tar import pack_folder
from swefoundry.oci.source_store import push_source
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import git, writing


async def taken_in(harness: IntakeHarness, root: Path, patch: bytes | None = None) -> IntakeResult:
    packed = root.with_suffix(".tar.gz")
    pack_folder(root, packed)
    source = await push_source(harness.registry, harness.repo, packed)
    return await harness.run_intake(ArtifactOrigin(digest=source), None, patch)


def a_source(root: Path) -> Path:
    root.mkdir()
    git(root, "init", "-q", "-b", "main", ".")
    writing({"a.py": b"1\n", ".gitattributes": b"*.py filter=evil diff=evil\n"})(root)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")
    return root


PATCH = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-1\n+2\n"


async def test_commands_in_a_sources_git_folder_do_not_run(harness: IntakeHarness, tmp_path: Path) -> None:
    root, canary = a_source(tmp_path / "source"), tmp_path / "ran"
    script = root / ".git/evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    script.chmod(0o755)
    evil = "\n".join(
        [
            f"[core]\n\tfsmonitor = {script}\n\thooksPath = .git/hooks\n\tsshCommand = {script}\n\tpager = {script}",
            f'[filter "evil"]\n\tclean = {script}\n\tsmudge = {script}\n\tprocess = {script}\n\trequired = true',
            f'[diff "evil"]\n\ttextconv = {script}',
            "[include]\n\tpath = ../evil.config",
        ]
    )
    (root / ".git/config").write_text(evil)
    (root / ".git/config.worktree").write_text(evil)
    hooks = root / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "applypatch-msg", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {canary}\n")
        (hooks / name).chmod(0o755)
    record = await taken_in(harness, root, PATCH)
    assert (record.code, record.message) == (0, "")
    assert not canary.exists()


async def test_a_common_folder_elsewhere_is_not_followed(harness: IntakeHarness, tmp_path: Path) -> None:
    root, canary = a_source(tmp_path / "source"), tmp_path / "ran"
    other = root / "elsewhere"
    git(root, "clone", "-q", "--bare", ".", "elsewhere")
    with (other / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = touch {canary};\n")
    (root / ".git/commondir").write_text("../elsewhere\n")
    record = await taken_in(harness, root, PATCH)
    assert (record.code, record.message) == (0, "")
    assert not canary.exists()


@pytest.mark.parametrize("kind", ["no .git", "a .git file", "a .git link", "a link in .git", "no commit"])
async def test_what_is_no_clean_tree_is_refused(harness: IntakeHarness, tmp_path: Path, kind: str) -> None:
    root = a_source(tmp_path / "source")
    outside = (root / ".git").rename(tmp_path / "outside")
    match kind:
        case "a .git file":
            (root / ".git").write_text(f"gitdir: {outside}\n")
        case "a .git link":
            (root / ".git").symlink_to(outside)
        case "a link in .git":
            (root / ".git").mkdir()
            (root / ".git/config").symlink_to(outside / "config")
        case "no commit":
            git(root, "init", "-q", ".")
    record = await taken_in(harness, root)
    assert record.code == 12
    assert "the source artifact" in record.message
