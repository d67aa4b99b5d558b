"""A source artifact becomes a folder, and nothing outside of it is touched."""

import io
import tarfile
from pathlib import Path

import pytest

from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.deterministic_tar import TREE_MTIME, Directory, RegularFile, Symlink, pack_nodes
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, InvalidSource
from swefoundry.programs.agent.repo.fetch import fetch_tree, unpack
from swefoundry.programs.agent.repo.tree import RepoTree


def archive(folder: Path, *members: tuple[str, bytes | str | None]) -> Path:
    """A gzip tar: bytes are files, text is a link's target, None a named pipe."""
    path = folder / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.FIFOTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


async def test_what_an_intake_stored_is_what_agents_read(registry: RegistryClient, tmp_path: Path) -> None:
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


async def test_a_source_that_is_no_tar_is_refused_by_name(registry: RegistryClient, tmp_path: Path) -> None:
    source = await push_artifact(registry, "agents/source", "source", {SOURCE_FILE: b"no tar"})
    with pytest.raises(InvalidSource, match=f"the source {source} cannot be unpacked"):
        await fetch_tree(registry, "agents/source", source, tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x"])
def test_members_that_lead_out_refuse_the_archive(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidSource, match="leads out of it"):
        unpack(archive(tmp_path, (name, b"x")), tmp_path / "root")
    assert not (tmp_path / "x").exists()


def test_nothing_is_written_through_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    members = [("out", "../outside"), ("out/file", b"x"), ("far", "../outside"), ("far/link", "/etc/passwd")]
    unpack(archive(tmp_path, *members), tmp_path / "root")
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "root" / "out" / "file").read_bytes() == b"x"


def test_pipes_and_devices_are_left_out(tmp_path: Path) -> None:
    unpack(archive(tmp_path, ("pipe", None), ("a", b"x")), tmp_path / "root")
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["a"]


def test_archives_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSource, match="unpacks to more than"):
        unpack(archive(tmp_path, ("zeros", bytes(5 << 20))), tmp_path / "root", limit=1 << 20)
