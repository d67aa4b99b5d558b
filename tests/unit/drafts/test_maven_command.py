"""The Java recipe's command, with a `mvn` that has no compiler."""

import os
import subprocess
from pathlib import Path

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.evaluation_command import expand_files
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.java.java_command import UNCOMPILED_REPORT
from swefoundry.drafts.recipes.java.java_constraints import NO_JAVA_CONSTRAINTS
from swefoundry.drafts.recipes.java.java_project import read_java_project
from swefoundry.drafts.recipes.java.maven_command import maven_test_command
from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.testcase_status import CaseStatus

MVN = """#!/bin/sh
echo "$PWD: $*" >> "$CALLS"
module=.
for a in "$@"; do
  [ "$before" != -pl ] || module=$a
  case "$a" in -Dtest=*) classes=$(echo "${a#-Dtest=}" | tr , ' ') ;; esac
  before=$a
done
broken=$(grep -rl WRONG "$PWD/$module/src" --include '*.java' | sed 's|/\\./|/|')
[ -z "$broken" ] || { for f in $broken; do echo "[ERROR] $f:[3,14] cannot find symbol"; done; exit 1; }
[ ! -f "$module/broken" ] || { echo "[ERROR] A.java:[1,2] cannot find symbol"; exit 1; }
[ -n "$classes" ] || exit 0
mkdir -p "$module/target/surefire-reports"; code=0
for c in $classes; do
  failure=; case "$c" in *Failing*) failure='<failure/>'; code=1 ;; esac
  echo "<testsuite>
<testcase name=\\"a &lt;b&gt;\\" classname=\\"$c\\">$failure</testcase>
</testsuite>" > "$module/target/surefire-reports/TEST-$c.xml"
done
exit $code
"""
POM = "<project><artifactId>x</artifactId></project>"
PARENT = "<project><artifactId>all</artifactId><modules><module>core</module><module>web</module></modules></project>"
JAVA = "src/test/java/org/thing"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(MVN)
    program.chmod(0o755)
    for folder in ("core", "web"):
        a_class(root, f"{folder}/{JAVA}/{folder.title()}Test.java", "public class X {}")
        (root / folder / "pom.xml").write_text(POM)
    (root / "pom.xml").write_text(PARENT)
    return root


def a_class(root: Path, path: str, text: str) -> str:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"/* licence */\r\npackage org.thing;\r\n\r\n{text}\n")
    return path


def run(
    source: Path, *tests: str, support: list[str] | None = None
) -> tuple[int, dict[str, CaseStatus], str]:
    """Return the exit code, the tests in the reports, and the log."""
    poms = [str(path.relative_to(source)) for path in source.rglob("pom.xml")]
    facts = Facts(
        manifests=[FileFact(path=path, sha256="0" * 64, text=(source / path).read_text()) for path in poms],
        test_files=list(tests),
        test_support_files=support or [],
    )
    project = read_java_project(StrategyInput(facts=facts))
    assert project is not None
    command = expand_files(maven_test_command(project, NO_JAVA_CONSTRAINTS), tests).replace(
        "/testbed", str(source)
    )
    path = f"{source.parent / 'bin'}:{os.environ['PATH']}"
    environment = {"PATH": path, "CALLS": str(source.parent / "calls"), "MAVEN_FLAGS": "-B"}
    ended = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False
    )
    reports = [*source.rglob("surefire-reports/TEST-*.xml"), *source.glob(UNCOMPILED_REPORT)]
    found = read_reports({str(each.relative_to(source)): each.read_bytes() for each in reports})
    return ended.returncode, dict(found.statuses), ended.stdout


def calls(source: Path) -> list[str]:
    return (source.parent / "calls").read_text().replace(str(source), "/testbed").splitlines()


def test_a_module_is_compiled_and_then_its_classes_are_run_by_their_full_names(source: Path) -> None:
    code, tests, log = run(source, f"core/{JAVA}/CoreTest.java")
    assert (code, tests) == (0, {"org.thing.CoreTest::a <b>": CaseStatus.PASSED})
    assert calls(source) == [
        "/testbed: -o -B -pl core -am -q test-compile",
        "/testbed: -o -B -pl core -am -Dtest=org.thing.CoreTest test",
    ]
    assert log.endswith("== 0 failed, 1 passed ==\n")


def test_failed_tests_are_named_in_the_log(source: Path) -> None:
    failing = a_class(source, f"core/{JAVA}/FailingTest.java", "public class FailingTest {}")
    code, tests, log = run(source, failing, f"core/{JAVA}/CoreTest.java")
    assert (code, len(tests)) == (1, 2)
    assert log.endswith("FAILED org.thing.FailingTest::a <b>\n== 1 failed, 1 passed ==\n")


def test_a_module_that_does_not_compile_hides_its_own_classes_and_no_others(source: Path) -> None:
    (source / "core" / "broken").touch()
    files = [f"core/{JAVA}/CoreTest.java", f"web/{JAVA}/WebTest.java"]
    code, tests, log = run(source, *files)
    assert (code, tests) == (
        3,
        {"org.thing.CoreTest": CaseStatus.ERROR, "org.thing.WebTest::a <b>": CaseStatus.PASSED},
    )
    assert log.endswith("FAILED org.thing.CoreTest\n== 1 failed, 1 passed ==\n")


def test_a_test_file_that_does_not_compile_hides_its_own_class_alone(source: Path) -> None:
    wrong = a_class(source, f"core/{JAVA}/WrongTest.java", "public class WrongTest { WRONG }")
    stale = source / "core/target/test-classes/org/thing/WrongTest.class"
    stale.parent.mkdir(parents=True)
    stale.touch()
    code, tests, log = run(source, wrong, f"core/{JAVA}/CoreTest.java")
    assert (code, tests) == (
        3,
        {"org.thing.WrongTest": CaseStatus.ERROR, "org.thing.CoreTest::a <b>": CaseStatus.PASSED},
    )
    assert f"set aside, because it does not compile: {wrong}\n" in log
    assert (source / wrong).exists()
    assert not stale.exists()


def test_another_test_file_that_does_not_compile_is_set_aside_and_counts_for_nothing(source: Path) -> None:
    a_class(source, f"core/{JAVA}/WrongTest.java", "public class WrongTest { WRONG }")
    code, tests, _ = run(source, f"core/{JAVA}/CoreTest.java")
    assert (code, tests) == (0, {"org.thing.CoreTest::a <b>": CaseStatus.PASSED})


def test_sources_that_do_not_compile_hide_all_classes_of_the_module(source: Path) -> None:
    main = a_class(source, "core/src/main/java/org/thing/Thing.java", "class Thing { WRONG }")
    code, tests, _ = run(source, f"core/{JAVA}/CoreTest.java")
    assert (code, tests) == (3, {"org.thing.CoreTest": CaseStatus.ERROR})
    assert (source / main).exists()


def test_nested_classes_are_named_for_old_releases_of_surefire(source: Path) -> None:
    nested = a_class(source, f"core/{JAVA}/OuterTest.java", "class OuterTest { @Nested class Inner {} }")
    run(source, nested)
    assert calls(source)[-1] == (
        "/testbed: -o -B -pl core -am -Dtest=org.thing.OuterTest,org.thing.OuterTest$* test"
    )


def test_a_failed_test_decides_the_exit_code_where_another_module_does_not_compile(source: Path) -> None:
    (source / "core" / "broken").touch()
    failing = a_class(source, f"web/{JAVA}/FailingTest.java", "public class FailingTest {}")
    assert run(source, f"core/{JAVA}/CoreTest.java", failing)[0] == 1


def test_a_changed_base_class_runs_the_tests_that_extend_it(source: Path) -> None:
    base = a_class(source, f"core/{JAVA}/AbstractTest.java", "public abstract class AbstractTest {}")
    a_class(source, f"core/{JAVA}/DerivedTest.java", "class DerivedTest extends AbstractTest {}")
    a_class(
        source,
        f"core/{JAVA}/AbstractMoreTest.java",
        "abstract class AbstractMoreTest extends AbstractTest {}",
    )
    tests = run(source, f"core/{JAVA}/CoreTest.java", support=[base])[1]
    assert sorted(tests) == ["org.thing.CoreTest::a <b>", "org.thing.DerivedTest::a <b>"]


def test_a_changed_helper_alone_runs_the_tests_that_use_it(source: Path) -> None:
    helper = a_class(source, f"core/{JAVA}/Helper.java", "class Helper {}")
    a_class(source, f"core/{JAVA}/UserTest.java", "class UserTest { Helper helper; }")
    a_class(source, f"core/{JAVA}/OtherTest.java", "class OtherTest { NoHelper other; }")
    assert sorted(run(source, support=[helper])[1]) == ["org.thing.UserTest::a <b>"]


def test_changed_data_of_tests_alone_runs_every_class_with_a_test_of_its_module(source: Path) -> None:
    a_class(source, f"core/{JAVA}/CoreTest.java", "public class CoreTest { @ParameterizedTest void x() {} }")
    a_class(source, f"core/{JAVA}/OldTest.java", "public class OldTest extends TestCase {}")
    a_class(source, f"core/{JAVA}/TestData.java", "public class TestData {}")
    a_class(
        source, f"core/{JAVA}/AbstractTest.java", "public abstract class AbstractTest { @Test void x() {} }"
    )
    code, tests, _ = run(source, support=["core/src/test/resources/data.csv"])
    assert (code, sorted(tests)) == (0, ["org.thing.CoreTest::a <b>", "org.thing.OldTest::a <b>"])


def test_files_without_a_class_could_not_run(source: Path) -> None:
    code, tests, log = run(source, support=["core/src/test/resources/a.txt"])
    assert (code, tests) == (3, {})
    assert "error: no class of Maven in the test files\n" in log
