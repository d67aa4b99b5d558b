"""Layers that lay one source tree over an image that was built from another, by the specification's rules."""

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.oci.content import digest_of
from swefoundry.oci.deterministic_tar import (
    OVERLAY_MTIME,
    TREE_MTIME,
    Directory,
    RegularFile,
    Symlink,
    TarNode,
)
from swefoundry.programs.checkout.layer import compare_trees
from swefoundry.programs.checkout.source_tree import UnusableSource, read_tree
from unit.oci.layer_rules import entries
from unit.programs.checkout.archive_files import (
    Files,
    apply_layer,
    layer_between,
    links_and_files,
    source_archive,
    with_parent_folders,
)

A, B = RegularFile(b"a\n"), RegularFile(b"b\n")
OLD_GIT: Files = {
    b".git/HEAD": A,
    b".git/objects/pack/pack-1.pack": RegularFile(b"old"),
    b".git/refs": Directory(),
}
NEW_GIT: Files = {
    b".git/HEAD": A,
    b".git/objects/pack/pack-2.pack": RegularFile(b"new"),
    b".git/refs": Directory(),
}

CASES: dict[str, tuple[Files, Files]] = {
    "nothing changes": ({b"a": A}, {b"a": A}),
    "a file is added in a new folder": ({b"x": A}, {b"x": A, b"new/deep/a": A}),
    "a file changes": ({b"a": A}, {b"a": B}),
    "a file becomes executable": ({b"a": A}, {b"a": RegularFile(A.content, True)}),
    "a file is removed": ({b"a": A, b"d/b": B, b"d/c": B}, {b"a": A, b"d/b": B}),
    "a folder vanishes": ({b"a": A, b"d/e/b": B, b"d/e/c": B, b"d/f": B}, {b"a": A}),
    "a folder becomes empty": ({b"d/a": A}, {b"d": Directory()}),
    "an empty folder appears": ({b"a": A}, {b"a": A, b"e/f": Directory()}),
    "an empty folder vanishes": ({b"a": A, b"e/f": Directory()}, {b"a": A}),
    "an empty folder becomes a file": ({b"e": Directory()}, {b"e": A}),
    "everything vanishes": ({b"a": A, b"d/b": B}, {}),
    "a file becomes a link": ({b"a": A, b"b": B}, {b"a": Symlink(b"b"), b"b": B}),
    "a link becomes a file": ({b"a": Symlink(b"b"), b"b": B}, {b"a": A, b"b": B}),
    "a link turns elsewhere": ({b"a": Symlink(b"b")}, {b"a": Symlink(b"/etc/passwd")}),
    "a file becomes a folder": ({b"a": A}, {b"a/b/c": B}),
    "a folder becomes a file": ({b"a/b/c": A, b"a/d": B}, {b"a": B}),
    "a folder becomes a link": ({b"a/b/c": A, b"x": B}, {b"a": Symlink(b"x"), b"x": B}),
    "a link becomes a folder": ({b"a": Symlink(b"x"), b"x/y": B}, {b"a/b": A, b"x/y": B}),
    "names are not ASCII": ({"ü/a".encode(): A}, {"ä b/ж – \t.py".encode(): A}),
    "names are no UTF-8": ({b"\xff\xfe/b": A}, {b"\xff\xfe/a": A}),
    "a name is very long": ({}, {b"/".join([b"n" * 120] * 6): A}),
    "a name begins with dots": ({b"..a": A, b".b/..c": A}, {b"..a": B}),
}


@pytest.mark.parametrize(("parent", "target"), CASES.values(), ids=CASES.keys())
def test_the_layer_makes_one_tree_of_the_other(tmp_path: Path, parent: Files, target: Files) -> None:
    layer, _ = layer_between(tmp_path, parent, target)
    assert apply_layer(layer, with_parent_folders(parent)) == with_parent_folders(target)


NAMES = st.sampled_from([b"a", b"b", b"c", b".git"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
NODES: st.SearchStrategy[TarNode] = st.one_of(
    st.builds(RegularFile, st.sampled_from([b"", b"1", b"2"]), st.booleans()),
    st.builds(Symlink, st.sampled_from([b"a", b"../b"])),
    st.just(Directory()),
)


@st.composite
def trees(draw: st.DrawFn) -> Files:
    """Any tree: nothing that is no folder has something in it."""
    drawn = draw(st.dictionaries(PATHS, NODES, max_size=8))
    solid = [path for path, node in drawn.items() if not isinstance(node, Directory)]
    return {
        path: node for path, node in drawn.items() if not any(path.startswith(one + b"/") for one in solid)
    }


@given(trees(), trees())
def test_the_layer_makes_any_tree_of_any_other(parent: Files, target: Files) -> None:
    with tempfile.TemporaryDirectory() as folder:
        layer, _ = layer_between(Path(folder), parent, target)
    assert apply_layer(layer, with_parent_folders(parent)) == with_parent_folders(target)


BUILT = st.dictionaries(PATHS.map(lambda path: path + b".built"), st.just(RegularFile(b"built")), max_size=4)


@given(trees(), trees(), BUILT)
def test_what_a_build_left_stays_where_its_folder_does(parent: Files, target: Files, built: Files) -> None:
    below = {path: node for path, node in built.items() if not _blocked(path, with_parent_folders(parent))}
    with tempfile.TemporaryDirectory() as folder:
        layer, _ = layer_between(Path(folder), parent, target)
    found = apply_layer(layer, with_parent_folders(below) | with_parent_folders(parent))
    kept = {
        path for path in below if _is_kept(path, with_parent_folders(parent), with_parent_folders(target))
    }
    assert {
        path for path in found if path.endswith(b".built") and path not in with_parent_folders(target)
    } == kept
    assert {
        path: node for path, node in links_and_files(found).items() if path not in kept
    } == links_and_files(target)


def _above(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:depth]) for depth in range(1, len(parts))]


def _blocked(path: bytes, tree: Files) -> bool:
    return path in tree or any(not isinstance(tree.get(one, Directory()), Directory) for one in _above(path))


def _is_kept(path: bytes, parent: Files, target: Files) -> bool:
    """No folder above it went, or became something else, and it is not in a .git that is renewed."""
    lost = [one for one in _above(path) if one in parent and one not in target]
    return not lost and not _blocked(path, target) and not (path.startswith(b".git/") and b".git" in target)


def test_git_is_the_new_commits_alone_whatever_the_image_has_there(tmp_path: Path) -> None:
    parent, target = {b"a": A, **OLD_GIT}, {b"a": A, **NEW_GIT}
    left = {
        b".git/hooks/pre-commit": RegularFile(b"evil", True),
        b".git/ORIG_HEAD": A,
        b".git/objects/ab/cd": B,
    }
    layer, _ = layer_between(tmp_path, parent, target)
    assert apply_layer(layer, with_parent_folders(parent) | with_parent_folders(left)) == with_parent_folders(
        target
    )


def test_a_tree_without_git_has_none_afterwards(tmp_path: Path) -> None:
    layer, _ = layer_between(tmp_path, {b"a": A, **OLD_GIT}, {b"a": A})
    assert apply_layer(layer, with_parent_folders({b"a": A, **OLD_GIT})) == {b"a": A}


def test_counts_are_those_of_the_tree_without_git(tmp_path: Path) -> None:
    old = source_archive(tmp_path / "old", {b"a": A, b"b": A, b"c/d": A, b"e": A, **OLD_GIT})
    new = source_archive(
        tmp_path / "new", {b"a": A, b"b": B, b"c": Symlink(b"a"), b"f/g": A, b"h": Directory(), **NEW_GIT}
    )
    changes = compare_trees(read_tree(old), read_tree(new))
    assert (changes.added, changes.changed, changes.deleted) == (2, 1, 2)
    assert changes.removed == (b"e",)


def test_folders_that_stay_have_no_entry_so_that_their_mode_stays(tmp_path: Path) -> None:
    layer, _ = layer_between(tmp_path, {b"d/a": A}, {b"d/a": B, b"e/b": B})
    assert [name for name, _, _ in entries(layer)] == [b"testbed/d/a", b"testbed/e", b"testbed/e/b"]


def test_the_same_trees_make_the_same_bytes_and_the_layer_is_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    parent, target = {b"a": A, b"b": B, **OLD_GIT}, {b"c": A, b"b": RegularFile(b"x" * 100_000), **NEW_GIT}
    first, written = layer_between(tmp_path / "one", parent, target)
    assert layer_between(tmp_path / "two", parent, target) == (first, written)
    assert written.diff_id == digest_of(gzip.decompress(first))
    assert written.bytes == 100_000 + 2 + 2 + 3


def test_times_lie_between_the_trees_and_the_stages_and_follow_from_the_content(tmp_path: Path) -> None:
    names = [f"{number}".encode() for number in range(200)]
    layer, _ = layer_between(tmp_path, {}, {name: RegularFile(name) for name in names})
    times = {name: info.mtime for name, _, info in entries(layer)}
    assert all(TREE_MTIME < time < OVERLAY_MTIME for time in times.values())
    assert len(set(times.values())) > 190
    again, _ = layer_between(tmp_path, {}, {b"other name": RegularFile(b"7")})
    assert [info.mtime for _, _, info in entries(again)] == [times[b"testbed/7"]]


@pytest.mark.parametrize("name", [b".wh.a", b"d/.wh..wh..opq", b".git/.wh.x", b".wh.d/a"])
def test_a_name_that_a_layer_would_take_for_a_whiteout_is_refused(tmp_path: Path, name: bytes) -> None:
    with pytest.raises(UnusableSource, match=r"names that start with \.wh\."):
        layer_between(tmp_path, {b"d/x": A}, {b"d/x": A, name: A})


@pytest.mark.parametrize("name", [b".wh.a", b"d/.wh..wh..opq", b".wh.d/a"])
def test_so_is_one_that_is_to_be_removed(tmp_path: Path, name: bytes) -> None:
    with pytest.raises(UnusableSource, match=r"names that start with \.wh\."):
        layer_between(tmp_path, {b"d/x": A, name: A}, {b"d/x": A})
