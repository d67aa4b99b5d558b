"""Read the report files of one evaluation. The format is detected from the content.

``images/runner/reports.go`` reads the same files alike: ``tests/fixtures/reports`` holds what both must agree on.
"""

from collections.abc import Mapping

from swefoundry.grading.cargotest import CARGO_BEGINNINGS, MixedOutput, read_cargo_test
from swefoundry.grading.gotest import BEGINNINGS, UnendedPackage, read_go_test
from swefoundry.grading.junit import OtherXml, read_junit
from swefoundry.grading.report_text import UnreadableReport, decode_report
from swefoundry.grading.tap import Planless, UnknownFormat, read_tap
from swefoundry.grading.testcase_status import ParsedReports, Tally

REPORTS_LIMIT_BYTES = 64 << 20
"""All reports of an evaluation together, uncompressed; the runner has the same limit."""


def read_reports(files: Mapping[str, bytes]) -> ParsedReports:
    """Return every test in the files with its status. An unreadable file is a problem; the others count."""
    tally = Tally()
    room = REPORTS_LIMIT_BYTES
    for path in sorted(files):
        content = files[path]
        if len(content) > room:
            tally.unreadable(
                f"{path}: {len(content)} bytes; reports of more than {REPORTS_LIMIT_BYTES} bytes are not read"
            )
            continue
        room -= len(content)
        _read_file(path, content, tally)
    return tally.result()


def _read_file(path: str, content: bytes, tally: Tally) -> None:
    """Add the tests of a file completely or not at all: tests after an error would look as if they did not exist."""
    part = Tally()
    try:
        _read_report(content, part)
        tally.merge(part)
    except (Planless, UnendedPackage, MixedOutput) as error:
        tally.merge(part)
        tally.unreadable(f"{path}: {error}")
    except UnreadableReport as error:
        tally.unreadable(f"{path}: {error}")
        return
    except (OtherXml, UnknownFormat) as error:
        tally.problem(f"{path}: {error}")
        return
    if not part.entries:
        tally.problem(f"{path}: no test in it")


def _read_report(content: bytes, part: Tally) -> None:
    text = decode_report(content)
    if text.is_empty:
        raise UnreadableReport("the file is empty")
    if text.begins_with(("<",)):
        read_junit(text.pieces, part)
    elif text.begins_with(BEGINNINGS):
        read_go_test(text.pieces, part)
    elif text.begins_with(CARGO_BEGINNINGS):
        read_cargo_test(text.pieces, part)
    else:
        read_tap(text.pieces, part)
