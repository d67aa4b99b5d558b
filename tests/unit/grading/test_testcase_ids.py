"""Ids of test cases: as pytest takes them back, and never one for two tests."""

from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.testcase_ids import IdForms, junit_id, stable_name, without_duration
from swefoundry.grading.testcase_status import CaseResult, CaseStatus, Tally

ANY_NAME = st.text(max_size=40)
CHANGING = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            " ",
            "\t",
            " in 100 ms",
            " in 200 ms",
            " [3 s]",
            "at 0x7f3a5c0d1b20",
            "at 0x7f3a5c0d1b30",
            "at 0x0",
        ]
    ),
    max_size=6,
).map("".join)
PYTEST_SUITE = (
    '<testsuites><testsuite name="acme" errors="0" failures="0" skipped="0" tests="1" time="0.1" '
    'timestamp="2026-01-01T00:00:00" hostname="h">{cases}</testsuite></testsuites>'
)


def final_ids(names: list[str], classname: str = "c") -> list[str]:
    tally = Tally()
    for name in names:
        tally.add(junit_id(classname, name), CaseResult(CaseStatus.PASSED))
    return list(tally.result().statuses)


def as_pytest_writes(node_id: str) -> str:
    """The report of one test, as pytest's junitxml plugin derives it from the node id."""
    path, *names = node_id.partition("[")[0].split("::")
    bracket = node_id[node_id.index("[") :] if "[" in node_id else ""
    classname = ".".join([path.removesuffix(".py").replace("/", "."), *names[:-1]])
    case = f"<testcase classname={quoteattr(classname)} name={quoteattr(names[-1] + bracket)} time='0.1' />"
    return PYTEST_SUITE.format(cases=case)


@pytest.mark.parametrize(
    "node_id",
    [
        "tests/test_calc.py::TestAdd::test_two",
        "tests/test_calc.py::TestOuter::TestInner::test_two",
        "tests/test_a.py::test_param[a b - c::d]",
        "tests/test_a.py::test_param[a  b ]",
        "tests/test_a.py::test_path[/tmp/x.y/../z]",
        "tests/test_a.py::test_escaped[caf\\xe9\\t\\n\\\\]",
        "tests/test_a.py::test_brackets[[x]-{y}-(z)]",
        "tests/test_a.py::test_mask[0x7f0000001]",
        "tests/test_a.py::test_wait[in 100 ms]",
        "tests/test_a.py::TestÄ::test_größe[ß-日本]",
        "tests/unit-tests/test_b.py::test_x",
        "tests/test_a.py::describe_add::it_adds",
        "test_root.py::test_x",
        "src/pkg/mod.py::pkg.mod.function",
        "docs/usage.rst::usage.rst",
    ],
)
def test_a_node_id_comes_back_as_pytest_takes_it(node_id: str) -> None:
    found = read_reports({"junit.xml": as_pytest_writes(node_id).encode()})
    assert list(found.statuses) == [node_id]


@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn")), max_size=40))
def test_any_parameter_comes_back_as_pytest_takes_it(parameter: str) -> None:
    assume(stable_name(f"[{parameter}]") == f"[{parameter}]")  # addresses change from run to run
    node_id = f"tests/test_a.py::TestX::test_p[{parameter}]"
    assert list(read_reports({"r.xml": as_pytest_writes(node_id).encode()}).statuses) == [node_id]


@given(st.lists(CHANGING | ANY_NAME, unique=True, max_size=8))
def test_as_many_ids_as_there_are_names(names: list[str]) -> None:
    raw = {junit_id("c", name).raw for name in names}
    assert len(final_ids(names)) == len(raw)


@given(CHANGING | ANY_NAME)
def test_what_is_stable_stays_as_it_is(name: str) -> None:
    once = without_duration(stable_name(name))
    assert without_duration(stable_name(once)) == once


def test_what_changes_is_removed_where_it_leaves_the_tests_apart() -> None:
    assert final_ids(["reads (3 ms)", "writes in 20 ms", "<A object at 0x7f3a5c0d1b20>"]) == [
        "c::reads",
        "c::writes",
        "c::<A object at 0x0>",
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["waits in 100 ms", "waits in 200 ms"],
        ["waits", "waits in 200 ms"],
        ["<A at 0x7f3a5c0d1b20>", "<A at 0x7f3a5c0d1b30>"],
        ["a b", "a\tb"],
    ],
    ids=lambda names: " and ".join(map(repr, names)),
)
def test_raw_ids_stand_where_two_tests_would_become_one(names: list[str]) -> None:
    assert final_ids(names) == [f"c::{name}" for name in names]


def test_a_constant_is_no_address() -> None:
    assert final_ids(["mask 0x7f0000001"]) == ["c::mask 0x7f0000001"]


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        ('name="pytest"', "tests/test_a.py::TestB::t"),
        ('name="acme" errors="0" failures="0" hostname="h" skipped="0" tests="1" time="1" timestamp="t"',
         "tests/test_a.py::TestB::t"),
        ('name="acme" tests="1"', "tests.test_a.TestB::t"),
    ],
    ids=["pytest's own name", "pytest on Python 3.7 and another name", "another writer"],
)  # fmt: skip
def test_pytest_is_known_by_what_it_always_writes(suite: str, expected: str) -> None:
    content = f'<testsuite {suite}><testcase classname="tests.test_a.TestB" name="t"/></testsuite>'
    assert list(read_reports({"r.xml": content.encode()}).statuses) == [expected]


def test_the_runners_own_crash_is_no_failed_test() -> None:
    case = '<testcase classname="pytest" name="internal"><error message="internal error"/></testcase>'
    assert read_reports({"r.xml": PYTEST_SUITE.format(cases=case).encode()}).uncollected == (
        "pytest::internal",
    )


def test_a_set_up_that_fails_is_worse_than_a_module_that_is_missing() -> None:
    tally = Tally()
    for uncollected in (True, False, True):
        tally.add(IdForms("a", "a"), CaseResult(CaseStatus.ERROR, uncollected))
    assert tally.result().uncollected == ()
