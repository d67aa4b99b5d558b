"""Source archives: unpacked safely, and what they say about themselves."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from swefoundry.archives.archive_limits import ArchiveLimits
from swefoundry.archives.archive_policy import ExtractPolicy, UnsafePolicy
from swefoundry.cli.releases.describing import problem_statement, repository_name
from swefoundry.cli.releases.unpacking import RELEASE_POLICY, BadArchive, unpack_release


def tar(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    return path


def names(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()
    )


def test_a_tar_loses_its_leading_folder(tmp_path: Path) -> None:
    root = unpack_release(
        tar(tmp_path / "a.tar.gz", {"a-1/a.py": b"1", "a-1/b/c.py": b"2"}), tmp_path / "out"
    )
    assert names(root) == ["a.py", "b/c.py"]


def test_a_zip_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a-1/a.py", "1")
    assert names(unpack_release(tmp_path / "a.zip", tmp_path / "out")) == ["a.py"]


def test_nothing_leaves_the_folder_and_no_repository_comes_along(tmp_path: Path) -> None:
    files = {
        "a-1/a.py": b"1",
        "a-1/../../evil.py": b"x",
        "a-1/.git/config": b"x",
        "a-1/sub/.git": b"gitdir: /",
    }
    links = {"a-1/good": "a.py", "a-1/bad": "/etc/passwd", "a-1/worse": "../../../etc/passwd"}
    root = unpack_release(tar(tmp_path / "a.tar.gz", files, links), tmp_path / "out")
    assert names(root) == ["a.py", "good"]
    assert not (tmp_path / "evil.py").exists()


def test_an_archive_without_a_leading_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert names(
        unpack_release(tar(tmp_path / "a.tar.gz", {"a.py": b"", "b.py": b""}), tmp_path / "out")
    ) == [
        "a.py",
        "b.py",
    ]


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(BadArchive, match=r"a\.tar\.gz cannot be unpacked"):
        unpack_release(tmp_path / "a.tar.gz", tmp_path / "out")


def test_a_release_is_extracted_within_its_limits_with_its_times_and_without_what_leads_out() -> None:
    limits = ArchiveLimits(unpacked_bytes=1 << 30, members=500_000)
    assert ExtractPolicy(limits, unsafe=UnsafePolicy.SKIP, keep_times=True) == RELEASE_POLICY


@pytest.mark.parametrize(
    ("metadata", "repo"),
    [
        pytest.param(
            "Project-URL: Documentation, https://docs.example\n"
            "Project-URL: Changes, https://github.example/octo/wiki\n"
            "Project-URL: Source Code, https://github.example/octo/calc/\n",
            "octo/calc",
            id="the label that speaks of source",
        ),
        pytest.param("Home-page: http://www.gitlab.example/octo/calc.git\n", "octo/calc", id="the home page"),
        pytest.param(
            "Project-URL: Funding, https://github.com/sponsors/octo\n", "releases/calc", id="sponsors"
        ),
        pytest.param("Home-page: https://calc.example/a/b\n", "releases/calc", id="a site of its own"),
        pytest.param("", "releases/calc", id="nothing"),
    ],
)
def test_the_repository_is_read_from_the_metadata(tmp_path: Path, metadata: str, repo: str) -> None:
    (tmp_path / "PKG-INFO").write_text(
        f"Metadata-Version: 2.1\nName: calc\n{metadata}\nLong description: x\n"
    )
    assert repository_name(tmp_path, "calc") == repo


def test_no_metadata_is_no_trouble(tmp_path: Path) -> None:
    assert repository_name(tmp_path, "calc") == "releases/calc"


def test_the_problem_statement_is_what_the_changelog_gained(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for root, text in ((old, "1.0\n---\n- first\n"), (new, "1.1\n---\n- add() adds\n\n1.0\n---\n- first\n")):
        root.mkdir()
        (root / "CHANGES.rst").write_text(text)
    assert problem_statement("calc", "1.1", old, new) == "calc 1.1\n\n1.1\n---\n- add() adds\n"


def test_without_a_changelog_the_statement_says_what_is_known(tmp_path: Path) -> None:
    assert problem_statement("calc", "1.1", tmp_path, tmp_path).startswith("calc 1.1\n\nThe behaviour")
