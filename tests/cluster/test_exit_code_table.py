"""Each row of the runner's table of exit codes and reports, in real pods, and the verdicts that follow from them."""

import json
from collections.abc import Iterator
from shlex import quote
from typing import NamedTuple
from uuid import uuid4

import pytest

from cluster import evaluation_pods
from cluster.commands import LAB, ON_LAB, kubectl
from cluster.evaluation_pods import FinishedPod, PodCase
from cluster.sample_instances import (
    TINY_DOCKERFILE,
    Json,
    a_task,
    apply,
    delete,
    get,
    make_repository,
    unique,
    verdict_of,
    wait_until_finished,
)
from swefoundry.grading.report_parser import read_reports

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not ON_LAB or not (LAB / "registry").exists(), reason="puts an image into the lab's registry"
    ),
]

PASSED = "<testcase name='a'/>"
FAILED = "<testcase name='b'><failure/></testcase>"
UNCOLLECTED = "<testcase name='tests.test_c'><error message='collection failure'/></testcase>"
PYTEST_CODES = {"reports": ["*.xml"], "error_exit_codes": [2, 3, 4, 5]}
REPORTS = {"reports": ["*.xml"]}
TOLERANT = {"reports": ["*.xml"], "tolerated_failures": ["b"]}


def reports(*cases: str, then: str = "true") -> str:
    return f"echo {quote('<testsuite>' + ''.join(cases) + '</testsuite>')} > junit.xml; {then}"


def recorded(*events: str) -> str:
    """What the runner's pytest plugin would write."""
    return f"printf '%s\\n' {' '.join(map(quote, events))} > $SWEFOUNDRY_PROGRESS; exit 0"


class Row(NamedTuple):
    """A pod for a row of the table in docs/verdicts.md, and the code that the row gives."""

    rule: str
    case: PodCase
    code: int


START = '["start", "tests/test_a.py::test_a"]'
END = '["finish", "tests/test_a.py::test_a"]'
COMMAND_FAILED = "a test failed and the command did not pass"
UNEXPLAINED = "no failure explains how the command ended"

ROWS = {
    "time-limit": Row(
        "time limits come first",
        PodCase(reports(FAILED, then="sleep 60"), {**REPORTS, "timeout_seconds": 1}),
        22,
    ),
    "middle-of-a-test": Row("the run ended in the middle of a test", PodCase(recorded(START), REPORTS), 25),
    "failed-with-error-code": Row(COMMAND_FAILED, PodCase(reports(FAILED, then="exit 3"), PYTEST_CODES), 1),
    "failed-with-127": Row(COMMAND_FAILED, PodCase(reports(FAILED, then="exit 127"), REPORTS), 1),
    "failed-and-uncollected": Row(
        COMMAND_FAILED, PodCase(reports(PASSED, FAILED, UNCOLLECTED, then="exit 1"), PYTEST_CODES), 1
    ),
    "between-two-tests": Row(
        "the run ended before its report was written",
        PodCase(recorded(START, '["report", "tests/test_a.py::test_a", "call", "passed"]', END), REPORTS),
        21,
    ),
    "not-startable": Row("the command could not be started", PodCase("no-such-program", REPORTS), 20),
    "error-code": Row(
        "the exit code means that tests could not run",
        PodCase(reports(PASSED, then="exit 3"), PYTEST_CODES),
        21,
    ),
    "no-test": Row("declared reports hold no test", PodCase(reports(then="exit 1"), REPORTS), 21),
    "ignored-failure": Row(
        "tests failed and the command passed", PodCase(reports(PASSED, FAILED), REPORTS), 23
    ),
    "ignored-collection-error": Row(
        "tests failed and the command passed", PodCase(reports(PASSED, UNCOLLECTED), REPORTS), 23
    ),
    "only-tolerated-and-exit-0": Row(
        "nothing but tolerated failures and the command passed", PodCase(reports(FAILED), TOLERANT), 23
    ),
    "passed": Row("the command passed", PodCase(reports(PASSED), REPORTS), 0),
    "failed-without-reports": Row("the command failed and no report is declared", PodCase("exit 7"), 1),
    "only-uncollected": Row(
        "files could not be collected and no test failed",
        PodCase(reports(PASSED, UNCOLLECTED, then="exit 1"), PYTEST_CODES),
        21,
    ),
    "unreadable-beside": Row(
        "the command failed and a report could not be read",
        PodCase(reports(PASSED, then="echo '<testsuite>' > b.xml; exit 1"), REPORTS),
        1,
    ),
    "tolerated": Row(
        "every failure is tolerated", PodCase(reports(PASSED, FAILED, then="exit 1"), TOLERANT), 0
    ),
    "tolerated-and-killed": Row(
        UNEXPLAINED, PodCase(reports(PASSED, FAILED, then="kill -SEGV $$"), TOLERANT), 24
    ),
    "unexplained": Row(UNEXPLAINED, PodCase(reports(PASSED, then="exit 1"), REPORTS), 24),
    "killed-after-the-tests": Row(UNEXPLAINED, PodCase(reports(PASSED, then="kill -SEGV $$"), REPORTS), 24),
    "only-tolerated": Row(
        "nothing passed beside tolerated failures", PodCase(reports(FAILED, then="exit 1"), TOLERANT), 1
    ),
}
"""At least one pod for each row of the table; tests/repository checks that."""

LARGE = (
    "for i in $(seq 60000); do printf \"<testcase name='t$i'><failure>%0300d</failure></testcase>\" $i; done"
)
FILES = {
    "large": PodCase(f"{{ echo '<testsuite>'; {LARGE}; echo '</testsuite>'; }} > junit.xml; exit 1", REPORTS),
    "control-characters": PodCase(
        "printf \"<testsuite><testcase name='a'><failure message='\\033[31mx\\033[0m &#x1B; &#0;'/></testcase>"
        "<testcase name='b'/></testsuite>\" > junit.xml; exit 1",
        REPORTS,
    ),
}


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FinishedPod]]:
    """The pods of all cases, which run at the same time."""
    image = evaluation_pods.push_stage_image(tmp_path_factory.mktemp("runner"))
    namespace = f"exit-codes-{uuid4().hex[:8]}"
    cases = {name: row.case for name, row in ROWS.items()} | FILES
    kubectl("create", "namespace", namespace)
    try:
        evaluation_pods.create(
            *(evaluation_pods.case_pod(name, namespace, image, case) for name, case in cases.items())
        )
        yield {name: evaluation_pods.collect(namespace, name) for name in cases}
    finally:
        evaluation_pods.delete_namespace(namespace)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_table_is_the_exit_code_of_a_pod(pods: dict[str, FinishedPod], name: str):
    finished, code = pods[name], ROWS[name].code
    assert (finished.terminated["exitCode"], finished.record["code"]) == (code, code)


@pytest.mark.parametrize(("name", "tests"), [("large", 60_000), ("control-characters", 2)])
def test_what_the_runner_counts_comes_back_whole(pods: dict[str, FinishedPod], name: str, tests: int):
    finished = pods[name]
    found = read_reports(finished.framed.reports)
    assert (len(found.statuses), finished.record["tests"]["total"]) == (tests, tests)
    assert (found.problems, finished.framed.problems, finished.record["reportNote"]) == ((), (), None)


TAP = """n=0; echo TAP version 13 > report.tap
for t in a b c; do
  if [ $(cat fixed) = yes ]; then echo "ok $t"; else echo "not ok $t"; n=$((n+1)); fi >> report.tap
done
echo 1..3 >> report.tap
"""
XML = """r=0; check() { if [ $(cat fixed) = yes ] || [ $1 != a ]; then echo "<testcase name='$1'/>"
else printf "<testcase name='$1'><failure message='\\033[31mexpected yes\\033[0m'/></testcase>"; fi; }
{ echo '<testsuite>'; for t in a b c; do check $t; done; echo '</testsuite>'; } > report.xml
[ $(cat fixed) = yes ]
"""
INSTANCES: dict[str, tuple[str, Json, tuple[str, str | None, str], str]] = {
    "counts-failures": (
        f"{TAP}exit $n\n",
        {"reports": ["report.tap"]},
        ("Validated", "fail2pass", "Fail2Pass"),
        "Accepted",
    ),
    "control-characters": (
        XML,
        {"reports": ["report.xml"]},
        ("Validated", "fail2pass", "Fail2Pass"),
        "Accepted",
    ),
    "ignores-failures": (
        f"{TAP}exit 0\n",
        {"reports": ["report.tap"]},
        ("Failed", None, "EnvironmentNotBuilt"),
        "FailuresIgnored",
    ),
    "coverage-threshold": (
        f"{TAP}[ $n != 0 ] || exit 2\nexit 1\n",
        {"reports": ["report.tap"]},
        ("Failed", None, "EnvironmentNotBuilt"),
        "ExitUnexplained",
    ),
}
"""Tests, fields of the draft, the verdict, and how the round of the draft ended."""


@pytest.fixture(scope="module")
def statuses() -> Iterator[dict[str, Json]]:
    names = {case: unique(case) for case in INSTANCES}
    manifests = []
    for case, (tests, fields, _, _) in INSTANCES.items():
        repository = make_repository(names[case], {"fixed": "no\n"}, {"check.sh": tests}, {"fixed": "yes\n"})
        draft = {"dockerfile": TINY_DOCKERFILE, "testCommand": "sh check.sh", **fields}
        manifests.append(a_task(names[case], repository, environment={"draft": draft}))
    apply(*manifests)
    yield {case: wait_until_finished(name) for case, name in names.items()}
    delete(*names.values())


@pytest.mark.parametrize("case", INSTANCES)
def test_a_verdict_follows_from_exit_code_and_report(statuses: dict[str, Json], case: str):
    _, _, verdict, outcome = INSTANCES[case]
    rounds = get("eb", statuses[case]["envBuild"])["status"]["rounds"]
    assert (verdict_of(statuses[case]), [item["outcome"] for item in rounds]) == (verdict, [outcome]), (
        json.dumps(statuses[case], indent=1)
    )


def test_a_report_with_control_characters_gives_both_sets(statuses: dict[str, Json]):
    expected = {"failToPass": 1, "errorToPass": 0, "passToPass": 2, "unstable": 0}
    assert statuses["control-characters"]["tests"] == expected
