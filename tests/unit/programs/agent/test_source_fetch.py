"""A source artifact becomes a folder that agents read."""

import tarfile
from pathlib import Path

import pytest

from swefoundry.archives.archive_limits import ArchiveLimits
from swefoundry.archives.archive_policy import ExtractPolicy, GitPolicy, LinkPolicy
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.deterministic_tar import TREE_MTIME, Directory, RegularFile, Symlink, pack_nodes
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, InvalidSource
from swefoundry.programs.agent.repo.fetch import AGENT_SOURCE_POLICY, fetch_tree
from swefoundry.programs.agent.repo.tree import RepoTree
from unit.archives.archive_writers import Entry, file, link, special, tar


async def test_agents_read_what_an_intake_stored(registry: RegistryClient, tmp_path: Path) -> None:
    data, _ = pack_nodes(
        [
            (b".git", Directory()),
            (b".git/HEAD", RegularFile(b"ref: refs/heads/main\n")),
            (b"a.py", RegularFile(b"1\n")),
            (b"b", Symlink(b"a.py")),
            (b"na\xffme", RegularFile(b"2\n")),
        ],
        TREE_MTIME,
    )
    source = await push_artifact(registry, "agents/source", "source", {SOURCE_FILE: data})
    tree = RepoTree(await fetch_tree(registry, "agents/source", source, tmp_path))
    assert [(entry.path, entry.kind) for entry in tree.entries] == [
        ("a.py", "file"),
        ("b", "link"),
        ("na\udcffme", "file"),
    ]
    assert tree.head("b", 10) == b"1\n"


async def test_a_source_that_is_no_tar_is_rejected_by_name(registry: RegistryClient, tmp_path: Path) -> None:
    source = await push_artifact(registry, "agents/source", "source", {SOURCE_FILE: b"no tar"})
    with pytest.raises(InvalidSource, match=f"the source {source} cannot be unpacked"):
        await fetch_tree(registry, "agents/source", source, tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([file("../x")], "leads out of it"),
        ([link("out", "../outside"), file("out/file")], "as a link and as a folder"),
        ([special("pipe", tarfile.FIFOTYPE)], "is a device, pipe"),
    ],
    ids=["a name that leads out", "a file below a link", "a pipe"],
)
async def test_what_no_intake_stores_is_rejected(
    registry: RegistryClient, tmp_path: Path, entries: list[Entry], message: str
) -> None:
    source = await push_artifact(registry, "agents/source", "source", {SOURCE_FILE: tar(*entries)})
    with pytest.raises(InvalidSource, match=message):
        await fetch_tree(registry, "agents/source", source, tmp_path)


def test_agents_read_sources_within_their_limits_and_without_git() -> None:
    assert (
        ExtractPolicy(
            ArchiveLimits(unpacked_bytes=4 << 30, members=600_000), LinkPolicy.ANYWHERE, GitPolicy.SKIP
        )
        == AGENT_SOURCE_POLICY
    )
