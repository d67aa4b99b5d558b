"""The program as a pod runs it: a spec in the environment, a record in the termination log, an exit code."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from swefoundry.contracts.checkout import CheckoutResult, CheckoutSpec
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.content import digest_of
from swefoundry.oci.deterministic_tar import RegularFile, Symlink
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import push_source
from swefoundry.programs.checkout.run import run_checkout
from unit.oci import registry_server
from unit.oci.collecting import bare
from unit.pod_programs import ProgramEnd, RunningProgram
from unit.programs.checkout.archive_files import Files, apply_layer, source_archive, with_parent_folders

REPO = "checkout/owner/name"
OLD: Files = {b"a.py": RegularFile(b"1\n"), b"gone.py": RegularFile(b""), b".git/HEAD": RegularFile(b"old")}
NEW: Files = {b"a.py": RegularFile(b"2\n"), b"new": Symlink(b"a.py"), b".git/HEAD": RegularFile(b"new")}


async def run(tmp_path: Path, spec: str) -> ProgramEnd[CheckoutResult]:
    program = await RunningProgram.start(
        "swefoundry.programs.checkout", CheckoutResult, tmp_path, SWEFOUNDRY_CHECKOUT=spec
    )
    ended = await program.wait()
    assert list((tmp_path / "work").iterdir()) == []
    return ended


async def pushed(registry: RegistryClient, path: Path, files: Files) -> Digest:
    return await push_source(registry, REPO, source_archive(path, files))


def a_spec(host: str, parent: str, target: str, **fields: Any) -> str:
    place = {"registry": host, "insecure": True, "repository": REPO}
    spec = {"nonce": "abc", "place": place, "parent": parent, "source": target} | fields
    return CheckoutSpec.model_validate(spec).model_dump_json(by_alias=True)


async def test_a_checkout_ends_with_its_layer_in_the_registry(
    registry: RegistryClient, tmp_path: Path
) -> None:
    old, new = await pushed(registry, tmp_path / "old", OLD), await pushed(registry, tmp_path / "new", NEW)
    ended = await run(tmp_path, a_spec(registry.host, old, new))
    assert (ended.exit_code, ended.record.nonce) == (0, "abc"), ended.output
    record = ended.record
    assert (record.added, record.changed, record.removed, record.bytes) == (1, 1, 1, 5)
    assert isinstance(record.layer, Layer)
    layer = await registry.get_blob(REPO, record.layer.digest, record.layer.size)
    assert len(layer) == record.layer.size
    assert apply_layer(layer, with_parent_folders(OLD)) == with_parent_folders(NEW)
    assert await bare(registry, REPO, [record.layer.digest]) == set()
    assert (await run(tmp_path, a_spec(registry.host, old, new))).record == record


@pytest.mark.parametrize(
    ("watched", "stale"),
    [
        (None, True),
        ([], False),
        (["*.py"], True),
        (["gone*"], True),
        (["a.c", "lib/*"], False),
        (["HEAD"], False),
    ],
    ids=["all files", "none", "changed or gone", "gone", "neither", "of .git"],
)
async def test_what_was_built_is_stale_when_a_watched_file_differs(
    registry: RegistryClient, tmp_path: Path, watched: list[str] | None, stale: bool
) -> None:
    old, new = await pushed(registry, tmp_path / "old", OLD), await pushed(registry, tmp_path / "new", NEW)
    ended = await run(tmp_path, a_spec(registry.host, old, new, watched=watched))
    assert (ended.exit_code, ended.record.stale) == (0, stale)


async def test_a_source_that_is_gone_is_named(registry: RegistryClient, tmp_path: Path) -> None:
    new = await pushed(registry, tmp_path / "new", NEW)
    missing = digest_of(b"never pushed")
    ended = await run(tmp_path, a_spec(registry.host, missing, new))
    assert (ended.exit_code, ended.record.code) == (12, 12)
    assert ended.record.message == f"the source {missing} is not in {REPO}"


async def test_no_download_goes_on_when_the_other_source_is_gone(
    registry: RegistryClient, tmp_path: Path
) -> None:
    new = await pushed(registry, tmp_path / "new", NEW)
    spec = CheckoutSpec.model_validate_json(a_spec(registry.host, digest_of(b"never pushed"), new))
    folder = tmp_path / "folder"
    folder.mkdir()
    before = asyncio.all_tasks()
    assert (await run_checkout(spec, registry, folder)).code == 12
    assert (asyncio.all_tasks(), [path.name for path in folder.iterdir()]) == (before, ["source.tar.gz"])


async def test_an_artifact_that_is_no_source_is_refused(registry: RegistryClient, tmp_path: Path) -> None:
    new = await pushed(registry, tmp_path / "new", NEW)
    not_a_source = await push_artifact(registry, REPO, "evidence", {"a": b"1", "b": b"2"})
    broken = await push_artifact(registry, REPO, "evidence", {"a": b"no archive"})
    assert (await run(tmp_path, a_spec(registry.host, not_a_source, new))).exit_code == 12
    ended = await run(tmp_path, a_spec(registry.host, broken, new))
    assert (ended.exit_code, "cannot be read" in ended.record.message) == (12, True)


async def test_a_registry_that_is_down_is_no_fault_of_the_sources(tmp_path: Path) -> None:
    host = f"127.0.0.1:{registry_server.refusing_port()}"
    ended = await run(tmp_path, a_spec(host, digest_of(b"a"), digest_of(b"b")))
    assert (ended.exit_code, host in ended.record.message) == (30, True)


async def test_a_spec_that_cannot_be_read_is_our_own_defect(tmp_path: Path) -> None:
    for spec in ("", "{}", "[]", json.dumps({"nonce": "x"})):
        ended = await run(tmp_path, spec)
        assert (ended.exit_code, ended.record.code, ended.record.nonce) == (90, 90, "")
