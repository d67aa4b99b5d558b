"""Apply a layer to a tree by the rules of the image specification; what a runtime may refuse is refused.

A tree is ``{path: File | Link}``; folders exist by having something in them, or by their own ``Folder``
entry. https://github.com/opencontainers/image-spec/blob/main/layer.md
"""

import gzip
import io
import tarfile
from collections.abc import Mapping

from swefoundry.oci.deterministic_tar import Directory, RegularFile, Symlink, TarNode

Tree = dict[bytes, TarNode]


def entries(layer: bytes) -> list[tuple[bytes, TarNode, tarfile.TarInfo]]:
    found: list[tuple[bytes, TarNode, tarfile.TarInfo]] = []
    data = io.BytesIO(gzip.decompress(layer))
    with tarfile.open(fileobj=data, encoding="utf-8", errors="surrogateescape") as tar:
        for info in tar:
            name = info.name.encode("utf-8", "surrogateescape")
            if info.isdir():
                found.append((name, Directory(), info))
            elif info.issym():
                found.append((name, Symlink(info.linkname.encode("utf-8", "surrogateescape")), info))
            else:
                assert info.isreg(), info
                content = tar.extractfile(info)
                assert content is not None
                found.append((name, RegularFile(content.read(), bool(info.mode & 0o100)), info))
    return found


def apply(layer: bytes, below: Mapping[bytes, TarNode]) -> Tree:
    tree: Tree = dict(below)
    listed = [(name, node) for name, node, _ in entries(layer)]
    assert len({name for name, _ in listed}) == len(listed), "no path twice"
    for name, _ in listed:  # whiteouts speak of the layers below, so they come first
        folder, slash, last = name.rpartition(b"/")
        if last == b".wh..wh..opq":
            for known in [known for known in tree if known.startswith(folder + b"/")]:
                del tree[known]
        elif last.startswith(b".wh."):
            assert any(_is_in(known, folder) for known in tree), f"no folder for {name!r}"
            _remove(tree, folder + slash + last.removeprefix(b".wh."))
    for name, node in listed:
        if not name.rpartition(b"/")[2].startswith(b".wh."):
            _place(tree, name, node)
    return tree


def _place(tree: Tree, name: bytes, node: TarNode) -> None:
    for folder in _folders(name):
        assert isinstance(tree.get(folder, Directory()), Directory), f"{folder!r} is no folder"
    if not isinstance(node, Directory):
        _remove(tree, name)
    tree[name] = node


def _remove(tree: Tree, name: bytes) -> None:
    for known in [known for known in tree if _is_in(known, name)]:
        del tree[known]


def _is_in(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder + b"/")


def _folders(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:depth]) for depth in range(1, len(parts))]


def files_of(tree: Mapping[bytes, TarNode], under: bytes) -> dict[bytes, TarNode]:
    """What is no folder below ``under``, by relative path."""
    return {
        path.removeprefix(under + b"/"): node
        for path, node in tree.items()
        if path.startswith(under + b"/") and not isinstance(node, Directory)
    }
