"""Archive sources: what comes in, and what an archive may not do."""

import copy
import hashlib
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import loopback
from loopback import Request, Response
from swefoundry.archives.archive_limits import ArchiveLimits
from swefoundry.contracts.intake import ArchiveOrigin, ArtifactOrigin, IntakeResult
from swefoundry.contracts.stages import Stage
from swefoundry.oci.deterministic_tar import RegularFile, Symlink
from swefoundry.programs.intake import sources
from swefoundry.programs.intake.download import download_archive
from swefoundry.programs.intake.intake_errors import IntakeRejected
from unit.oci import registry_server
from unit.programs.intake.intake_harness import QUICK, IntakeHarness
from unit.programs.intake.repositories import git


class Site:
    """What a web server serves: status and bytes by path."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, tuple[int, bytes]] = {}
        self.failures = 0
        self.headers: dict[str, str] = {}
        self.requests = 0

    def serve(self, name: str, content: bytes, status: int = 200, **fields: object) -> ArchiveOrigin:
        self.files[f"/{name}"] = (status, content)
        sha256 = str(fields.pop("sha256", hashlib.sha256(content).hexdigest()))
        return ArchiveOrigin.model_validate({"url": f"{self.url}/{name}", "sha256": sha256, **fields})


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    def answer(request: Request) -> Response:
        site.requests += 1
        if site.failures:
            site.failures -= 1
            return Response(503)
        return Response(*site.files.get(request.target, (404, b"")), site.headers)

    with loopback.serving(answer) as host:
        site.url = f"http://{host}"
        yield site


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), 1_600_000_000
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as written:  # type: ignore[call-overload]
        for info, content in members:
            written.addfile(info, io.BytesIO(content))
    return data.getvalue()


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE, mode=0o755)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


PACKAGE = (
    folder("p-1.0"),
    member("p-1.0/setup.py", b"setup()\r\n", mode=0o644),
    member("p-1.0/.gitattributes", b"* text=auto eol=lf\n*.c ident\n"),
    member("p-1.0/.gitignore", b"ignored\n"),
    member("p-1.0/ignored", b"kept\n"),
    member("p-1.0/a.c", b"$Id$\r\n"),
    member("p-1.0/run.sh", b"#!/bin/sh\n", mode=0o775),
    link("p-1.0/latest", "run.sh"),
    hard_link("p-1.0/same.py", "p-1.0/setup.py"),
    member("p-1.0/.git/config", b"[core]\n\tfsmonitor = false\n"),
    member("p-1.0/sub/.git", b"gitdir: /etc\n"),
)

TREE = {
    b"setup.py": RegularFile(b"setup()\r\n"),
    b"same.py": RegularFile(b"setup()\r\n"),
    b".gitattributes": RegularFile(b"* text=auto eol=lf\n*.c ident\n"),
    b".gitignore": RegularFile(b"ignored\n"),
    b"ignored": RegularFile(b"kept\n"),
    b"a.c": RegularFile(b"$Id$\r\n"),
    b"run.sh": RegularFile(b"#!/bin/sh\n", executable=True),
    b"latest": Symlink(b"run.sh"),
}

COMMIT = "5ffd9ca3d332bad4674182d4896a3e4b041aaf0f"
"""Of that tree, wherever and whenever it is made: data sets name it."""


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as written:
        for info, content in PACKAGE:
            mode = info.mode | (stat.S_IFLNK if info.issym() else stat.S_IFREG)
            entry = zipfile.ZipInfo(info.name + ("/" if info.isdir() else ""))
            entry.external_attr = mode << 16
            content = info.linkname.encode() if info.issym() else b"setup()\r\n" if info.islnk() else content
            written.writestr(entry, content)
    return data.getvalue()


FORMATS: dict[str, Callable[[], bytes]] = {
    "tar": lambda: tar(*PACKAGE, mode="w"),
    "tar.gz": lambda: tar(*PACKAGE, mode="w:gz"),
    "tar.bz2": lambda: tar(*PACKAGE, mode="w:bz2"),
    "tar.xz": lambda: tar(*PACKAGE, mode="w:xz"),
    "zip": zipped,
}


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS.keys())
async def test_an_archive_becomes_a_clean_tree_byte_for_byte(
    write: Callable[[], bytes], harness: IntakeHarness, site: Site, tmp_path: Path
) -> None:
    record = await harness.run_intake(site.serve("p-1.0", write()), version="1.0")
    assert await harness.stage(record, Stage.BASE) == TREE
    root = await harness.unpacked(record, tmp_path / "clean")
    assert git(root, "rev-list", "--all", "--count").split() == [b"1"]
    assert git(root, "describe").strip() == b"1.0"
    assert git(root, "status", "--porcelain") == git(root, "fsck", "--unreachable", "--dangling") == b""
    assert git(root, "cat-file", "blob", "HEAD:a.c") == b"$Id$\r\n"


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS.keys())
async def test_an_archives_one_commit_is_known_and_made_of_its_tree_alone(
    write: Callable[[], bytes], harness: IntakeHarness, site: Site, tmp_path: Path
) -> None:
    record = await harness.run_intake(site.serve("p-1.0", write()), version="1.0")
    root = await harness.unpacked(record, tmp_path / "clean")
    assert git(root, "rev-parse", "HEAD").decode().strip() == COMMIT
    assert (await harness.facts(record))["commit"] == COMMIT


async def test_a_stored_sources_commit_is_the_one_that_it_was_stored_with(
    harness: IntakeHarness, site: Site
) -> None:
    record = await harness.run_intake(site.serve("p-1.0", tar(*PACKAGE)))
    again = await harness.run_intake(ArtifactOrigin(digest=record.source or ""))
    assert (await harness.facts(again))["commit"] == COMMIT


async def test_a_patch_with_crlf_applies_to_an_archive_whatever_its_attributes_say(
    harness: IntakeHarness, site: Site
) -> None:
    patch = b"--- a/setup.py\n+++ b/setup.py\n@@ -1 +1,2 @@\n setup()\r\n+more()\r\n"
    record = await harness.run_intake(site.serve("p-1.0", tar(*PACKAGE)), None, patch)
    assert await harness.stage(record, Stage.AFTER) == TREE | {
        b"setup.py": RegularFile(b"setup()\r\nmore()\r\n")
    }


async def test_the_same_archive_gives_the_same_digests_whatever_its_times(
    harness: IntakeHarness, site: Site
) -> None:
    first = await harness.run_intake(site.serve("one", tar(*PACKAGE)), version="1.0")
    later = [(copy.copy(info), content) for info, content in (*PACKAGE[5:], *PACKAGE[:2], *PACKAGE)]
    for info, _ in later:
        info.mtime = 1_700_000_000
    later.sort(key=lambda entry: entry[0].islnk())  # what a hard link names must come before it
    second = await harness.run_intake(site.serve("two", tar(*later)), version="1.0")
    assert (first.source, first.layers, first.facts) == (second.source, second.layers, second.facts)


@pytest.mark.parametrize(("strip", "name"), [(0, b"p-1.0/src/a"), (1, b"src/a"), (2, b"a")])
async def test_leading_folders_are_stripped_as_asked(
    harness: IntakeHarness, site: Site, strip: int, name: bytes
) -> None:
    archive = tar(member("pax_global_header"), member("p-1.0/src/a", b"a"))
    record = await harness.run_intake(site.serve("p", archive, strip_components=strip))
    stage = await harness.stage(record, Stage.BASE)
    assert stage[name] == RegularFile(b"a")


@pytest.mark.parametrize("version", ["not a tag", "-x", "a..b", "x.lock"])
async def test_a_version_that_cannot_be_a_tag_is_left_out(
    harness: IntakeHarness, site: Site, version: str
) -> None:
    record = await harness.run_intake(site.serve("p", tar(*PACKAGE)), version=version)
    assert (record.code, "versionTag" in await harness.facts(record)) == (0, False)


async def test_empty_folders_survive(harness: IntakeHarness, site: Site, tmp_path: Path) -> None:
    record = await harness.run_intake(site.serve("p", tar(folder("p/empty"), member("p/a"))))
    root = await harness.unpacked(record, tmp_path / "clean")
    assert (root / "empty").is_dir()


# Downloads that fail


async def test_another_sha256_is_a_mismatch(harness: IntakeHarness, site: Site) -> None:
    origin = site.serve("p.tar.gz", tar(*PACKAGE), sha256="0" * 64)
    record = await harness.run_intake(origin)
    found = hashlib.sha256(site.files["/p.tar.gz"][1]).hexdigest()
    assert (record.code, record.message) == (
        12,
        f"{origin.url} has sha256 {found}, not {'0' * 64} as the manifest says",
    )


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (404, 12, "there is no archive at"),
        (410, 12, "there is no archive at"),
        (401, 13, "must be downloadable without a login"),
        (403, 13, "must be downloadable without a login"),
        (500, 19, "/p.tar.gz is busy (500)"),
        (429, 19, "/p.tar.gz is busy (429)"),
    ],
)
async def test_a_failed_download_says_why(
    harness: IntakeHarness, site: Site, status: int, code: int, message: str
) -> None:
    record = await harness.run_intake(site.serve("p.tar.gz", b"", status))
    assert (record.code, message in record.message) == (code, True), record.message


async def test_a_site_that_recovers_is_used(harness: IntakeHarness, site: Site) -> None:
    origin = site.serve("p", tar(*PACKAGE))
    site.failures = 2
    assert (await harness.run_intake(origin)).code == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/p", "http://no-such-host.invalid/p"])
async def test_a_site_that_is_down_is_unreachable(harness: IntakeHarness, url: str) -> None:
    where = url.format(port=registry_server.refusing_port())
    record = await harness.run_intake(ArchiveOrigin(url=where, sha256="0" * 64))
    assert (record.code, record.message.startswith(f"{where} did not answer")) == (19, True)
    assert (record.host, record.retry_after_seconds) == (urlsplit(where).netloc, None)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"Retry-After": "120"}, 120.0),
        (429, {"Retry-After": "120"}, 120.0),
        (403, {"Retry-After": "120"}, 120.0),
        (403, {"X-RateLimit-Remaining": "0"}, None),
    ],
    ids=["maintenance", "a rate limit", "a secondary rate limit", "a spent rate limit"],
)
async def test_a_site_that_names_its_pause_gets_it(
    harness: IntakeHarness, site: Site, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    origin = site.serve("p.tar.gz", b"come back\nlater", status)
    site.headers = headers
    record = await harness.run_intake(origin)
    assert record == IntakeResult(
        nonce=record.nonce,
        code=19,
        message=f"{origin.url} is busy ({status}): come back later",
        host=urlsplit(site.url).netloc,
        retry_after_seconds=seconds,
    )
    assert site.requests == (1 if seconds else 3)


async def test_only_http_and_https_are_fetched(harness: IntakeHarness) -> None:
    record = await harness.run_intake(ArchiveOrigin(url="file:///etc/passwd", sha256="0" * 64))
    assert (record.code, "only these are fetched" in record.message) == (13, True)


async def test_a_download_beyond_the_limit_is_rejected(site: Site, tmp_path: Path) -> None:
    with pytest.raises(IntakeRejected, match="is larger than 1 MiB"):
        await download_archive(site.serve("p", bytes(3 << 20)), tmp_path / "p", QUICK, limit=1 << 20)


# Archives that are dangerous or broken; tests/unit/archives has all kinds of them


REJECTED: dict[str, tuple[bytes, str]] = {
    "a name that leads out": (tar(member("p/../../x")), "leads out of it"),
    "a link that leads out": (tar(link("p/l", "/etc/passwd")), "leads out of it"),
    "a device": (tar(member("p/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)), "is a device"),
    "no archive": (b"<html>not found</html>", "cannot be read as tar or zip"),
    "names that git refuses": (tar(member("p/git~1/x")), "cannot be recorded by git"),
}


@pytest.mark.parametrize(("archive", "message"), REJECTED.values(), ids=REJECTED.keys())
async def test_an_unsafe_or_broken_archive_is_a_source_mismatch(
    archive: bytes, message: str, harness: IntakeHarness, site: Site
) -> None:
    record = await harness.run_intake(site.serve("p", archive))
    assert (record.code, message in record.message) == (12, True), record.message


def test_a_download_is_extracted_with_the_limits_of_foreign_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "FOREIGN_LIMITS", ArchiveLimits(unpacked_bytes=1 << 20, members=10))
    archive = tmp_path / "archive"
    for members in (member("p/a", bytes(2 << 20)),), tuple(member(f"p/{n}") for n in range(11)):
        archive.write_bytes(tar(*members))
        with pytest.raises(IntakeRejected, match=r"unpacks to more than 1 MiB|more than 10 members"):
            sources.extract_download(archive, tmp_path / f"out{len(members)}", 1)
