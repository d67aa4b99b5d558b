"""Files that are kept in memory after they were stored."""

from swefoundry.workloads.recent_files import BYTES_PER_FILE, RecentFiles

FIRST, SECOND = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def test_files_are_kept_by_repository_and_digest():
    recent = RecentFiles()
    recent.put("one", FIRST, {"record.json": b"{}"})
    assert recent.get("one", FIRST) == {"record.json": b"{}"}
    assert recent.get("other", FIRST) is None
    assert recent.get("one", SECOND) is None


def test_the_oldest_are_dropped_when_there_are_too_many_bytes():
    recent = RecentFiles(limit_bytes=2 * BYTES_PER_FILE + 5)
    recent.put("one", FIRST, {"a": b"123"})
    recent.put("one", FIRST, {"a": b"123"})
    recent.put("one", SECOND, {"a": b"12"})
    assert recent.get("one", FIRST) is not None
    recent.put("other", SECOND, {"a": b"1"})
    assert recent.get("one", FIRST) is None
    assert recent.get("one", SECOND) is not None


def test_files_above_the_limit_are_not_kept():
    recent = RecentFiles(limit_bytes=BYTES_PER_FILE + 5)
    recent.put("one", FIRST, {"a": b"123456"})
    assert recent.get("one", FIRST) is None


def test_many_small_files_are_dropped_although_their_contents_are_few_bytes():
    recent = RecentFiles(limit_bytes=10 * BYTES_PER_FILE)
    recent.put("one", FIRST, {"a": b""})
    recent.put("one", SECOND, {str(number): b"" for number in range(10)})
    assert recent.get("one", FIRST) is None
