"""A project of Gradle with two modules: the recipe builds it with the real Gradle, and runs its classes one by one.

The fix adds a dependency of the code and one of the tests. One class of tests uses what only the fix has, so it does
not compile before. The lab's Gradle is Debian's, a release of 2018; a wrapper would download its own.
"""

import json
from collections.abc import Iterator

import pytest

from cluster.commands import REGISTRY, swefoundry
from cluster.sample_instances import (
    NAMESPACE,
    Json,
    a_task,
    apply,
    delete,
    get,
    make_repository,
    unique,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

LABEL = "test.swefoundry.dev/gradle"
SMALL = {"cpu": "200m", "memory": "1Gi", "ephemeralStorage": "2Gi"}
MAX_SECONDS = 1800

SUM = "core/src/main/java/org/acme/Sum.java"
TESTS = "core/src/test/java/org/acme"
REPORT = "src/test/java/org/report/ReportTest.java"

BUILD = """\
ext.junitVersion = '4.12'
allprojects {
  apply plugin: 'java'
  repositories { mavenCentral() }
  dependencies { testImplementation "junit:junit:$junitVersion" }
}
dependencies { compile project(':core') }
"""
FIXED_CORE = """\
dependencies {
  implementation group: 'org.apache.commons', name: 'commons-lang3', version: '3.12.0'
  testImplementation 'org.assertj:assertj-core:3.11.1' // reads better
}
"""
WRONG_SUM = """\
package org.acme;

public class Sum {
    public static int of(int one, int other) { return one - other; }
}
"""
FIXED_SUM = """\
package org.acme;

import org.apache.commons.lang3.math.NumberUtils;

public class Sum {
    public static int of(int one, int other) { return one + other; }
    public static int largest(int... numbers) { return NumberUtils.max(numbers); }
}
"""


def a_test(package: str, name: str, imports: str, body: str) -> str:
    return f"package {package};\n\n{imports}\nimport org.junit.Test;\n\npublic class {name} {{\n{body}}}\n"


JUNIT = "import static org.junit.Assert.assertEquals;"
ASSERTJ = "import static org.assertj.core.api.Assertions.assertThat;"
OF_ZERO = "    @Test public void zero() { assertEquals(1, Sum.of(1, 0)); }\n"
FILES = {
    "settings.gradle": "rootProject.name = 'report'\ninclude 'core'\n",
    "gradle.properties": "org.gradle.caching=true\n",
    "build.gradle": BUILD,
    "core/build.gradle": "// nothing of its own\n",
    SUM: WRONG_SUM,
    "src/main/java/org/report/Report.java": (
        "package org.report;\n\npublic class Report {\n"
        "    public static int total() { return org.acme.Sum.of(1, 1); }\n}\n"
    ),
    f"{TESTS}/SumTest.java": a_test("org.acme", "SumTest", JUNIT, OF_ZERO),
    REPORT: a_test("org.report", "ReportTest", JUNIT, "    @Test public void runs() { Report.total(); }\n"),
}
CHANGED_TESTS = {
    f"{TESTS}/SumTest.java": a_test(
        "org.acme",
        "SumTest",
        ASSERTJ,
        "    @Test public void zero() { assertThat(Sum.of(1, 0)).isEqualTo(1); }\n"
        "    @Test public void adds() { assertThat(Sum.of(1, 2)).isEqualTo(3); }\n",
    ),
    f"{TESTS}/LargestTest.java": a_test(
        "org.acme",
        "LargestTest",
        ASSERTJ,
        "    @Test public void largest() { assertThat(Sum.largest(1, 3, 2)).isEqualTo(3); }\n",
    ),
    REPORT: a_test(
        "org.report",
        "ReportTest",
        JUNIT,
        "    @Test public void total() { assertEquals(2, Report.total()); }\n",
    ),
}


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """A row that has ended."""
    name = unique("gradle")
    repository = make_repository(
        name, FILES, CHANGED_TESTS, {SUM: FIXED_SUM, "core/build.gradle": FIXED_CORE}
    )
    task = a_task(
        name,
        repository,
        createdAt="2023-06-01T00:00:00Z",
        environment={"strategies": ["recipe"]},
        validation={"timeoutSeconds": 600, "resources": SMALL, "controls": ["NullPatch"]},
    )
    task["metadata"]["labels"] = {LABEL: name}
    apply(task)
    wait_until_finished(name, MAX_SECONDS)
    yield name
    delete(name)


def test_the_first_draft_is_accepted(name: str) -> None:
    rounds: list[Json] = get("eb", name)["status"]["rounds"]
    assert [(item["label"], item["outcome"]) for item in rounds] == [("java 17, gradle", "Accepted")]


def test_a_class_that_does_not_compile_before_the_fix_hides_no_other(name: str) -> None:
    row = json.loads(swefoundry("export", "--selector", f"{LABEL}={name}", "-n", NAMESPACE, *REGISTRY))
    lists = [json.loads(row[key]) for key in ("FAIL_TO_PASS", "PASS_TO_PASS")]
    assert (get("ti", name)["status"]["verdict"], *lists) == (
        "fail2pass",
        ["org.acme.SumTest::adds", "org.report.ReportTest::total"],
        ["org.acme.SumTest::zero"],
    )
