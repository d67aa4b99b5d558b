"""A release's tree in the registry, as intake would have stored it."""

from pathlib import Path

from swefoundry.archives.archive_policy import SOURCE_POLICY
from swefoundry.archives.extract import extract
from swefoundry.cli.clients import RegistryTarget
from swefoundry.cli.releases.source_upload import source_upload
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import fetch_source
from swefoundry.programs.intake.cleantree import from_source
from unit.oci import registry_server


def a_tree(root: Path) -> Path:
    (root / "src").mkdir(parents=True)
    (root / "src" / "A.java").write_text("class A {}\n")
    return root


async def test_equal_trees_are_one_source_artifact_that_intake_accepts(
    tmp_path: Path, server: registry_server.Server
) -> None:
    async with RegistryClient(server.host, insecure=True) as registry:
        upload = source_upload(registry, RegistryTarget(server.host, True, "tasks"))
        digest = await upload(a_tree(tmp_path / "one"), "octo/calc", "1.0")
        assert await upload(a_tree(tmp_path / "two"), "octo/calc", "1.0") == digest
        await fetch_source(registry, "tasks/octo/calc", digest, tmp_path / "source.tar.gz")
    extract(tmp_path / "source.tar.gz", tmp_path / "source", SOURCE_POLICY)
    tree = await from_source(tmp_path / "source")
    assert (tree.tag, await tree.git.line("show", "HEAD:src/A.java")) == ("1.0", "class A {}")
