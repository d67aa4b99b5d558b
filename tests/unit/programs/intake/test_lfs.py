"""Files of Git LFS: fetched where the source asks for it, and named where it does not."""

import hashlib
import threading
from pathlib import Path

import pytest

from swefoundry.contracts.intake import GitOrigin, IntakeResult
from swefoundry.contracts.stages import Stage
from swefoundry.oci.deterministic_tar import RegularFile
from swefoundry_lab import gitserver
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import Repository, writing

OLD, NEW = b"old data\n" * 1000, b"new data\n" * 1000


def pointer(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize %d\n" % (
        oid.encode(),
        len(content),
    )


def offer(harness: IntakeHarness, *contents: bytes) -> None:
    harness.hub.lfs |= {hashlib.sha256(content).hexdigest(): content for content in contents}


def a_repository(harness: IntakeHarness) -> tuple[Repository, str, str]:
    """A repository whose fix replaces a file of Git LFS, its base and its fix."""
    repository = harness.repository()
    attributes = {".gitattributes": b"*.bin filter=lfs diff=lfs merge=lfs -text\n"}
    base = repository.commit(writing(attributes | {"data.bin": pointer(OLD), "a.py": b"1\n"}))
    return repository, base, repository.commit(writing({"data.bin": pointer(NEW), "more.bin": pointer(OLD)}))


async def fetched(
    harness: IntakeHarness, repository: Repository, base: str, gold: bytes | None
) -> IntakeResult:
    return await harness.run_intake(harness.origin(repository, base, lfs=True), None, gold)


async def test_files_replace_their_pointers_in_every_stage(harness: IntakeHarness) -> None:
    offer(harness, OLD, NEW)
    repository, base, fix = a_repository(harness)
    record = await fetched(harness, repository, base, repository.diff(base, fix))
    before, after = [await harness.stage(record, stage) for stage in (Stage.BEFORE, Stage.AFTER)]
    assert before[b"data.bin"] == RegularFile(OLD)
    assert (after[b"data.bin"], after[b"more.bin"]) == (RegularFile(NEW), RegularFile(OLD))
    assert record.notes == []


async def test_the_token_of_the_source_opens_its_lfs_server(harness: IntakeHarness, tmp_path: Path) -> None:
    offer(harness, OLD)
    repository = harness.repository(f"private/{tmp_path.name}")
    base = repository.commit(writing({"data.bin": pointer(OLD)}))
    (tmp_path / "token").write_text("the-token")
    origin = harness.origin(repository, base, lfs=True, token_file=str(tmp_path / "token"))
    record = await harness.run_intake(origin)
    assert (await harness.stage(record, Stage.BASE))[b"data.bin"] == RegularFile(OLD)


async def test_the_git_server_of_the_lab_has_files_of_lfs(harness: IntakeHarness) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"data.bin": pointer(OLD)}))
    name = repository.served.relative_to(harness.hub.root).as_posix()
    path = gitserver.lfs_path(harness.hub.root, name, hashlib.sha256(OLD).hexdigest())
    path.parent.mkdir(parents=True)
    path.write_bytes(OLD)
    server = gitserver.Server(("127.0.0.1", 0), harness.hub.root)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/{name}"
        record = await harness.run_intake(GitOrigin(url=url, commit=base, lfs=True))
    finally:
        server.shutdown()
        server.server_close()
    assert (await harness.stage(record, Stage.BASE))[b"data.bin"] == RegularFile(OLD)


async def test_a_file_that_the_server_does_not_have_is_named(harness: IntakeHarness) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"data.bin": pointer(b"nobody has this")}))
    record = await fetched(harness, repository, base, None)
    assert record.code == 12
    assert f"does not have the file {hashlib.sha256(b'nobody has this').hexdigest()}" in record.message


async def test_a_file_with_other_content_is_refused(harness: IntakeHarness) -> None:
    harness.hub.lfs[hashlib.sha256(b"right").hexdigest()] = b"wrong"
    repository = harness.repository()
    base = repository.commit(writing({"data.bin": pointer(b"right")}))
    record = await fetched(harness, repository, base, None)
    assert record.code == 12
    assert f"not {hashlib.sha256(b'right').hexdigest()}" in record.message


async def test_more_than_the_limit_is_refused_before_a_download(harness: IntakeHarness) -> None:
    repository = harness.repository()
    huge = pointer(OLD).replace(b"size 9000", b"size 99999999999")
    record = await fetched(harness, repository, repository.commit(writing({"data.bin": huge})), None)
    assert (record.code, record.message) == (12, "the files of Git LFS are larger than 1024 MiB")


async def test_a_patch_of_pointers_needs_the_policy(harness: IntakeHarness) -> None:
    repository, base, fix = a_repository(harness)
    record = await harness.run_intake(harness.origin(repository, base), None, repository.diff(base, fix))
    assert (record.code, record.message) == (
        18,
        "the gold patch changes data.bin, more.bin, pointers of Git LFS, and its files are not fetched. "
        "Set spec.source.git.lfs: true",
    )


async def test_pointers_that_no_patch_changes_are_noted(harness: IntakeHarness) -> None:
    repository, base, _ = a_repository(harness)
    fix = repository.commit(writing({"data.bin": pointer(OLD), "a.py": b"2\n"}))
    (repository.root / "more.bin").unlink()
    fix = repository.commit(lambda root: None)
    record = await harness.run_intake(harness.origin(repository, base), None, repository.diff(base, fix))
    assert (record.code, record.notes) == (
        0,
        [
            "files of Git LFS that were not fetched and are pointers: data.bin. "
            "If the build or the tests need them, set spec.source.git.lfs: true"
        ],
    )


@pytest.mark.parametrize(
    "content", [b"", b"# version https://git-lfs.github.com/spec/v1\n", pointer(OLD) + b"x\n"]
)
async def test_other_files_are_no_pointers(content: bytes, harness: IntakeHarness) -> None:
    repository = harness.repository()
    commit = repository.commit(writing({"readme": content}))
    assert (await harness.run_intake(harness.origin(repository, commit))).notes == []
