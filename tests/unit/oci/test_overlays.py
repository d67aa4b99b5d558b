"""Layers that turn one tree into another, applied by the specification's rules."""

import hashlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swefoundry.errors import PermanentError
from swefoundry.oci.content import digest_of
from swefoundry.oci.deterministic_tar import (
    OVERLAY_MTIME,
    TREE_MTIME,
    Directory,
    RegularFile,
    Symlink,
    TarNode,
)
from swefoundry.oci.overlays import GitBlob, StageChanges, stage_changes, stage_layer
from unit.oci.layer_rules import apply, entries, files_of

RUNNER = b"\x7fELF runner"
Files = dict[bytes, RegularFile | Symlink]


def listing(files: Mapping[bytes, RegularFile | Symlink]) -> dict[bytes, GitBlob]:
    def blob(node: RegularFile | Symlink) -> GitBlob:
        match node:
            case RegularFile(content, executable):
                return GitBlob("100755" if executable else "100644", hashlib.sha1(content).hexdigest())
            case Symlink(target):
                return GitBlob("120000", hashlib.sha1(target).hexdigest())

    return {path: blob(node) for path, node in files.items()}


def layer_between(base: Files, target: Files) -> bytes:
    changes = stage_changes(listing(base), listing(target))
    return stage_layer(changes, {path: target[path] for path in changes.replaced}, RUNNER)[0]


def under_testbed(files: Files) -> dict[bytes, TarNode]:
    return {b"testbed/" + path: node for path, node in files.items()}


def turned(base: Files, target: Files) -> dict[bytes, TarNode]:
    return files_of(apply(layer_between(base, target), under_testbed(base)), b"testbed")


A, B = RegularFile(b"a\n"), RegularFile(b"b\n")

CASES: dict[str, tuple[Files, Files]] = {
    "nothing changes": ({b"a": A}, {b"a": A}),
    "a file is added": ({}, {b"a": A}),
    "a file is added in a new folder": ({b"x": A}, {b"x": A, b"new/deep/a": A}),
    "an empty file is added": ({b"x": A}, {b"x": A, b"empty": RegularFile(b"")}),
    "a file changes": ({b"a": A}, {b"a": B}),
    "a file becomes executable": ({b"a": A}, {b"a": RegularFile(A.content, True)}),
    "a file is removed": ({b"a": A, b"d/b": B, b"d/c": B}, {b"a": A, b"d/b": B}),
    "a folder vanishes": ({b"a": A, b"d/e/b": B, b"d/e/c": B, b"d/f": B}, {b"a": A}),
    "an inner folder vanishes": ({b"d/e/b": B, b"d/f": B}, {b"d/f": B}),
    "everything vanishes": ({b"a": A, b"d/b": B}, {}),
    "a file is renamed": ({b"a": A}, {b"b": A}),
    "a file becomes a link": ({b"a": A, b"b": B}, {b"a": Symlink(b"b"), b"b": B}),
    "a link becomes a file": ({b"a": Symlink(b"b"), b"b": B}, {b"a": A, b"b": B}),
    "a link turns elsewhere": ({b"a": Symlink(b"b")}, {b"a": Symlink(b"/etc/passwd")}),
    "a file becomes a folder": ({b"a": A}, {b"a/b/c": B}),
    "a folder becomes a file": ({b"a/b/c": A, b"a/d": B}, {b"a": B}),
    "a folder becomes a link": ({b"a/b/c": A, b"x": B}, {b"a": Symlink(b"x"), b"x": B}),
    "a link becomes a folder": ({b"a": Symlink(b"x"), b"x/y": B}, {b"a/b": A, b"x/y": B}),
    "a name has spaces and is not ASCII": ({}, {"ä b/ж – \t.py".encode(): A}),
    "a name is no UTF-8": ({b"\xff\xfe/b": A}, {b"\xff\xfe/a": A}),
    "a name is very long": ({}, {b"/".join([b"n" * 120] * 6): A}),
    "a name begins with dots": ({b"..a": A, b".b/..c": A}, {b"..a": B}),
}


@pytest.mark.parametrize(("base", "target"), CASES.values(), ids=CASES.keys())
def test_the_layer_turns_one_tree_into_the_other(base: Files, target: Files) -> None:
    assert turned(base, target) == target


NAMES = st.sampled_from([b"a", b"b", b"c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
NODES = st.one_of(
    st.builds(RegularFile, st.sampled_from([b"", b"1", b"2"]), st.booleans()),
    st.builds(Symlink, st.sampled_from([b"a", b"../b"])),
)


@st.composite
def trees(draw: st.DrawFn) -> Files:
    """Any tree that git could record: no file is also a folder."""
    drawn = draw(st.dictionaries(PATHS, NODES, max_size=8))
    return {
        path: node
        for path, node in drawn.items()
        if not any(path.startswith(other + b"/") for other in drawn)
    }


def folders_of(files: Files) -> set[bytes]:
    parts = [path.split(b"/") for path in files]
    return {b"/".join(part[:depth]) for part in parts for depth in range(1, len(part))}


@given(trees(), trees())
def test_the_layer_turns_any_tree_into_any_other(base: Files, target: Files) -> None:
    assert turned(base, target) == target


def test_build_products_are_removed_with_their_folder_and_stay_beside_a_removed_file() -> None:
    base: Files = {b"gone/a.py": A, b"kept/a.py": A, b"kept/b.py": A}
    built: dict[bytes, TarNode] = {b"testbed/gone/a.pyc": A, b"testbed/kept/a.pyc": A}
    layer = layer_between(base, {b"kept/b.py": A})
    tree = apply(layer, under_testbed(base) | built)
    assert files_of(tree, b"testbed") == {b"kept/b.py": A, b"kept/a.pyc": A}


def test_the_runner_is_the_only_thing_in_the_layer_of_the_base_stage() -> None:
    data, layer = stage_layer(StageChanges(), {}, RUNNER)
    assert [(name, node) for name, node, _ in entries(data)] == [
        (b".swefoundry", Directory()),
        (b".swefoundry/runner", RegularFile(RUNNER, executable=True)),
    ]
    assert (layer.digest, layer.size) == (digest_of(data), len(data))


@given(trees(), trees())
def test_new_folders_have_an_entry_and_those_that_stay_have_none_so_that_their_mode_stays(
    base: Files, target: Files
) -> None:
    """As more-itertools 8.13.0 in an image whose checkout had whited out `.github`: containerd could not unpack it."""
    found = {name for name, node, _ in entries(layer_between(base, target)) if isinstance(node, Directory)}
    new = {b"testbed/" + folder for folder in folders_of(target) - folders_of(base)}
    assert found == {b".swefoundry"} | new


def test_the_same_change_makes_the_same_bytes() -> None:
    base: Files = {b"a": A, b"b": B}
    target: Files = {b"c": A, b"b": A}
    assert layer_between(base, target) == layer_between(
        dict(reversed(base.items())), dict(reversed(target.items()))
    )


def test_owners_times_and_modes_are_fixed_and_replaced_files_are_newer_than_the_tree() -> None:
    infos = [info for *_, info in entries(layer_between({b"gone": A}, {b"a": A, b"l": Symlink(b"a")}))]
    assert {(i.uid, i.gid, i.uname, i.gname, i.mtime) for i in infos} == {(0, 0, "", "", OVERLAY_MTIME)}
    assert [oct(i.mode) for i in infos] == ["0o755", "0o755", "0o644", "0o644", "0o777"]
    assert OVERLAY_MTIME > TREE_MTIME > 315_532_800 + 86_399


def test_a_name_like_a_whiteout_is_rejected() -> None:
    with pytest.raises(PermanentError, match=r"d/\.wh\.x: names that start with \.wh\."):
        layer_between({}, {b"d/.wh.x": A})
