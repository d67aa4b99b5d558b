"""A layer's digest says what is in it and nothing else, so that an image made again is the same image."""

import gzip
import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from swefoundry_lab.errors import LabError
from swefoundry_lab.images.layer import EPOCH, pack_folder, pack_tar
from swefoundry_lab.images.layout import Layout, compressed_layer, single_layer


def a_tree(root: Path, names: list[str]) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    return root


def test_neither_time_nor_order_changes_the_digest(tmp_path: Path) -> None:
    first = a_tree(tmp_path / "1", ["b/x", "a", "c"])
    second = a_tree(tmp_path / "2", ["c", "a", "b/x"])
    os.utime(second / "a", (1, 1))
    one, two = pack_folder(first, tmp_path / "1.gz"), pack_folder(second, tmp_path / "elsewhere.gz")
    assert (one.digest, one.diff_id, one.size) == (two.digest, two.diff_id, two.size)


@pytest.mark.parametrize("change", ["content", "mode", "name"])
def test_what_a_container_would_see_does_change_it(tmp_path: Path, change: str) -> None:
    root = a_tree(tmp_path / "root", ["a", "b"])
    before = pack_folder(root, tmp_path / "before.gz").diff_id
    match change:
        case "content":
            (root / "a").write_text("other")
        case "mode":
            (root / "a").chmod(0o755)
        case "name":
            (root / "a").rename(root / "c")
    assert pack_folder(root, tmp_path / "after.gz").diff_id != before


def test_links_modes_and_odd_names_survive(tmp_path: Path) -> None:
    root = a_tree(tmp_path / "root", ["file", "ünïcode " + "long" * 40, "dir/inner"])
    (root / "file").chmod(0o4755)
    (root / "hard").hardlink_to(root / "file")
    (root / "soft").symlink_to("/not/there")
    (root / "dirlink").symlink_to("dir")
    layer = pack_folder(root, tmp_path / "layer.gz")
    with tarfile.open(layer.path) as tar:
        members = {member.name: member for member in tar}
    assert list(members) == sorted(members, key=os.fsencode)
    assert members["file"].mode == 0o4755
    assert (members["hard"].islnk(), members["hard"].linkname) == (True, "file")
    assert (members["soft"].linkname, members["dirlink"].linkname) == ("/not/there", "dir")
    assert "dirlink/inner" not in members
    assert {member.mtime for member in members.values()} == {EPOCH}


def test_digests_and_sizes_are_those_of_the_bytes(tmp_path: Path) -> None:
    layer = pack_folder(a_tree(tmp_path / "root", ["a"]), tmp_path / "layer.gz")
    content = layer.path.read_bytes()
    assert layer.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(content)).hexdigest()}"
    assert layer.size == len(content)


def a_base(tmp_path: Path) -> Layout:
    layer = pack_folder(a_tree(tmp_path / "base", ["a"]), tmp_path / "base.gz")
    return single_layer(tmp_path / "base-layout", layer, {"Cmd": ["sh"]})


def a_built_image(folder: Path, tars: list[bytes], diff_ids: list[str] | None = None) -> Path:
    """What `buildah push dir:` leaves: a manifest, and its blobs beside it, not compressed."""
    folder.mkdir()
    digests = [hashlib.sha256(tar).hexdigest() for tar in tars]
    for tar, digest in zip(tars, digests, strict=True):
        (folder / digest).write_bytes(tar)
    config = {"rootfs": {"diff_ids": diff_ids or [f"sha256:{digest}" for digest in digests]}}
    (folder / "config").write_text(json.dumps(config))
    layers = [{"digest": f"sha256:{digest}"} for digest in digests]
    (folder / "manifest.json").write_text(json.dumps({"config": {"digest": "config"}, "layers": layers}))
    return folder


def test_layers_of_a_known_image_are_taken_over_as_they_are(tmp_path: Path) -> None:
    base = a_base(tmp_path)
    plain = gzip.decompress(base.layers[0].path.read_bytes())
    built = a_built_image(tmp_path / "built", [plain, b"a tar of its own"])
    image = compressed_layer(built, tmp_path / "image", [base])
    assert [layer.diff_id for layer in image.layers][:1] == [base.layers[0].diff_id]
    assert image.layers[0].digest == base.layers[0].digest
    assert gzip.decompress(image.layers[1].path.read_bytes()) == b"a tar of its own"
    assert image.complete
    assert all(image.blob(digest).is_file() for digest in [image.digest, *image.blobs])


def test_a_layer_that_is_not_what_the_image_names_is_refused(tmp_path: Path) -> None:
    built = a_built_image(tmp_path / "built", [b"one"], diff_ids=["sha256:" + "0" * 64])
    with pytest.raises(LabError, match="differ from those in its configuration"):
        compressed_layer(built, tmp_path / "image", [])


def test_a_tar_is_packed_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "tar").write_bytes(b"x" * 100_000)
    assert (
        pack_tar(tmp_path / "tar", tmp_path / "1").digest == pack_tar(tmp_path / "tar", tmp_path / "2").digest
    )
