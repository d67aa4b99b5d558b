"""Source archives of small trees, and what a layer makes of an image that was built from one."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from swefoundry.oci.deterministic_tar import TREE_MTIME, Directory, RegularFile, Symlink, TarNode, pack_nodes
from swefoundry.programs.checkout.layer import WrittenLayer, compare_trees, write_layer
from swefoundry.programs.checkout.source_tree import read_tree
from unit.oci.layer_rules import Tree, apply

Files = Mapping[bytes, TarNode]


def with_parent_folders(files: Files) -> dict[bytes, TarNode]:
    """The tree with an entry for every folder, as ``pack_folder`` writes it."""
    folders = {
        b"/".join(path.split(b"/")[:depth]): Directory()
        for path in files
        for depth in range(1, path.count(b"/") + 1)
    }
    return folders | dict(files)


def source_archive(path: Path, files: Files) -> Path:
    path.write_bytes(pack_nodes(sorted(with_parent_folders(files).items()), TREE_MTIME)[0])
    return path


def a_tar(path: Path, *members: tarfile.TarInfo, content: bytes = b"") -> Path:
    """An archive that no intake would write."""
    with tarfile.open(path, "w:gz") as tar:
        for info in members:
            if info.isreg():
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def layer_between(folder: Path, parent: Files, target: Files) -> tuple[bytes, WrittenLayer]:
    old, new = source_archive(folder / "old.tar.gz", parent), source_archive(folder / "new.tar.gz", target)
    tree = read_tree(new)
    written = write_layer(compare_trees(read_tree(old), tree), tree, new, folder / "layer.tar.gz")
    return (folder / "layer.tar.gz").read_bytes(), written


def apply_layer(layer: bytes, image: Files) -> Tree:
    """What is under /testbed once the layer lies on an image with ``image`` there."""
    below = {b"testbed/" + path: node for path, node in image.items()} | {b"etc/passwd": RegularFile(b"root")}
    tree = apply(layer, below)
    assert tree.pop(b"etc/passwd") == RegularFile(b"root")
    return {path.removeprefix(b"testbed/"): node for path, node in tree.items()}


def links_and_files(tree: Files) -> dict[bytes, TarNode]:
    return {path: node for path, node in tree.items() if isinstance(node, RegularFile | Symlink)}
