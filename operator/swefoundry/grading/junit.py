"""Which tests does a JUnit XML report name, and how did each end?

The report was written by code under test: no DTD, no entities, no external references, and never more than
one test case in memory.
"""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from swefoundry.grading.testcase_ids import clean, module_path, node_id
from swefoundry.grading.testcase_status import Status, Tally

XFAIL = "pytest.xfail"
DEEPEST = 64
"""As the runner has it; each element is compared with those around it."""
SUITES = ("testsuites", "testsuite")


class Unreadable(Exception):
    """The report is not what it claims to be; the message says why, for people."""


def read_junit(content: bytes, tally: Tally) -> int:
    """Add every test case to the tally; the number of test cases seen."""
    found = 0
    try:
        for test, status in _cases(content):
            tally.add(test, status)
            found += 1
    except ParseError as error:
        raise Unreadable(f"not well-formed XML: {error}") from error
    except DefusedXmlException as error:
        raise Unreadable(f"XML that declares a DTD or entities is refused: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that does not exist, or does not fit
        raise Unreadable(f"XML in a broken encoding: {error}") from error
    return found


def _cases(content: bytes) -> Iterator[tuple[str, Status]]:
    path: list[Element] = []
    for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            if not path and _local(element.tag) not in SUITES:
                raise Unreadable(
                    f"the root element is <{_local(element.tag)}>, not <testsuites> or <testsuite>"
                )
            path.append(element)
            if len(path) > DEEPEST:
                raise Unreadable(f"elements are nested more than {DEEPEST} deep")
            continue
        path.pop()
        if _local(element.tag) == "testcase":
            yield _test(element, _suite(path)), _status(element)
        if path and not any(_local(outer.tag) == "testcase" for outer in path):
            path[-1].remove(element)


def _suite(path: list[Element]) -> Element:
    return next(element for element in reversed(path) if _local(element.tag) in SUITES)


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _test(case: Element, suite: Element) -> str:
    classname, name = case.get("classname", ""), case.get("name", "")
    if not classname and _collection_error(case):
        return module_path(clean(name))
    file = case.get("file") or suite.get("file") or ""
    return node_id(clean(classname), name, file, pytest=suite.get("name") == "pytest")


def _collection_error(case: Element) -> bool:
    return any(
        _local(child.tag) in ("error", "skipped") and child.get("message", "").startswith("collection ")
        for child in case
    )


def _status(case: Element) -> Status:
    """The worst of what the case says; surefire's flaky and rerun elements do not count."""
    kinds = {_local(child.tag): child for child in case}
    if "error" in kinds:
        return Status.ERROR
    if "failure" in kinds:
        return Status.FAILED
    if "skipped" in kinds:
        return Status.XFAILED if kinds["skipped"].get("type") == XFAIL else Status.SKIPPED
    return _spelled(case.get("status") or case.get("result") or "")


def _spelled(word: str) -> Status:
    """Some writers have no child element and say it in an attribute (googletest: ``notrun``, ``skipped``)."""
    match word.lower():
        case "skipped" | "disabled" | "notrun" | "suppressed" | "ignored":
            return Status.SKIPPED
        case "failed" | "fail" | "failure":
            return Status.FAILED
        case "error":
            return Status.ERROR
    return Status.PASSED
