"""Read test cases and their statuses from a JUnit XML report.

The report was written by code under test: no DTD, no entities, no external references, and never more than
one test case in memory. ``images/runner/junit.go`` reads the same.
"""

from collections.abc import Iterable, Mapping
from xml.parsers.expat import XML_PARAM_ENTITY_PARSING_NEVER, XMLParserType
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.expatreader import DefusedExpatParser

from swefoundry.grading.report_text import UnreadableReport, well_formed_pieces
from swefoundry.grading.testcase_ids import (
    DOTTED_MODULE,
    DOTTED_NAME,
    IdForms,
    junit_id,
    module_id,
)
from swefoundry.grading.testcase_status import CaseResult, CaseStatus, Tally

XFAIL_TYPE = "pytest.xfail"
MAX_ELEMENT_DEPTH = 64
"""Same as in the runner; reports written by tools have less than ten."""
SUITES = ("testsuites", "testsuite")

PYTEST_SUITE = ("name", "errors", "failures", "skipped", "tests", "time", "timestamp", "hostname")
"""What pytest writes about a suite, in this order; Python below 3.8 sorted it. The name may be the project's own."""
INTERNAL_ERROR = "pytest"
"""Class of the entry that pytest writes about its own crash."""
UNCOLLECTED_CLASSES = (
    "unittest.loader._FailedTest",
    "unittest.loader.ModuleImportFailure",
    "nose2.loader.ModuleImportFailure",
    "nose.failure.Failure",
    "Test suite failed to run",
    INTERNAL_ERROR,
)
"""Class names by which runners report a module that they could not import."""

STATUS_WORDS = {
    **dict.fromkeys(
        ("skipped", "disabled", "notrun", "suppressed", "ignored", "pending", "todo"), CaseStatus.SKIPPED
    ),
    **dict.fromkeys(("failed", "fail", "failure"), CaseStatus.FAILED),
    "error": CaseStatus.ERROR,
}
"""Statuses as some writers have them in an attribute (googletest: ``notrun``, ``suppressed``)."""

Attributes = Mapping[str, str]
Element = tuple[str, Attributes]
"""A local name, and attributes."""


class OtherXml(Exception):
    """XML that is no test report, such as one of coverage."""


def read_junit(pieces: Iterable[str], tally: Tally) -> None:
    """Add every test case to the tally."""
    parser = _ReportParser(forbid_dtd=True)
    parser.setContentHandler(_CaseReader(tally, parser))
    try:
        for piece in well_formed_pieces(pieces):
            parser.feed(piece)
        parser.close()
    except SAXParseException as error:
        raise UnreadableReport(f"not well-formed XML: {error.getMessage()}") from error
    except DefusedXmlException as error:
        raise UnreadableReport(f"XML that declares a DTD or entities is refused: {error}") from error


class _ReportParser(DefusedExpatParser):
    """Passes over a document type that declares nothing: reports of coverage have one, no test report does."""

    _parser: XMLParserType
    has_document_type = False

    def reset(self) -> None:
        super().reset()
        self._parser.SetParamEntityParsing(XML_PARAM_ENTITY_PARSING_NEVER)  # nothing external is asked for

    def defused_start_doctype_decl(
        self, name: str, sysid: str | None, pubid: str | None, has_internal_subset: bool
    ) -> None:
        if has_internal_subset or not name.isascii():
            raise DTDForbidden(name, sysid, pubid)
        self.has_document_type = True


class _CaseReader(ContentHandler):
    """Gathers what a test case is made of. A test case within another one is none."""

    def __init__(self, tally: Tally, parser: _ReportParser) -> None:
        self._tally = tally
        self._parser = parser
        self._depth = 0
        self._suites: list[Attributes] = []
        self._case: Attributes = {}
        self._case_depth = 0
        self._children: list[Element] = []

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - the parser's name
        self._depth += 1
        if not (name.isascii() and all(attribute.isascii() for attribute in attrs.getNames())):
            raise UnreadableReport("names of elements and attributes are in ASCII")
        name = _local_name(name)
        if self._depth == 1:
            self._require_suite(name)
        if self._depth > MAX_ELEMENT_DEPTH:
            raise UnreadableReport(f"elements are nested more than {MAX_ELEMENT_DEPTH} deep")
        if self._case_depth:
            if self._depth == self._case_depth + 1:
                self._children.append((name, dict(attrs.items())))
        elif name in SUITES:
            self._suites.append(dict(attrs.items()))
        elif name == "testcase":
            self._case, self._case_depth, self._children = dict(attrs.items()), self._depth, []

    def _require_suite(self, root: str) -> None:
        if root not in SUITES:
            raise OtherXml(f"the root element is <{root}>, not <testsuites> or <testsuite>")
        if self._parser.has_document_type:
            raise UnreadableReport("a test report with a document type is refused")

    def endElement(self, name: str) -> None:  # noqa: N802
        if self._depth == self._case_depth:
            if not self._is_unfinished():
                self._tally.add(self._id(), _result(self._case, self._children))
            self._case_depth = 0
        elif not self._case_depth and _local_name(name) in SUITES:
            self._suites.pop()
        self._depth -= 1

    def _is_unfinished(self) -> bool:
        """Whether pytest wrote this about a test that was interrupted: a case with a time and nothing else."""
        return not self._children and self._case.keys() == {"time"}

    def _id(self) -> IdForms:
        suite = self._suites[-1]
        classname, name = self._case.get("classname", ""), self._case.get("name", "")
        file = self._case.get("file") or suite.get("file") or ""
        if not classname and any(_is_collection_outcome(child) for child in self._children):
            return module_id(name, file)
        return junit_id(classname, name, file, pytest=self._is_pytest(suite, classname))

    def _is_pytest(self, suite: Attributes, classname: str) -> bool:
        """Whether pytest wrote this, by what it always writes: ``junit_suite_name`` changes the suite's name."""
        if classname in ("", INTERNAL_ERROR):
            return False
        if self._suites[0].get("name") == "pytest tests" or suite.get("name") == "pytest":
            return True
        if tuple(suite) == PYTEST_SUITE:
            return True
        python = DOTTED_NAME.match(classname) and DOTTED_MODULE.search(classname)
        return sorted(suite) == sorted(PYTEST_SUITE) and bool(python)


def _local_name(name: str) -> str:
    return name.rpartition(":")[2]


def _is_collection_outcome(child: Element) -> bool:
    """Whether pytest says that it could not collect a module, or that the module skipped itself."""
    name, attributes = child
    return name in ("error", "skipped") and attributes.get("message", "").startswith("collection ")


def _result(case: Attributes, children: list[Element]) -> CaseResult:
    """Return the worst result of a case; surefire's flaky and rerun elements do not count."""
    results = [result for child in children if (result := _child_result(case, child)) is not None]
    if not results:
        words = (case.get(attribute, "").lower() for attribute in ("status", "result"))
        results = [CaseResult(STATUS_WORDS.get(word, CaseStatus.PASSED)) for word in words]
    final = results[0]
    for result in results[1:]:
        final = final.worse(result)
    return final


def _child_result(case: Attributes, child: Element) -> CaseResult | None:
    match child:
        case ("error", _):
            uncollected = case.get("classname") in UNCOLLECTED_CLASSES or _is_collection_outcome(child)
            return CaseResult(CaseStatus.ERROR, uncollected)
        case ("failure", _):
            return CaseResult(CaseStatus.FAILED)
        case ("skipped", attributes):
            xfailed = attributes.get("type") == XFAIL_TYPE
            return CaseResult(CaseStatus.XFAILED if xfailed else CaseStatus.SKIPPED)
    return None
