"""Every kind of leak in an image of one file, and the files beside it that are none."""

import zlib
from pathlib import Path

import pytest

from swefoundry.contracts.leaks import LeakFinding, LeakKind
from swefoundry.programs.leaks.base_tree import blob_id
from swefoundry.programs.leaks.findings import statement_finding
from unit.archives.archive_writers import Entry, file, zipped
from unit.programs.leaks.small_images import (
    BASE,
    COMMIT,
    FIX,
    NEW_TEST,
    SECOND,
    THIRD,
    base_tree,
    layer_digest,
    search,
)

SITE = "usr/lib/python3/site-packages"


def loose(kind: bytes, data: bytes) -> bytes:
    return zlib.compress(b"%s %d\0" % (kind, len(data)) + data)


def pack_index(*ids: str) -> bytes:
    """Version 2 of the format: counts by the first byte, the ids, and checksums that nobody reads."""
    ordered = sorted(bytes.fromhex(each) for each in ids)
    counts = b"".join(sum(each[0] <= byte for each in ordered).to_bytes(4) for byte in range(256))
    return b"\xfftOc\0\0\0\x02" + counts + b"".join(ordered) + b"\0" * 40


HISTORY = b"tree %s\nparent %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nFix\n" % (
    b"a" * 40,
    b"b" * 40,
)
THREE_BLOBS = pack_index(
    *(blob_id(b"1" * 300), blob_id(b"2" * 300), blob_id(b"3" * 300)), *(f"{n:040x}" for n in range(5))
)

NPM_INDEX = "root/.npm/_cacache/index-v5/3f/2a/9c"


def npm_entry(name: str, archive: str) -> bytes:
    """A line of the index of npm's cache."""
    key = f"make-fetch-happen:request-cache:https://registry.example/{name}/-/{archive}.tgz"
    return b'\ne87c\t{"key":"%s","integrity":"sha512-gDNx"}' % key.encode()


LEAKS: dict[str, tuple[Entry, LeakKind]] = {
    "a commit of a history": (
        file("testbed/.git/objects/ab/cd", loose(b"commit", HISTORY)),
        LeakKind.GIT_OBJECTS,
    ),
    "a branch at another commit": (file("testbed/.git/refs/heads/fix", b"d" * 40), LeakKind.GIT_OBJECTS),
    "a list of refs": (file("testbed/.git/packed-refs", b"d" * 40 + b" refs/tags/v2"), LeakKind.GIT_OBJECTS),
    "what was fetched last": (file("testbed/.git/FETCH_HEAD", b"d" * 40 + b"\tbranch"), LeakKind.GIT_OBJECTS),
    "where HEAD was": (file("testbed/.git/ORIG_HEAD", b"d" * 40), LeakKind.GIT_OBJECTS),
    "a reflog": (
        file("testbed/.git/logs/HEAD", b"%s %s A <a@b> 1 +0000\n" % (COMMIT.encode(), b"d" * 40)),
        LeakKind.GIT_OBJECTS,
    ),
    "a clone elsewhere": (file("opt/calc/.git/objects/pack/pack-2.idx", THREE_BLOBS), LeakKind.GIT_OBJECTS),
    "one very specific line": (file("opt/notes.md", b"x\n" + FIX), LeakKind.PATCH_LINES),
    "two lines in a patch file": (
        file("tmp/fix.diff", b"+" + SECOND + b"+" + THIRD),
        LeakKind.PATCH_LINES,
    ),
    "a file that the patch adds": (file("opt/calc/weighted_sequences.py", b"y"), LeakKind.PATCH_FILES),
    "one very long test name": (file("opt/t.py", NEW_TEST), LeakKind.TEST_IDS),
    "a later release": (file(f"{SITE}/calc_kit-1.4.1.dist-info/METADATA"), LeakKind.LATER_RELEASE),
    "a later release by the name of the repository": (
        file(f"{SITE}/python_calc-2.0.dist-info/METADATA"),
        LeakKind.LATER_RELEASE,
    ),
    "a later release as an egg": (
        file(f"{SITE}/calc_kit-1.5-py3.11.egg-info/PKG-INFO"),
        LeakKind.LATER_RELEASE,
    ),
    "a later node package": (
        file("app/node_modules/calc-kit/package.json", b'{"version": "2.0.0"}'),
        LeakKind.LATER_RELEASE,
    ),
    "a later crate": (
        file("root/.cargo/registry/src/index-1/calc-kit-1.5.0/Cargo.toml"),
        LeakKind.LATER_RELEASE,
    ),
    "a wheel": (file("root/.cache/calc_kit-1.4.1-py3-none-any.whl"), LeakKind.PACKAGE_CACHE),
    "a source distribution": (file("tmp/calc-kit-1.4.1.tar.gz"), LeakKind.PACKAGE_CACHE),
    "an archive of npm's cache": (
        file(NPM_INDEX, npm_entry("ms", "ms-2.1.0") + npm_entry("calc-kit", "calc-kit-1.4.1")),
        LeakKind.PACKAGE_CACHE,
    ),
    "a jar": (file("root/.m2/repository/x/calc-kit/1.5/calc-kit-1.5.jar"), LeakKind.PACKAGE_CACHE),
}


@pytest.mark.parametrize(("entry", "kind"), LEAKS.values(), ids=LEAKS.keys())
def test_a_leak_is_named_with_its_path_and_layer(tmp_path: Path, entry: Entry, kind: LeakKind) -> None:
    base = base_tree(tmp_path, {f"data/{n}": n.encode() * 300 for n in "123"})
    searched = search(tmp_path, [file("etc/passwd", b"root")], [entry], base=base)
    assert searched.places == [(kind.value, entry.name, 2, None)]


HARMLESS: dict[str, Entry] = {
    "the tree itself": file("testbed/calc/__init__.py", BASE["calc/__init__.py"]),
    "a branch at the clean commit": file("testbed/.git/refs/heads/other", COMMIT.encode()),
    "a reflog of the clean commit": file(
        "testbed/.git/logs/HEAD", b"%s %s A <a@b> 1 +0000\n" % (b"0" * 40, COMMIT.encode())
    ),
    "the pack of the clean tree": file(
        "testbed/.git/objects/pack/pack-1.pack", BASE[".git/objects/pack/pack-1.pack"]
    ),
    "a tag": file("testbed/.git/objects/ab/cd", loose(b"tag", b"object " + COMMIT.encode())),
    "an index that git refreshed": file("testbed/.git/index", b"DIRC anything"),
    "another repository": file("root/.pyenv/.git/objects/pack/pack-3.idx", pack_index("d" * 40, "e" * 40)),
    "the refs of another repository": file("root/.pyenv/.git/packed-refs", b"d" * 40),
    "one short line": file("opt/notes.md", SECOND),
    "a name that is short": file("opt/weighted.py"),
    "the name in another folder": file("opt/other/weighted_sequences.py"),
    "the version of the tree": file(f"{SITE}/calc_kit-1.4.0.dist-info/METADATA"),
    "a version of development": file(f"{SITE}/calc_kit-1.5.0.dev3+gabc.dist-info/METADATA"),
    "another distribution": file(f"{SITE}/calc_kit_extras-9.0.dist-info/METADATA"),
    "metadata in the tree": file("testbed/calc_kit.egg-info/PKG-INFO"),
    "a wheel that the tree has": file("testbed/dist/calc_kit-1.5-py3-none-any.whl"),
    "an earlier wheel": file("root/.cache/calc_kit-1.3-py3-none-any.whl"),
    "an earlier archive of npm's cache": file(NPM_INDEX, npm_entry("calc-kit", "calc-kit-1.3.9")),
    "another package of npm's cache": file(NPM_INDEX, npm_entry("@calc-kit/types", "types-9.0.0")),
    "a text of npm elsewhere": file("root/notes", npm_entry("calc-kit", "calc-kit-9.0.0")),
    "a broken zip": file("opt/broken.zip", b"PK\x03\x04 no zip"),
}


@pytest.mark.parametrize("entry", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_shows_nothing_of_the_solution_is_no_leak(tmp_path: Path, entry: Entry) -> None:
    assert search(tmp_path, [entry]).places == []


def test_members_of_a_zip_are_named_behind_it(tmp_path: Path) -> None:
    wheel = zipped(file("calc/weighted_sequences.py"), file("calc_kit-2.0.dist-info/METADATA"))
    assert search(tmp_path, [file("tmp/download.body", wheel)]).places == [
        ("PatchFiles", "tmp/download.body!calc/weighted_sequences.py", 1, None),
        ("LaterRelease", "tmp/download.body!calc_kit-2.0.dist-info/METADATA", 1, None),
    ]


def test_an_installation_from_the_tree_is_no_later_release(tmp_path: Path) -> None:
    folder = f"{SITE}/calc_kit-9.0.dist-info"
    url = b'{"url": "file:///testbed", "dir_info": {"editable": true}}'
    installed = [file(f"{folder}/METADATA"), file(f"{folder}/direct_url.json", url)]
    assert search(tmp_path, installed).places == []


def test_copies_that_tools_bring_are_named_and_are_no_leaks(tmp_path: Path) -> None:
    bundled = f"{SITE}/setuptools/_vendor/calc/__init__.py"
    dependency, metadata = f"{SITE}/calc/__init__.py", f"{SITE}/calc_kit-2.0.dist-info"
    url = b'{"url": "file:///testbed", "dir_info": {"editable": true}}'
    searched = search(
        tmp_path,
        [file(bundled, FIX), file(dependency, FIX), file(f"{metadata}/METADATA")],
        [
            file(f"{SITE}/.wh.calc"),
            file(f"{SITE}/.wh.calc_kit-2.0.dist-info"),
            file(f"{SITE}/calc_kit-1.4.0.dist-info/direct_url.json", url),
        ],
    )
    assert searched.places == []
    assert searched.of_tools == [
        ("PatchLines", bundled),
        ("PatchLines", dependency),
        ("LaterRelease", f"{metadata}/METADATA"),
    ]


def test_a_line_that_many_files_have_stands_for_no_patch(tmp_path: Path) -> None:
    files = [file(f"usr/lib/{name}.py", FIX) for name in ("a", "b", "c")]
    assert len(search(tmp_path, files).places) == 3
    assert search(tmp_path, [*files, file("usr/lib/d.py", FIX)]).places == []


def test_a_statement_with_lines_of_the_gold_patch_is_a_leak_in_no_layer(tmp_path: Path) -> None:
    base = base_tree(tmp_path)
    assert statement_finding(b"mean([]) fails. Try:\n" + FIX, base.terms) == [
        LeakFinding(
            kind=LeakKind.STATEMENT,
            path="spec.problemStatement",
            detail="1 added line: gold patch line 6",
        )
    ]
    assert statement_finding(b"mean([]) fails with ZeroDivisionError", base.terms) == []


def test_a_finding_has_no_text_of_the_repository(tmp_path: Path) -> None:
    name = "opt/\x1b[31m\u202enotes\n.md"
    assert search(tmp_path, [file(name, FIX)]).found == [
        LeakFinding(
            kind=LeakKind.PATCH_LINES,
            path="opt/?[31m?notes?.md",
            layer=1,
            digest=layer_digest(1)[7:19],
            detail="1 added line: gold patch line 6",
        )
    ]
