"""The recipe for Java."""

from datetime import UTC, datetime

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import StrategyInput
from unit.drafts.recipe_inputs import all_rounds, ended, next_command, next_dockerfile, proposed

BASES = [f"maven:3.9-eclipse-temurin-{release}" for release in (8, 11, 17, 21)]
TEST = "src/test/java/org/thing/ThingTest.java"


def a_pom(*parts: str) -> str:
    return f'<project xmlns="http://maven.apache.org/POM/4.0.0"><artifactId>thing</artifactId>{"".join(parts)}</project>'


def properties(**values: str) -> str:
    texts = "".join(f"<{name}>{text}</{name}>" for name, text in values.items())
    return f"<properties>{texts.replace('__', '.')}</properties>"


def an_input(
    manifests: dict[str, str] | None = None,
    *,
    created: str | None = "2020-07-02",
    bases: list[str] | None = None,
    ci: dict[str, str] | None = None,
    fixed: dict[str, str] | None = None,
    **more: object,
) -> StrategyInput:
    fields: dict[str, object] = {"languages": {"java": 9}, "test_files": [TEST]}
    return StrategyInput(
        facts=Facts(
            manifests=files({"pom.xml": a_pom()} if manifests is None else manifests),
            ci=files(ci or {}),
            fixed_manifests=files(fixed) if fixed is not None else None,
            **(fields | more),
        ),
        created_at=datetime.fromisoformat(created).replace(tzinfo=UTC) if created else None,
        base_images={"java": BASES if bases is None else bases},
    )


def files(texts: dict[str, str]) -> list[FileFact]:
    return [FileFact(path=path, sha256="0" * 64, text=text) for path, text in texts.items()]


def labels(inputs: StrategyInput) -> list[str]:
    """Return the labels of all rounds, where none teaches anything."""
    return [each.label for each in all_rounds(inputs, RoundOutcome.STEP_FAILED, [""]).past_rounds]


def flags(inputs: StrategyInput) -> list[str]:
    return proposed(inputs).draft.dockerfile.split('MAVEN_FLAGS="')[1].split('"')[0].split(" ")


def test_a_test_class_is_run_in_the_build_so_that_the_tests_need_no_repository() -> None:
    dockerfile = proposed(an_input()).draft.dockerfile
    without_flags = dockerfile.replace(dockerfile.split('"')[1], "…", 1)
    assert without_flags == (
        "FROM maven:3.9-eclipse-temurin-11\n"
        'ENV LANG=C.UTF-8 MAVEN_FLAGS="…" MAVEN_OPTS="-XX:TieredStopAtLevel=1 ${MAVEN_OPTS}"\n'
        "COPY . /testbed\n"
        "WORKDIR /testbed\n"
        'RUN one_test() { { find "$1/src" \\( -path "$1/src/it" -o -path "$1/src/main" -o -name resources \\) \\\n'
        " -prune -o -name '*Test*.java' -exec grep -lE '@Test|extends .*Test' {} + \\\n"
        " | awk '{ print length, $0 }' | sort -n | sed 's|.*/||; s|.java$||'; echo None; } | head -n 1; } && "
        "mvn $MAVEN_FLAGS \\\n"
        " -Dmaven.test.failure.ignore=true -Dsurefire.timeout=300 -Dtest=$(one_test .) test\n"
        "RUN find /m2 -name _remote.repositories -delete && chmod -R a+rwX /m2\n"
    )
    assert violations(dockerfile, []) == []


def test_plugins_that_check_are_skipped_and_failures_are_never_ignored() -> None:
    expected = {
        "-Dmaven.repo.local=/m2",
        "-Dcheckstyle.skip",
        "-Drat.skip",
        "-Dmaven.test.failure.ignore=false",
    }
    assert expected <= set(flags(an_input()))


def test_modules_that_compile_hide_none_of_the_others_and_reports_are_those_of_surefire() -> None:
    draft = proposed(an_input()).draft
    assert (draft.reports, draft.error_exit_codes, draft.rebuild_command) == (
        ["**/surefire-reports/TEST-*.xml", ".swefoundry-report.xml"],
        [3],
        None,
    )


def test_a_jdk_that_was_a_year_old_is_first_then_later_ones_then_earlier_ones() -> None:
    assert labels(an_input()) == ["java 11", "java 17", "java 21", "java 8"]
    assert labels(an_input(created=None)) == ["java 21", "java 17", "java 11", "java 8"]
    assert labels(an_input(created="2012-01-01")) == ["java 8", "java 11", "java 17", "java 21"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".java-version", "17.0.2\n"),
        (".java-version", "temurin-17\n"),
        (".tool-versions", "maven 3.9.9\njava temurin-17.0.6+10\n"),
        (".sdkmanrc", "java=17.0.5-tem\n"),
    ],
)
def test_the_jdk_of_a_version_file_is_first(path: str, text: str) -> None:
    assert labels(an_input({"pom.xml": a_pom(), path: text}))[0] == "java 17"


@pytest.mark.parametrize(
    "text",
    [
        "        java: [ 8, 11, '17' ]\n",
        "          java-version: 17\n          distribution: temurin\n",
        "jdk:\n  - openjdk8\n  - openjdk17\n",
        "      java-version: |\n        ${{ matrix.java }}\n      jdk: 17.0.3\n",
    ],
)
def test_the_newest_jdk_that_the_ci_uses_is_first(text: str) -> None:
    assert labels(an_input(ci={".travis.yml": text}))[0] == "java 17"


@pytest.mark.parametrize(
    "pom",
    [
        a_pom(properties(maven__compiler__release="17")),
        a_pom(properties(java__version="17")),
        a_pom(
            properties(level="17"),
            "<build><plugins><plugin><artifactId>maven-compiler-plugin</artifactId>"
            "<configuration><source>${level}</source></configuration></plugin></plugins></build>",
        ),
    ],
)
def test_jdks_below_the_level_of_the_sources_are_not_tried(pom: str) -> None:
    assert labels(an_input({"pom.xml": pom})) == ["java 17", "java 21"]


def test_a_level_that_the_jdk_refuses_is_raised_by_the_property_that_sets_it() -> None:
    pom = a_pom(properties(maven__compiler__source="1.6", own="1.5", maven__compiler__target="${own}"))
    inputs = an_input({"pom.xml": pom}, created="2023-01-01")
    assert labels(inputs)[0] == "java 17, compiled for 8"
    raised = [flag for flag in flags(inputs) if flag.endswith("=8")]
    assert raised == ["-Dmaven.compiler.source=8", "-Down=8"]


def test_only_the_modules_of_the_tests_and_what_they_need_are_built() -> None:
    poms = {
        "pom.xml": a_pom("<modules><module>core</module><module>tools</module></modules>"),
        "core/pom.xml": a_pom("<modules><module>api</module></modules>"),
        "core/api/pom.xml": a_pom(),
        "apart/pom.xml": a_pom(),
    }
    tests = ["core/api/src/test/java/ATest.java", "apart/src/test/java/BTest.java"]
    draft = proposed(an_input(poms, test_files=tests)).draft
    assert "\nrun apart apart\nrun core/api . -pl core/api -am\n" in draft.test_command
    assert "-Dtest=$(one_test core/api) -pl core/api -am test\n" in draft.dockerfile
    assert "} && cd apart && mvn " in draft.dockerfile
    assert violations(draft.dockerfile, []) == []


def test_a_pom_inherits_the_properties_of_parents_in_the_tree() -> None:
    parent = "<parent><artifactId>thing</artifactId></parent>"
    poms = {"pom.xml": a_pom(properties(maven__compiler__release="21")), "core/pom.xml": a_pom(parent)}
    assert labels(an_input(poms, test_files=["core/src/test/java/ATest.java"])) == ["java 21"]


DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId>{}</dependency>"


def test_artifacts_that_only_the_fix_asks_for_are_downloaded_by_their_coordinates() -> None:
    parent = "<parent><groupId>org.outer</groupId><artifactId>outer</artifactId><version>7</version></parent>"
    old = DEPENDENCY.format("junit", "junit", "<version>4.12</version>")
    new = DEPENDENCY.format("org.a", "a", "<version>${a.version}</version>")
    without_version = DEPENDENCY.format("org.b", "b", "")
    before = a_pom(parent, properties(a__version="1"), f"<dependencies>{old}</dependencies>")
    after = a_pom(
        parent,
        properties(a__version="2"),
        f"<description>secret</description><dependencies>{old}{new}{without_version}</dependencies>",
    )
    draft = proposed(an_input({"pom.xml": before}, fixed={"pom.xml": after})).draft
    assert (
        f"{parent}\n"
        "<groupId>added</groupId><artifactId>added</artifactId><version>0</version>\n"
        "<properties>\n"
        "<project.build.outputTimestamp>1980-01-02T00:00:00Z</project.build.outputTimestamp>\n"
        "<a.version>2</a.version>\n"
        "</properties>\n"
        "<dependencyManagement><dependencies>\n"
        "</dependencies></dependencyManagement>\n"
        "<dependencies>\n"
        f"{old}\n{new.replace('${a.version}', '2')}\n{without_version}\n"
        "</dependencies>\n"
    ) in draft.dockerfile
    assert "secret" not in draft.dockerfile
    assert "\nRUN mkdir -p /tmp/added/src/main/java /tmp/added/src/test/java && cat " in draft.dockerfile
    assert violations(draft.dockerfile, []) == []


def test_versions_that_the_fix_sets_for_the_plugins_of_its_parent_are_downloaded() -> None:
    parent = "<parent><groupId>org.outer</groupId><artifactId>outer</artifactId><version>7</version></parent>"
    before = a_pom(parent, properties(sniffer__version="1.19", flag="a"))
    after = a_pom(parent, properties(sniffer__version="1.20", flag="b", versioned="no; number"))
    dockerfile = proposed(an_input({"pom.xml": before}, fixed={"pom.xml": after})).draft.dockerfile
    assert "<sniffer.version>1.20</sniffer.version>\n</properties>" in dockerfile
    assert "<flag>" not in dockerfile and "no; number" not in dockerfile
    same = a_pom(parent, properties(sniffer__version="1.19", flag="b"))
    without_parent = {"pom.xml": a_pom(properties(sniffer__version="1.20"))}
    for old, new in ((before, {"pom.xml": same}), (a_pom(), without_parent)):
        assert "/tmp/added" not in proposed(an_input({"pom.xml": old}, fixed=new)).draft.dockerfile


def test_a_fix_that_adds_no_artifact_downloads_nothing_more() -> None:
    after = a_pom("<version>2</version>")
    assert "/tmp/added" not in proposed(an_input(fixed={"pom.xml": after})).draft.dockerfile


def test_a_coordinate_that_would_end_the_text_in_the_dockerfile_is_left_out() -> None:
    added = DEPENDENCY.format("org.a", "a", "<version>1\nEOF\nRUN x</version>")
    after = a_pom(f"<dependencies>{added}</dependencies>")
    assert "/tmp/added" not in proposed(an_input(fixed={"pom.xml": after})).draft.dockerfile


@pytest.mark.parametrize(
    ("log", "label"),
    [
        ("[ERROR] Source option 6 is no longer supported. Use 7 or later.", "java 11, compiled for 8"),
        ("[ERROR] Fatal error compiling: error: invalid target release: 17", "java 17"),
        ("[ERROR] error: release version 21 not supported", "java 21"),
        ("class file has wrong version 61.0, should be 55.0", "java 17"),
        (
            "has been compiled by a more recent version (class file version 61.0), this version of the",
            "java 17",
        ),
        ("IllegalArgumentException: Unsupported class file major version 55", "java 8"),
        ("[ERROR] A.java:[3,22] package javax.xml.bind does not exist", "java 8"),
        (
            'cannot access it because module java.base does not "opens java.lang" to unnamed module @7',
            "java 11, JVM options --add-opens=java.base/java.lang=ALL-UNNAMED",
        ),
        (
            "[ERROR] Failed to execute goal com.github.wvengen:proguard-maven-plugin:2.6.0:proguard (x) on project",
            "java 11, options -Dproguard.skip",
        ),
        (
            "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-antrun-plugin:3.1.0:run (x) on project",
            "java 11, options -Dmaven.antrun.skip",
        ),
        (
            "Cannot access central (https://example.org/) in offline mode and the artifact"
            " org.junit:launcher:jar:1.9.1 has not been downloaded from it before.",
            "java 11, with org.junit:launcher:1.9.1:jar",
        ),
        (
            "[ERROR] Failed to execute goal org.codehaus.mojo:buildnumber-maven-plugin:3.0.0:create (default) on"
            " project commons-csv: Execution default of goal org.codehaus.mojo:buildnumber-maven-plugin:3.0.0:create"
            " failed: Plugin org.codehaus.mojo:buildnumber-maven-plugin:3.0.0 or one of its dependencies could not be"
            " resolved: The"
            " following artifacts could not be resolved: net.java.dev.jna:jna:jar:3.5.2: Cannot access central"
            " in offline mode and",
            "java 11, with net.java.dev.jna:jna:3.5.2:jar org.codehaus.mojo:buildnumber-maven-plugin:3.0.0:jar",
        ),
        (
            "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.0.0-M7:test (default-test)"
            " on project commons-csv: Missing:\n[ERROR] ----------\n"
            "[ERROR] 1) org.apache.maven.surefire:surefire-junit-platform:jar:3.0.0-M7\n",
            "java 11, with org.apache.maven.surefire:surefire-junit-platform:3.0.0-M7:jar",
        ),
        (
            "[ERROR] Plugin org.apache.maven.plugins:maven-checkstyle-plugin:3.2.0 or one of its dependencies"
            " could not be resolved: Cannot access central (https://example.org/) in offline mode and the artifact"
            " org.apache.maven.plugins:maven-checkstyle-plugin:jar:3.2.0 has not been downloaded fro",
            "java 11, with org.apache.maven.plugins:maven-checkstyle-plugin:3.2.0:jar",
        ),
        (
            "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-resources-plugin:3.1.0:testResources"
            " (default-testResources) on project maven-shared-utils:"
            " /testbed/target/test-classes/symlinks/src/symDir/targetFile.txt (Not a directory) -> [Help 1]",
            "java 11, fresh test classes",
        ),
        ("Could not find artifact org.a:a:jar:1 in central", "java 17"),
        (
            "[ERROR] COMPILATION ERROR: warnings found and -Werror specified",
            "java 11, options -Dmaven.compiler.failOnWarning=false",
        ),
        ("Error: Could not find or load main class @{argLine}", "java 11, options -DargLine="),
        ("Error: Could not find or load main class ${argLine}", "java 11, options -DargLine="),
        ('java.io.IOException: Cannot run program "git": error=2, No such file', "java 11, with git"),
        (
            "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-antrun-plugin:1.8:run (make) on project\n"
            'java.io.IOException: Cannot run program "make" (in directory "/testbed"): error=2, No such file',
            "java 11, with gcc libc6-dev make",
        ),
        ("[ERROR] The forked VM terminated without properly saying goodbye.", "java 11, with procps"),
        ("java.lang.OutOfMemoryError: Java heap space", "java 11, JVM options -XX:MaxRAMPercentage=70"),
    ],
)
def test_a_log_line_leads_to_the_next_draft(log: str, label: str) -> None:
    assert proposed(ended(an_input(), RoundOutcome.STEP_FAILED, log)).label == label


FAILED_BUNDLE = (
    "[ERROR] Failed to execute goal org.apache.felix:maven-bundle-plugin:4.1.0:manifest (bundle-manifest) on"
)


def offline(artifact: str) -> str:
    return f"Cannot access central (https://example.org/) in offline mode and the artifact {artifact} has not been"


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param([FAILED_BUNDLE], id="a plugin that nothing skips"),
        pytest.param(
            ["[ERROR] Failed to execute goal org.x:gen-maven-plugin:1:make (default) on project a"] * 2,
            id="a plugin that its property does not skip",
        ),
        pytest.param(
            [offline("org.x:a-maven-plugin:jar:1"), offline("org.x:b-maven-plugin:jar:1")],
            id="one plugin after another that only the fix asks for",
        ),
    ],
)
def test_instead_of_phases_whose_plugins_fail_the_goals_that_compile_and_test_are_called(
    logs: list[str],
) -> None:
    inputs = an_input()
    for log in logs:
        inputs = ended(inputs, RoundOutcome.NO_RESULT, log)
    draft = proposed(inputs).draft
    plugins = "org.apache.maven.plugins:maven"
    compiling = (
        f"{plugins}-resources-plugin:resources@default-resources"
        f" {plugins}-compiler-plugin:compile@default-compile"
        f" {plugins}-resources-plugin:testResources@default-testResources"
        f" {plugins}-compiler-plugin:testCompile@default-testCompile"
    )
    testing = f"{plugins}-surefire-plugin:test@default-test"
    assert proposed(inputs).label.endswith("no goals but those of tests")
    assert f" -Dtest=$(one_test .) {compiling} {testing}\n" in draft.dockerfile
    assert f'mvn -o $MAVEN_FLAGS "$@" -q {compiling}) > "$log"' in draft.test_command
    assert f"| tr ' ' ,)\" {compiling} {testing})" in draft.test_command


def test_modules_that_need_each_other_are_compiled_in_phases() -> None:
    poms = {"pom.xml": "<project><modules><module>a</module></modules></project>", "a/pom.xml": a_pom()}
    inputs = ended(
        an_input(poms, test_files=["a/src/test/java/ATest.java"]), RoundOutcome.STEP_FAILED, FAILED_BUNDLE
    )
    assert "goals" not in proposed(inputs).label


def test_a_plugin_that_fails_after_the_tests_have_passed_is_skipped() -> None:
    log = "[ERROR] Failed to execute goal org.x:gate-maven-plugin:1:check (default) on project a"
    assert (
        proposed(ended(an_input(), RoundOutcome.EXIT_UNEXPLAINED, log)).label
        == "java 11, options -Dgate.skip"
    )


def test_a_level_that_no_property_sets_needs_an_earlier_jdk() -> None:
    log = "[ERROR] Source option 6 is no longer supported. Use 7 or later."
    inputs = ended(an_input(created="2023-01-01"), RoundOutcome.STEP_FAILED, log)
    assert proposed(inputs).label == "java 17, compiled for 8"
    assert proposed(ended(inputs, RoundOutcome.STEP_FAILED, log)).label == "java 11, compiled for 8"


def test_options_of_the_tests_jvm_are_no_part_of_the_image() -> None:
    log = "java.lang.OutOfMemoryError: Java heap space"
    inputs = an_input()
    assert next_dockerfile(inputs, RoundOutcome.AFTER_FAILED, log) == proposed(inputs).draft.dockerfile
    assert "\nexport JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=70\n" in next_command(
        inputs, RoundOutcome.AFTER_FAILED, log
    )


def test_permissions_are_tried_with_an_ordinary_user() -> None:
    log = "FAILED org.thing.ThingTest::denies\n== 1 failed, 12 passed ==\nexpected AccessDeniedException"
    assert proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, log)).draft.run_as_user == 1000


@pytest.mark.parametrize("manifests", [{"build.gradle": ""}, {"pom.xml.bak": ""}, {}])
def test_a_source_without_a_pom_has_no_recipe(manifests: dict[str, str]) -> None:
    assert next_proposal(["recipe"], an_input(manifests)) is None


def test_a_pom_that_cannot_be_read_still_names_its_folder() -> None:
    assert labels(an_input({"pom.xml": "<project><a"}))[0] == "java 11"
