"""Read the report files of one evaluation. The format is detected from the content."""

from collections.abc import Mapping

from swefoundry.grading.junit import UnreadableReport, read_junit
from swefoundry.grading.tap import looks_like_tap, read_tap
from swefoundry.grading.testcase_status import ParsedReports, Tally

FILE_LIMIT_BYTES = 32 << 20
"""Larger reports are not read. The runner limits all reports of an evaluation to 4 MiB by default."""

LEADING_BYTES = b" \t\r\n\xef\xbb\xbf"


def read_reports(files: Mapping[str, bytes]) -> ParsedReports:
    """Return every test in the files with its status. An unreadable file is a problem; the others count."""
    tally = Tally()
    for path in sorted(files):
        try:
            found = _read_report(files[path], tally)
        except UnreadableReport as error:
            tally.problem(f"{path}: {error}")
            continue
        if not found:
            tally.problem(f"{path}: no test in it")
    return tally.result()


def _read_report(content: bytes, tally: Tally) -> int:
    if len(content) > FILE_LIMIT_BYTES:
        raise UnreadableReport(f"{len(content)} bytes; reports over {FILE_LIMIT_BYTES} bytes are not read")
    head = content[:65536].lstrip(LEADING_BYTES)
    if not head:
        raise UnreadableReport("the file is empty")
    if head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return _read_whole_junit(content, tally)
    if looks_like_tap(content.decode("utf-8", "replace")):
        return read_tap(content, tally)
    raise UnreadableReport("neither JUnit XML nor TAP")


def _read_whole_junit(content: bytes, tally: Tally) -> int:
    """Read a JUnit report completely or not at all: tests after an error would look as if they did not exist."""
    part = Tally()
    found = read_junit(content, part)
    result = part.result()
    for test, status in result.statuses.items():
        tally.add(test, status)
    for problem in result.problems:
        tally.problem(problem)
    return found
