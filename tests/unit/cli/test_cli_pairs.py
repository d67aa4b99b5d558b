"""`PKG:OLD..NEW`, and the releases on a project page."""

from datetime import UTC, datetime

import pytest
from packaging.version import Version

from swefoundry.cli.releases.index import SourceArchive, source_archives
from swefoundry.cli.releases.pairs import BadPair, ReleasePair, pair_lines, parse_pair


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("itsdangerous:2.1.0..2.1.1", ReleasePair("itsdangerous", "2.1.0", "2.1.1")),
        ("ruamel.yaml:0.1..0.2rc1", ReleasePair("ruamel.yaml", "0.1", "0.2rc1")),
        ("a_b-c:1.0.post1..2!1.0", ReleasePair("a_b-c", "1.0.post1", "2!1.0")),
        ("click:8.0..8.1 repo=pallets/click", ReleasePair("click", "8.0", "8.1", "pallets/click")),
        ("go:a.org/b/v2@v2.0.0..v2.1.0-rc.1", ReleasePair("a.org/b/v2", "v2.0.0", "v2.1.0-rc.1", None, "go")),
        ("crate:num-bigint@0.4.2..0.4.3", ReleasePair("num-bigint", "0.4.2", "0.4.3", None, "rust")),
    ],
)
def test_pairs(text: str, pair: ReleasePair) -> None:
    assert parse_pair(text) == pair


BAD_PAIRS = (
    "go:a.org/b@1.0..1.1",
    "click",
    "click:8.0-8.1",
    "click:8.1..8.0",
    "click:8.0..8.0.0",
    "click:8.0..latest",
    "click:8.0..8.1 pallets/click",
    "click:8.0..8.1 repo=click",
)


@pytest.mark.parametrize("text", BAD_PAIRS)
def test_a_text_that_is_no_pair_is_rejected(text: str) -> None:
    with pytest.raises(BadPair):
        parse_pair(text)


def test_files_may_have_comments_and_blank_lines() -> None:
    content = ["# chosen by measuring", "", "a:1..2  # fail2pass", "b:1..2 repo=o/b"]
    assert list(pair_lines(content)) == [(3, "a:1..2"), (4, "b:1..2 repo=o/b")]


def file(name: str, **more: object) -> dict[str, object]:
    return {"filename": name, "url": f"https://index.example/{name}", "hashes": {"sha256": "e" * 64}, **more}


def test_the_best_source_archive_of_each_release_is_found() -> None:
    files = [
        file("My_Pkg-1.0.zip"),
        file("my_pkg-1.0.tar.gz", **{"upload-time": "2022-03-09T16:24:04.906314Z"}),
        file("my_pkg-1.0-py3-none-any.whl"),
        file("my-pkg-2.0rc1.tar.bz2"),
        file("my-pkg-docs.tar.gz"),
        file("my-pkg-3.0.exe"),
    ]
    found = source_archives(files)
    assert sorted(found) == [Version("1.0"), Version("2.0rc1")]
    assert found[Version("1.0")] == SourceArchive(
        url="https://index.example/my_pkg-1.0.tar.gz",
        filename="my_pkg-1.0.tar.gz",
        sha256="e" * 64,
        uploaded=datetime(2022, 3, 9, 16, 24, 4, 906314, UTC),
    )


def test_an_index_may_leave_out_hashes_and_times() -> None:
    (archive,) = source_archives([file("a-1.tar.gz", hashes={})]).values()
    assert (archive.sha256, archive.uploaded) == ("", None)
