"""Submodules: fetched at their recorded commits where the source asks for it, and named where it does not."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from swefoundry.contracts.intake import IntakeResult
from swefoundry.contracts.stages import Stage
from swefoundry.oci.deterministic_tar import RegularFile
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import Repository, git, writing


@dataclass(frozen=True)
class Linked:
    """A repository with a submodule, and its commits: base, with tests, with the fix."""

    repository: Repository
    helper: Repository
    commits: tuple[str, ...]

    def diffs(self) -> tuple[bytes, bytes]:
        base, tests, fix = self.commits
        return self.repository.diff(base, tests), self.repository.diff(tests, fix)


def link(repository: Repository, path: str, commit: str) -> None:
    git(repository.root, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")


def commit_index(repository: Repository, *paths: str) -> str:
    git(repository.root, "add", "--", *paths) if paths else None
    git(repository.root, "commit", "-q", "--allow-empty", "-m", "a change")
    return git(repository.root, "rev-parse", "HEAD").decode().strip()


def modules(path: str, url: str) -> bytes:
    return f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n'.encode()


def linked(harness: IntakeHarness, path: str = "helper", url: str = "") -> Linked:
    """The fix is a new commit of the submodule."""
    helper, repository = harness.repository(), harness.repository()
    one = helper.commit(writing({"__init__.py": b"V = 1\n", "gone.py": b""}))
    (helper.root / "gone.py").unlink()
    two = helper.commit(writing({"__init__.py": b"V = 2\n"}))
    url = url or f"../{helper.served.name}"
    writing({".gitmodules": modules(path, url), "app.py": b"A = 1\n"})(repository.root)
    link(repository, path, one)
    base = commit_index(repository, ".gitmodules", "app.py")
    writing({"tests/test_v.py": b"from helper import V\n"})(repository.root)
    tests = commit_index(repository, "tests")
    link(repository, path, two)
    return Linked(repository, helper, (base, tests, commit_index(repository)))


async def fetched(harness: IntakeHarness, source: Linked, **patches: bytes | None) -> IntakeResult:
    origin = harness.origin(source.repository, source.commits[0], submodules=True)
    return await harness.run_intake(origin, patches.get("test"), patches.get("gold"))


async def test_a_fix_that_moves_a_submodule_changes_its_files(harness: IntakeHarness) -> None:
    source = linked(harness)
    test, gold = source.diffs()
    record = await fetched(harness, source, test=test, gold=gold)
    before, after = [await harness.stage(record, stage) for stage in (Stage.BEFORE, Stage.AFTER)]
    assert before[b"helper/__init__.py"] == RegularFile(b"V = 1\n")
    assert b"helper/gone.py" in before
    assert after[b"helper/__init__.py"] == RegularFile(b"V = 2\n")
    assert b"helper/gone.py" not in after
    assert record.notes == []


async def test_the_clean_tree_has_the_files_and_no_second_repository(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    record = await fetched(harness, linked(harness))
    root = await harness.unpacked(record, tmp_path / "clean")
    assert [path.relative_to(root).as_posix() for path in root.rglob(".git")] == [".git"]
    assert (root / "helper/__init__.py").read_text() == "V = 1\n"
    assert git(root, "status", "--porcelain") == git(root, "fsck", "--strict", "--unreachable") == b""
    assert b"160000" not in git(root, "ls-files", "--stage")
    assert not (root / ".git/objects/info/alternates").exists()


async def test_submodules_of_submodules_are_fetched_too(harness: IntakeHarness) -> None:
    inner = linked(harness, "deep/helper")
    outer = harness.repository()
    writing({".gitmodules": modules("vendor", f"../{inner.repository.served.name}")})(outer.root)
    link(outer, "vendor", inner.commits[2])
    commit = commit_index(outer, ".gitmodules")
    record = await harness.run_intake(harness.origin(outer, commit, submodules=True))
    tree = await harness.stage(record, Stage.BASE)
    assert tree[b"vendor/deep/helper/__init__.py"] == RegularFile(b"V = 2\n")


async def test_a_patch_may_add_and_remove_a_submodule(harness: IntakeHarness) -> None:
    source = linked(harness)
    git(source.repository.root, "rm", "-q", "--cached", "helper")
    writing({".gitmodules": modules("other", f"../{source.helper.served.name}")})(source.repository.root)
    link(source.repository, "other", git(source.helper.root, "rev-parse", "HEAD").decode().strip())
    gold = source.repository.diff(source.commits[0], commit_index(source.repository, ".gitmodules"))
    record = await fetched(harness, source, gold=gold)
    tree = await harness.stage(record, Stage.AFTER)
    assert tree[b"other/__init__.py"] == RegularFile(b"V = 2\n")
    assert not [path for path in tree if path.startswith(b"helper/")]


async def test_a_patch_from_another_commit_of_the_submodule_does_not_apply(harness: IntakeHarness) -> None:
    source = linked(harness)
    old = git(source.helper.root, "rev-parse", "HEAD~1").strip()
    record = await fetched(harness, source, gold=source.diffs()[1].replace(old, b"1" * 40))
    assert record.code == 11
    assert record.message.startswith("the gold patch does not apply: submodule helper: it is at ")


async def test_a_fix_that_moves_a_submodule_needs_the_policy(harness: IntakeHarness) -> None:
    source = linked(harness)
    test, gold = source.diffs()
    record = await harness.run_intake(harness.origin(source.repository, source.commits[0]), test, gold)
    assert record.code == 17
    assert "Set spec.source.git.submodules: true" in record.message


async def test_tests_that_import_a_submodule_need_the_policy(harness: IntakeHarness) -> None:
    source = linked(harness)
    record = await harness.run_intake(harness.origin(source.repository, source.commits[0]), source.diffs()[0])
    assert (record.code, record.message) == (
        17,
        "the tests import helper, a submodule, and submodules are not fetched. "
        "Set spec.source.git.submodules: true",
    )


async def test_a_submodule_that_the_tests_do_not_import_is_noted(harness: IntakeHarness) -> None:
    source = linked(harness, "docs/theme")
    record = await harness.run_intake(harness.origin(source.repository, source.commits[0]), source.diffs()[0])
    assert (record.code, record.notes) == (
        0,
        [
            "submodules that were not fetched and are empty folders: docs/theme. "
            "If the build or the tests need them, set spec.source.git.submodules: true"
        ],
    )


@pytest.mark.parametrize(
    "url", ["file:///etc", "/etc/passwd", "ext::sh -c id", "--upload-pack=id", "../../../x", "http://", "a b"]
)
async def test_a_hostile_url_is_not_fetched(url: str, harness: IntakeHarness) -> None:
    record = await fetched(harness, linked(harness, url=url))
    assert (record.code in (12, 13), record.layers) == (True, {})


async def test_a_submodule_commit_that_nobody_has_is_named(harness: IntakeHarness) -> None:
    source = linked(harness)
    link(source.repository, "helper", "1" * 40)
    commit = commit_index(source.repository)
    record = await harness.run_intake(harness.origin(source.repository, commit, submodules=True))
    assert record.code == 12
    assert record.message.startswith("submodule helper: ")
    assert "1" * 40 in record.message


async def test_a_submodule_without_a_url_is_left_and_noted(harness: IntakeHarness) -> None:
    repository = harness.repository()
    link(repository, "orphan", "1" * 40)
    commit = commit_index(repository)
    record = await harness.run_intake(harness.origin(repository, commit, submodules=True))
    assert (record.code, record.notes) == (
        0,
        [".gitmodules names no URL for orphan: not fetched, as by git itself"],
    )


async def test_a_tree_that_writes_into_git_is_refused(harness: IntakeHarness) -> None:
    source = linked(harness)
    helper = source.helper.root
    blob = git(helper, "hash-object", "-w", "--stdin", stdin=b"[core]\n").decode().strip()
    inner = git(helper, "mktree", stdin=f"100644 blob {blob}\tconfig\n".encode()).decode().strip()
    tree = git(helper, "mktree", stdin=f"040000 tree {inner}\t.git\n".encode()).decode().strip()
    evil = git(helper, "commit-tree", tree, "-m", "x").decode().strip()
    git(helper, "update-ref", "refs/heads/evil", evil)
    link(source.repository, "helper", evil)
    commit = commit_index(source.repository)
    record = await harness.run_intake(harness.origin(source.repository, commit, submodules=True))
    assert (record.code, record.layers) == (12, {})
