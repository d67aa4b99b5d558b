"""Read test cases and their statuses from a JUnit XML report.

The report was written by code under test: no DTD, no entities, no external references, and never more than
one test case in memory.
"""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from swefoundry.grading.testcase_ids import module_path, node_id, stable_name
from swefoundry.grading.testcase_status import CaseStatus, Tally

XFAIL_TYPE = "pytest.xfail"
MAX_ELEMENT_DEPTH = 64
"""Same as in the runner; each element is compared with its ancestors."""
SUITES = ("testsuites", "testsuite")


class UnreadableReport(Exception):
    """A report that cannot be read; the message is for people."""


def read_junit(content: bytes, tally: Tally) -> int:
    """Add every test case to the tally; return the number of test cases."""
    found = 0
    try:
        for test, status in _cases(content):
            tally.add(test, status)
            found += 1
    except ParseError as error:
        raise UnreadableReport(f"not well-formed XML: {error}") from error
    except DefusedXmlException as error:
        raise UnreadableReport(f"XML that declares a DTD or entities is refused: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that does not exist, or does not fit
        raise UnreadableReport(f"XML in a broken encoding: {error}") from error
    return found


def _cases(content: bytes) -> Iterator[tuple[str, CaseStatus]]:
    path: list[Element] = []
    for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            if not path and _local_name(element.tag) not in SUITES:
                raise UnreadableReport(
                    f"the root element is <{_local_name(element.tag)}>, not <testsuites> or <testsuite>"
                )
            path.append(element)
            if len(path) > MAX_ELEMENT_DEPTH:
                raise UnreadableReport(f"elements are nested more than {MAX_ELEMENT_DEPTH} deep")
            continue
        path.pop()
        if _local_name(element.tag) == "testcase":
            yield _test_id(element, _suite(path)), _status(element)
        if path and not any(_local_name(outer.tag) == "testcase" for outer in path):
            path[-1].remove(element)


def _suite(path: list[Element]) -> Element:
    return next(element for element in reversed(path) if _local_name(element.tag) in SUITES)


def _local_name(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _test_id(case: Element, suite: Element) -> str:
    classname, name = case.get("classname", ""), case.get("name", "")
    if not classname and _is_collection_error(case):
        return module_path(stable_name(name))
    file = case.get("file") or suite.get("file") or ""
    return node_id(stable_name(classname), name, file, pytest=suite.get("name") == "pytest")


def _is_collection_error(case: Element) -> bool:
    return any(
        _local_name(child.tag) in ("error", "skipped") and child.get("message", "").startswith("collection ")
        for child in case
    )


def _status(case: Element) -> CaseStatus:
    """Return the worst status of a case; surefire's flaky and rerun elements do not count."""
    kinds = {_local_name(child.tag): child for child in case}
    if "error" in kinds:
        return CaseStatus.ERROR
    if "failure" in kinds:
        return CaseStatus.FAILED
    if "skipped" in kinds:
        return CaseStatus.XFAILED if kinds["skipped"].get("type") == XFAIL_TYPE else CaseStatus.SKIPPED
    return _status_from_attribute(case.get("status") or case.get("result") or "")


def _status_from_attribute(word: str) -> CaseStatus:
    """Read the status from an attribute, as some writers have it (googletest: ``notrun``, ``skipped``)."""
    match word.lower():
        case "skipped" | "disabled" | "notrun" | "suppressed" | "ignored":
            return CaseStatus.SKIPPED
        case "failed" | "fail" | "failure":
            return CaseStatus.FAILED
        case "error":
            return CaseStatus.ERROR
    return CaseStatus.PASSED
