"""The program as a pod runs it: a spec in the environment, a record in the termination log, an exit code."""

import json
from pathlib import Path
from typing import Any

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.leaks import FINDINGS_FILE, LeakFinding, LeakKind, LeaksResult, LeaksSpec
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.content import DOCKER_MANIFEST, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, descriptor, digest_of
from swefoundry.oci.deterministic_tar import RegularFile
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import push_source
from unit.archives.archive_writers import Entry, file, tar
from unit.oci import registry_server
from unit.pod_programs import ProgramEnd, RunningProgram
from unit.programs.checkout.archive_files import source_archive
from unit.programs.leaks.small_images import BASE, FIX, GOLD, TEST

REPO = "leaks/owner/calc"


async def run(tmp_path: Path, spec: str) -> ProgramEnd[LeaksResult]:
    program = await RunningProgram.start(
        "swefoundry.programs.leaks", LeaksResult, tmp_path, SWEFOUNDRY_LEAKS=spec
    )
    ended = await program.wait()
    assert list((tmp_path / "work").iterdir()) == []
    return ended


async def an_image(registry: RegistryClient, *layers: list[Entry]) -> Digest:
    """An image of these layers, the lowest first, behind an index as `docker buildx` writes one."""
    blobs = [tar(*layer) for layer in layers]
    config = await registry.put_blob(REPO, b"{}")
    described = [descriptor(OCI_LAYER, await registry.put_blob(REPO, blob), len(blob)) for blob in blobs]
    manifest = {"schemaVersion": 2, "config": descriptor("config", config, 2), "layers": described}
    digest = await registry.put_manifest(REPO, manifest | {"mediaType": OCI_MANIFEST}, OCI_MANIFEST, "image")
    found = await registry.get_manifest(REPO, digest)
    entry = descriptor(OCI_MANIFEST, digest, found.size) | {
        "platform": {"os": "linux", "architecture": "amd64"}
    }
    other = descriptor(DOCKER_MANIFEST, digest_of(b"other"), 1)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry, other][:1]}
    return await registry.put_manifest(REPO, index, OCI_INDEX, "index")


async def a_spec(registry: RegistryClient, tmp_path: Path, image: Digest, **fields: Any) -> str:
    files = {path.encode(): RegularFile(content) for path, content in BASE.items()}
    spec = {
        "nonce": "abc",
        "place": {"registry": registry.host, "insecure": True, "repository": REPO},
        "image": image,
        "source": await push_source(registry, REPO, source_archive(tmp_path / "source", files)),
        "patches": {
            "gold": await registry.put_blob(REPO, GOLD),
            "test": await registry.put_blob(REPO, TEST),
        },
        "project": "calc",
        "seconds": 60,
    }
    return LeaksSpec.model_validate(spec | fields).model_dump_json(by_alias=True)


async def test_a_search_ends_with_its_findings_in_the_registry(
    registry: RegistryClient, tmp_path: Path
) -> None:
    image = await an_image(registry, [file("opt/notes.md", FIX)], [file("testbed/setup.py")])
    statement = {"blob": await registry.put_blob(REPO, b"mean([]) fails")}
    ended = await run(tmp_path, await a_spec(registry, tmp_path, image, statement=statement))
    assert (ended.exit_code, ended.record.nonce, ended.record.unread) == (0, "abc", ""), ended.output
    record = ended.record
    assert [found.text() for found in record.findings] == ["PatchLines opt/notes.md in layer 1"]
    assert (record.counts, record.layers, record.of_tools) == ({LeakKind.PATCH_LINES: 1}, 2, 0)
    assert record.evidence is not None
    stored = json.loads((await pull_artifact(registry, REPO, record.evidence, 1 << 20))[FINDINGS_FILE])
    assert [LeakFinding.model_validate(found) for found in stored["findings"]] == record.findings
    assert (
        await run(tmp_path, await a_spec(registry, tmp_path, image, statement=statement))
    ).record == record


async def test_a_clean_image_has_no_finding(registry: RegistryClient, tmp_path: Path) -> None:
    layer = [file(f"testbed/{path}", content) for path, content in BASE.items()]
    ended = await run(tmp_path, await a_spec(registry, tmp_path, await an_image(registry, layer)))
    assert (ended.exit_code, ended.record.findings, ended.record.counts) == (0, [], {}), ended.output


async def test_many_findings_fit_a_record_and_are_all_stored(
    registry: RegistryClient, tmp_path: Path
) -> None:
    name = "opt/" + "\\é" * 400 + "/calc/weighted_sequences.py"
    image = await an_image(registry, *([file(name, b"%d" % number)] for number in range(12)))
    ended = await run(tmp_path, await a_spec(registry, tmp_path, image))
    assert (len(ended.record.findings), ended.record.counts) == (4, {LeakKind.PATCH_FILES: 12}), ended.output


async def test_a_statement_that_is_gone_leaves_its_part_unknown(
    registry: RegistryClient, tmp_path: Path
) -> None:
    image = await an_image(registry, [file("a")])
    missing = {"path": str(tmp_path / "none"), "named": "spec.problemStatement.configMapRef: ConfigMap x"}
    ended = await run(tmp_path, await a_spec(registry, tmp_path, image, statement=missing))
    assert (ended.exit_code, ended.record.unread) == (0, missing["named"])


async def test_a_source_that_is_gone_is_named(registry: RegistryClient, tmp_path: Path) -> None:
    image, missing = await an_image(registry, [file("a")]), digest_of(b"never pushed")
    ended = await run(tmp_path, await a_spec(registry, tmp_path, image, source=missing))
    assert (ended.exit_code, ended.record.message) == (12, f"the source {missing} is not in {REPO}")


async def test_a_registry_that_is_down_is_an_infrastructure_fault(
    registry: RegistryClient, tmp_path: Path
) -> None:
    place = {
        "registry": f"127.0.0.1:{registry_server.refusing_port()}",
        "insecure": True,
        "repository": REPO,
    }
    ended = await run(tmp_path, await a_spec(registry, tmp_path, digest_of(b"a"), place=place))
    assert (ended.exit_code, place["registry"] in ended.record.message) == (30, True)


async def test_a_spec_that_cannot_be_read_is_our_own_defect(tmp_path: Path) -> None:
    ended = await run(tmp_path, "{}")
    assert (ended.exit_code, ended.record.nonce) == (90, "")
