"""JUnit XML: what each test is called and how it ended."""

import pytest

from swefoundry.contracts.draft import TEST_ID_LIMIT
from swefoundry.grading.junit import read_junit
from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.report_text import UnreadableReport
from swefoundry.grading.testcase_status import ENTRIES_LIMIT, CaseCounts, CaseStatus, Tally


def report(cases: str, suite: str = "pytest") -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><testsuites>'
        f'<testsuite name="{suite}" tests="1">{cases}</testsuite></testsuites>'
    ).encode()


def statuses(cases: str, suite: str = "pytest") -> dict[str, str]:
    found = read_reports({"junit.xml": report(cases, suite)})
    return {test: str(status) for test, status in found.statuses.items()}


def test_each_way_a_pytest_test_can_end() -> None:
    cases = """
      <testcase classname="tests.test_a.TestThing" name="test_ok" time="0.1"/>
      <testcase classname="tests.test_a" name="test_bad[1-x y]"><failure message="assert 0"/></testcase>
      <testcase classname="tests.test_a" name="test_broken"><error message="failed on setup"/></testcase>
      <testcase classname="tests.test_a" name="test_later"><skipped type="pytest.skip"/></testcase>
      <testcase classname="tests.test_a" name="test_known"><skipped type="pytest.xfail"/></testcase>
    """
    assert statuses(cases) == {
        "tests/test_a.py::TestThing::test_ok": "passed",
        "tests/test_a.py::test_bad[1-x y]": "failed",
        "tests/test_a.py::test_broken": "error",
        "tests/test_a.py::test_later": "skipped",
        "tests/test_a.py::test_known": "xfailed",
    }


def test_counts_are_the_runners_five() -> None:
    cases = """<testcase name="a"/><testcase name="b"><failure/></testcase>
      <testcase name="c"><error/></testcase>
      <testcase name="d"><skipped/></testcase><testcase name="e"><skipped type="pytest.xfail"/></testcase>"""
    assert read_reports({"r.xml": report(cases)}).counts == CaseCounts(
        total=5, passed=1, failed=1, errors=1, skipped=2
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    {
        "a module and a class": ('classname="tests.test_x.TestA"', "tests/test_x.py::TestA::t"),
        "nested classes": ('classname="tests.test_x.TestA.TestB"', "tests/test_x.py::TestA::TestB::t"),
        "a class in a module called tests": (
            'classname="app.tests.ThingTests"',
            "app/tests.py::ThingTests::t",
        ),
        "a folder called like a module": ('classname="test_suite.test_x"', "test_suite/test_x.py::t"),
        "a module with the suffix": ('classname="pkg.thing_test"', "pkg/thing_test.py::t"),
        "a plain module": ('classname="pkg.mod"', "pkg/mod.py::t"),
        "a file says where the module ends": (
            'classname="tests.test_x.test_odd_class" file="tests/test_x.py"',
            "tests/test_x.py::test_odd_class::t",
        ),
        "a file with another root": (
            'classname="test_x.TestA" file="tests/test_x.py"',
            "tests/test_x.py::TestA::t",
        ),
        "an inherited test keeps the module that collected it": (
            'classname="tests.test_x.TestA" file="tests/base.py"',
            "tests/test_x.py::TestA::t",
        ),
        "an absolute path in the work folder": (
            'classname="tests.test_x" file="/testbed/tests/test_x.py"',
            "tests/test_x.py::t",
        ),
        "no class name": ('file="tests/test_x.py"', "tests/test_x.py::t"),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_python_tests_get_pytest_node_ids(attributes: str, expected: str) -> None:
    assert list(statuses(f'<testcase {attributes} name="t"/>')) == [expected]


def test_other_languages_keep_their_class_names() -> None:
    case = '<testcase classname="org.example.ParserTest" name="readsNothing()" time="0.01"/>'
    assert statuses(case, suite="org.example.ParserTest") == {
        "org.example.ParserTest::readsNothing()": "passed"
    }


def test_a_module_that_cannot_be_collected_is_an_error_of_its_file() -> None:
    case = '<testcase classname="" name="tests.test_new"><error message="collection failure"/></testcase>'
    assert statuses(case) == {"tests/test_new.py": "error"}


def test_names_of_pytest_stay_as_they_are() -> None:
    case = (
        '<testcase classname="tests.test_x" name="test_o[&lt;object object at 0x7f3a5c0d1b20&gt;]"/>'
        '<testcase classname="tests.test_x" name="test_wait[in 5 s]"/>'
    )
    assert list(statuses(case)) == [
        "tests/test_x.py::test_o[<object object at 0x7f3a5c0d1b20>]",
        "tests/test_x.py::test_wait[in 5 s]",
    ]


def test_a_very_long_name_keeps_its_head_and_stays_distinct() -> None:
    cases = "".join(f'<testcase name="{"x" * 50_000}{end}"/>' for end in "ab")
    names = list(statuses(cases, suite="other"))
    assert len(names) == 2
    assert all(len(name) <= TEST_ID_LIMIT for name in names)


def test_a_test_that_passes_and_then_fails_to_tear_down_is_an_error() -> None:
    case = '<testcase classname="tests.test_x" name="t"/>'
    torn = '<testcase classname="tests.test_x" name="t"><error message="failed on teardown"/></testcase>'
    found = read_reports({"junit.xml": report(torn + case)})
    assert dict(found.statuses) == {"tests/test_x.py::t": CaseStatus.ERROR}
    assert found.problems == ("1 results repeat a test id with another status; the worst counts",)


def test_suites_may_be_nested_and_namespaced() -> None:
    content = b"""<x:testsuites xmlns:x="urn:x"><x:testsuite name="outer"><x:testsuite name="inner">
      <x:properties><x:property name="testcase"/></x:properties>
      <x:testcase classname="C" name="a"><x:failure/></x:testcase></x:testsuite>
      <x:testcase classname="C" name="b"/></x:testsuite></x:testsuites>"""
    assert dict(read_reports({"r.xml": content}).statuses) == {
        "C::a": CaseStatus.FAILED,
        "C::b": CaseStatus.PASSED,
    }


def test_a_status_may_be_an_attribute() -> None:
    cases = (
        '<testcase classname="S" name="a" status="notrun"/><testcase classname="S" name="b" status="run"/>'
    )
    assert statuses(cases, suite="S") == {"S::a": "skipped", "S::b": "passed"}


BOMB = b"""<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuites><testsuite name="pytest"><testcase name="&b;"/></testsuite></testsuites>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<testsuites><testsuite name="pytest"><testcase name="&a;"/></testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(BOMB, "DTD or entities is refused", id="entities that multiply"),
        pytest.param(OUTSIDE, "DTD or entities is refused", id="an external entity"),
        pytest.param(b"<html><body/></html>", "the root element is <html>", id="not a JUnit report"),
        pytest.param(report("<testcase name='a'/>")[:-20], "not well-formed XML", id="cut off"),
        pytest.param(
            b"<?xml version='1.0' encoding='klingon'?><testsuites/>", "encoding", id="unknown encoding"
        ),
        pytest.param(b" \n", "the file is empty", id="empty"),
        pytest.param(b"<testsuites/>", "no test in it", id="no test"),
        pytest.param(
            b"all good!", "neither JUnit XML, TAP, go test -json nor cargo test", id="another format"
        ),
        pytest.param(b"<testsuites>" + b"<a>" * 300_000, "nested more than 64 deep", id="nested without end"),
        pytest.param(b"<" + b" " * (65 << 20), "are not read", id="too large"),
        pytest.param(b"<testsuites" + " é='1'/>".encode(), "in ASCII", id="an attribute that is not ASCII"),
    ],
)
def test_a_report_that_cannot_be_read_is_a_problem_and_no_result(content: bytes, message: str) -> None:
    good = report('<testcase classname="tests.test_x" name="t"/>')
    found = read_reports({"bad.xml": content, "good.xml": good})
    assert dict(found.statuses) == {"tests/test_x.py::t": CaseStatus.PASSED}
    assert [message in problem and problem.startswith("bad.xml: ") for problem in found.problems] == [True]


def test_one_failure_is_found_in_twenty_megabytes() -> None:
    cases = "".join(
        f'<testcase classname="C" name="t{n}"><system-out>{"o" * 400}</system-out></testcase>'
        for n in range(45_000)
    )
    content = report(f'{cases}<testcase classname="C" name="last"><failure/></testcase>', suite="C")
    found = read_reports({"junit.xml": content})
    assert len(content) > 20 << 20
    assert found.counts == CaseCounts(total=45_001, passed=45_000, failed=1)


def test_more_results_than_the_limit_are_not_read() -> None:
    tally = Tally()
    tally.entries = ENTRIES_LIMIT
    with pytest.raises(UnreadableReport, match="more than 1048576 results"):
        read_junit([report('<testcase name="a"/>').decode()], tally)


def test_sixteen_thousand_tests_are_read_without_keeping_the_tree() -> None:
    import tracemalloc

    cases = "".join(
        f'<testcase classname="tests.test_x" name="t[{n}]"><system-out>{"o" * 500}</system-out></testcase>'
        for n in range(16_000)
    )
    content = report(cases)
    tracemalloc.start()
    found = read_reports({"junit.xml": content})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.counts.total == 16_000
    assert peak < len(content)


def test_a_report_of_coverage_beside_one_of_tests_is_left_out_by_name():
    coverage = b"<!DOCTYPE coverage SYSTEM 'coverage-04.dtd'><coverage/>"
    reports = read_reports(
        {"coverage.xml": coverage, "junit.xml": b"<testsuite><testcase name='a'/></testsuite>"}
    )
    assert (dict(reports.statuses), reports.unreadable, reports.problems) == (
        {"a": CaseStatus.PASSED},
        0,
        ("coverage.xml: the root element is <coverage>, not <testsuites> or <testsuite>",),
    )
