"""Layers above one another, and layers that no build would write."""

import gzip
import tarfile
from pathlib import Path

import pytest

from unit.archives.archive_writers import Entry, file, folder, hard_link, link, special, tar
from unit.programs.leaks.small_images import FIX, base_tree, layer_digest, search

LEAK = file("opt/fix/notes.md", FIX)

HIDING: dict[str, Entry] = {
    "a whiteout of the file": file("opt/fix/.wh.notes.md"),
    "a whiteout of its folder": file("opt/.wh.fix"),
    "an opaque folder": file("opt/fix/.wh..wh..opq"),
    "an opaque root": file(".wh..wh..opq"),
    "another file in its place": file("opt/fix/notes.md", b"nothing"),
    "a link in place of its folder": link("opt/fix", "/srv"),
}


@pytest.mark.parametrize("hiding", HIDING.values(), ids=HIDING.keys())
def test_a_file_that_a_later_layer_hides_is_still_in_the_image(tmp_path: Path, hiding: Entry) -> None:
    assert search(tmp_path, [file("a")], [LEAK], [hiding]).places == [("PatchLines", LEAK.name, 2, 3)]


@pytest.mark.parametrize(
    "above", [folder("opt/fix"), file("opt/fix/other.md"), file("opt/.wh.fixes")], ids=str
)
def test_a_file_that_nothing_hides_is_visible(tmp_path: Path, above: Entry) -> None:
    assert search(tmp_path, [LEAK], [above]).places == [("PatchLines", LEAK.name, 1, None)]


def test_a_whiteout_hides_nothing_of_its_own_layer(tmp_path: Path) -> None:
    layer = [file("opt/fix/.wh..wh..opq"), LEAK]
    assert search(tmp_path, layer).places == [("PatchLines", LEAK.name, 1, None)]


def test_leaks_that_a_container_sees_come_first(tmp_path: Path) -> None:
    visible = file("srv/calc/weighted_sequences.py")
    assert search(tmp_path, [LEAK], [file("opt/.wh.fix"), visible]).places == [
        ("PatchFiles", visible.name, 2, None),
        ("PatchLines", LEAK.name, 1, 2),
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/notes.md", "etc/notes.md"),
        ("/opt/notes.md", "opt/notes.md"),
        ("opt/./x/../notes.md", "opt/notes.md"),
    ],
)
def test_a_name_that_leads_out_is_read_as_a_runtime_places_it(tmp_path: Path, name: str, path: str) -> None:
    assert search(tmp_path, [file(name, FIX)]).places == [("PatchLines", path, 1, None)]


def test_links_devices_and_pipes_are_passed_over(tmp_path: Path) -> None:
    odd = [
        link("opt/a", "/testbed/" + "x" * 5000),
        hard_link("opt/b", "not/in/this/layer"),
        special("dev/null", tarfile.CHRTYPE),
        special("run/pipe", tarfile.FIFOTYPE),
    ]
    searched = search(tmp_path, [*odd, LEAK])
    assert (searched.places, searched.unread) == ([("PatchLines", LEAK.name, 1, None)], [])


def test_a_link_with_the_name_of_an_added_file_is_a_leak(tmp_path: Path) -> None:
    assert search(tmp_path, [link("opt/calc/weighted_sequences.py", "/x")]).places == [
        ("PatchFiles", "opt/calc/weighted_sequences.py", 1, None)
    ]


UNREADABLE: dict[str, bytes] = {
    "cut in the middle": tar(file("a", b"x" * 100_000))[:60],
    "no archive": b"\x28\xb5\x2f\xfd zstd",
    "a header without an end": tar(Entry("x" * 2_000_000)),
}


@pytest.mark.parametrize("layer", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_layer_that_cannot_be_read_is_named_and_the_others_are_searched(
    tmp_path: Path, layer: bytes
) -> None:
    searched = search(tmp_path, [LEAK], layer)
    assert searched.places == [("PatchLines", LEAK.name, 1, None)]
    assert [text.partition(": ")[0] for text in searched.unread] == [f"layer 2 ({layer_digest(2)[7:19]})"]


def test_a_layer_that_unpacks_without_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swefoundry.archives.archive_limits import ArchiveLimits
    from swefoundry.programs.leaks import image_layers

    monkeypatch.setattr(image_layers, "LAYER_LIMITS", ArchiveLimits(1 << 20, 3))
    bomb = gzip.compress(gzip.decompress(tar(file("a", b"\0" * (2 << 20)))))
    crowd = tar(*(file(str(number)) for number in range(4)))
    searched = search(tmp_path, bomb, crowd)
    assert searched.unread == [
        f"layer 2 ({layer_digest(2)[7:19]}): the archive has more than 3 members",
        f"layer 1 ({layer_digest(1)[7:19]}): the archive unpacks to more than 1 MiB",
    ]


def test_a_search_that_takes_too_long_names_the_layers_that_it_did_not_read(tmp_path: Path) -> None:
    searched = search(tmp_path, [LEAK], [file("a")], seconds=-1)
    assert searched.unread == [
        f"layer {number} ({layer_digest(number)[7:19]}): the time for all layers is over" for number in (2, 1)
    ]


def test_a_broken_pack_of_the_tree_is_named(tmp_path: Path) -> None:
    pack = "testbed/.git/objects/pack/pack-2.pack"
    searched = search(tmp_path, [file(pack, b"PACK\0\0\0\2\0\0\0\1\x95broken")])
    assert searched.places == []
    assert searched.unread == [f"layer 1 ({layer_digest(1)[7:19]}): {pack} has an object that cannot be read"]


def test_a_large_file_is_searched_in_its_first_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swefoundry.programs.leaks import base_tree as module

    base = base_tree(tmp_path)
    monkeypatch.setattr(module, "MEMBER_BYTES", 1000)
    early, late = file("opt/a", FIX + b" " * 2000), file("opt/b", b" " * 2000 + FIX)
    assert search(tmp_path, [early, late], base=base).places == [("PatchLines", "opt/a", 1, None)]
