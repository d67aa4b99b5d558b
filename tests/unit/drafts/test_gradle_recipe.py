"""The Java recipe for projects of Gradle: its drafts, and the command with a `gradle` that has no compiler."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts import next_proposal
from swefoundry.drafts.evaluation_command import expand_files
from swefoundry.drafts.proposal import StrategyInput
from unit.drafts.recipe_inputs import all_rounds, ended, proposed

TEST = "core/src/test/java/org/thing/ThingTest.java"
BASES = [f"maven:3.9-eclipse-temurin-{release}" for release in (8, 11, 17, 21)]
FILES = {"settings.gradle": "include 'core'", "core/build.gradle": "apply plugin: 'java'"}
PROPERTIES = "gradle/wrapper/gradle-wrapper.properties"


def wrapper(release: str) -> dict[str, str]:
    return {PROPERTIES: f"distributionUrl=https\\://example.org/distributions/gradle-{release}-bin.zip\n"}


def an_input(manifests: dict[str, str], *, bases: list[str] | None = None) -> StrategyInput:
    files = [FileFact(path=path, sha256="0" * 64, text=text) for path, text in manifests.items()]
    return StrategyInput(
        facts=Facts(manifests=files, languages={"java": 9}, test_files=[TEST]),
        created_at=datetime(2023, 3, 1, tzinfo=UTC),
        base_images={"java": BASES if bases is None else bases},
    )


def labels(inputs: StrategyInput) -> list[str]:
    return [each.label for each in all_rounds(inputs, RoundOutcome.STEP_FAILED, [""]).past_rounds]


def test_the_wrapper_is_run_in_the_build_and_the_tests_are_offline() -> None:
    draft = proposed(an_input(FILES | wrapper("7.6"))).draft
    assert draft.dockerfile == (
        "FROM maven:3.9-eclipse-temurin-17\n"
        "ENV LANG=C.UTF-8 GRADLE_USER_HOME=/gradle "
        'GRADLE="sh /testbed/gradlew --no-daemon --console=plain '
        '-Dorg.gradle.caching=false -Dorg.gradle.configuration-cache=false" '
        'GRADLE_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC ${GRADLE_OPTS}"\n'
        "RUN mkdir -p /gradle/init.d && cat > /gradle/init.d/tests.gradle <<'EOF'\n"
        "gradle.taskGraph.whenReady { graph ->\n"
        "  graph.allTasks.findAll { it instanceof Test }.each {\n"
        "    it.ignoreFailures = false\n"
        "    it.filter.failOnNoMatchingTests = false\n"
        "    it.outputs.upToDateWhen { false }\n"
        "  }\n"
        "}\n"
        "EOF\n"
        "COPY . /testbed\n"
        "WORKDIR /testbed\n"
        'RUN one_test() { { find "$1/src" \\( -path "$1/src/it" -o -path "$1/src/main" -o -name resources \\) \\\n'
        " -prune -o -name '*Test*.java' -exec grep -lE '@Test|extends .*Test' {} + \\\n"
        " | awk '{ print length, $0 }' | sort -n | sed 's|.*/||; s|.java$||'; echo None; } | head -n 1; }"
        " && $GRADLE -p core testClasses && { \\\n"
        ' $GRADLE -p core test --tests "*.$(one_test core)" || echo "that test failed"; }\n'
        "RUN chmod -R a+rwX /gradle\n"
    )
    assert violations(draft.dockerfile, []) == []
    assert (draft.reports, draft.error_exit_codes) == (
        ["**/build/test-results/**/TEST-*.xml", ".swefoundry-report.xml"],
        [3],
    )


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("4.10.2", ["java 8, gradle 4.10 by its wrapper"]),
        ("6.9", ["java 11, gradle 6.9 by its wrapper", "java 8, gradle 6.9 by its wrapper"]),
        ("9.0.0", ["java 17, gradle 9.0 by its wrapper", "java 21, gradle 9.0 by its wrapper"]),
    ],
)
def test_jdks_that_the_wrappers_gradle_does_not_run_on_are_not_tried(
    release: str, expected: list[str]
) -> None:
    assert labels(an_input(FILES | wrapper(release))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "sourceCompatibility = 17",
        "sourceCompatibility = JavaVersion.VERSION_17",
        "java { toolchain { languageVersion = JavaLanguageVersion.of(17) } }",
        "tasks.withType(JavaCompile) { options.release = 17 }",
    ],
)
def test_jdks_below_the_level_of_the_sources_are_not_tried(text: str) -> None:
    manifests = FILES | {"core/build.gradle": text} | wrapper("8.5")
    assert [label[:7] for label in labels(an_input(manifests))] == ["java 17", "java 21"]


def test_without_a_wrapper_the_base_image_must_have_gradle() -> None:
    assert next_proposal(["recipe"], an_input(FILES)) is None
    proposal = proposed(an_input(FILES, bases=["maven:3.9-eclipse-temurin-17", "gradle:8-jdk17"]))
    assert (proposal.label, proposal.draft.dockerfile.partition("\n")[0]) == (
        "java 17, gradle",
        "FROM gradle:8-jdk17",
    )
    assert ' GRADLE="gradle --no-daemon' in proposal.draft.dockerfile


def test_a_pom_above_the_tests_wins() -> None:
    inputs = an_input(FILES | wrapper("7.6") | {"core/pom.xml": "<project/>"})
    assert proposed(inputs).label == "java 17"


def test_a_project_of_maven_is_tried_in_images_of_maven_alone() -> None:
    bases = ["gradle:8-jdk21", "gradle:8-jdk17", "maven:3.9-eclipse-temurin-17"]
    assert labels(an_input({"core/pom.xml": "<project/>"}, bases=bases)) == ["java 17"]


def test_the_roots_tests_are_run_without_those_of_its_modules() -> None:
    command = proposed(an_input({"build.gradle": ""} | wrapper("7.6"))).draft.test_command
    assert (
        '[ "$module" = . ] && of_root=: || of_root=; $GRADLE --offline -p "$module" "$of_root"testClasses'
        in command
    )


def test_a_jdk_that_gradle_cannot_read_is_followed_by_an_earlier_one() -> None:
    log = "> BUG! exception in phase 'semantic analysis' in source unit: Unsupported class file major version 61"
    inputs = ended(an_input(FILES | wrapper("7.6")), RoundOutcome.STEP_FAILED, log)
    assert proposed(inputs).label == "java 11, gradle 7.6 by its wrapper"


GRADLE = """#!/bin/sh
echo "$*" >> "$CALLS"
module=. tests=
for a in "$@"; do
  [ "$before" != -p ] || module=$a
  [ "$before" != --tests ] || tests="$tests $a"
  before=$a
done
broken=$(grep -rl WRONG "$PWD/$module/src" --include '*.java')
[ -z "$broken" ] || { for f in $broken; do echo ":core:compileTestJava$f:3: error: cannot find symbol"; done; exit 1; }
mkdir -p "$module/build/test-results/test"
for c in $tests; do
  echo "<testsuite><testcase name=\\"adds\\" classname=\\"$c\\"/></testsuite>" \
    > "$module/build/test-results/test/TEST-$c.xml"
done
"""


def test_a_class_is_run_in_its_module_beside_one_that_does_not_compile(tmp_path: Path) -> None:
    root, program = tmp_path / "source", tmp_path / "gradle"
    program.write_text(GRADLE)
    program.chmod(0o755)
    wrong = TEST.replace("ThingTest", "WrongTest")
    for path, body in ((TEST, "class ThingTest {}"), (wrong, "class WrongTest { WRONG }")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"package org.thing;\n{body}\n")
    (root / "core/build.gradle").touch()
    command = proposed(an_input(FILES | wrapper("7.6"))).draft.test_command
    ended_process = subprocess.run(
        ["/bin/sh", "-c", expand_files(command, [TEST, wrong]).replace("/testbed", str(root))],
        env={"PATH": os.environ["PATH"], "GRADLE": str(program), "CALLS": str(tmp_path / "calls")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended_process.returncode, (tmp_path / "calls").read_text().splitlines()) == (
        3,
        [
            "--offline -p core testClasses",
            "--offline -p core testClasses",
            "--offline --continue -p core test --tests org.thing.ThingTest",
        ],
    )
    assert ended_process.stdout.endswith("FAILED org.thing.WrongTest\n== 1 failed, 1 passed ==\n")
