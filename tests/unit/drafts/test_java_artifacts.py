"""Artifacts that Maven asks for while tests run, and patches for whose tests no draft is made."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts.recipes import proposals, refusal
from swefoundry.drafts.recipes.java.java_draft import DELETE_HELP_GOALS
from swefoundry.drafts.recipes.java.maven_command import TEST_GOALS
from swefoundry.text.log_excerpt import log_excerpt
from unit.drafts.recipe_inputs import ended, proposed
from unit.drafts.test_java_recipe import a_pom, an_input, flags, properties

ABSENT = (
    "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy (default) on project"
    " plexus-classworlds: Unable to find/resolve artifact. The following artifacts could not be resolved:"
    " org.apache.ant:ant:jar:1.10.13 (absent), org.a:a:jar:tests:2.0 (absent): Cannot access central"
    " (https://example.org/) in offline mode and the artifact org.apache.ant:ant:jar:1.10.13 has not"
)


def copied(version: str) -> str:
    item = (
        f"<artifactItem><groupId>org.apache.ant</groupId><artifactId>ant</artifactId>{version}</artifactItem>"
    )
    return a_pom(
        "<build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>"
        f"<configuration><artifactItems>{item}</artifactItems></configuration></plugin></plugins></build>"
    )


def test_all_artifacts_that_one_line_lists_as_absent_are_downloaded_in_the_next_draft() -> None:
    label = "java 11, with org.a:a:2.0:jar:tests org.apache.ant:ant:1.10.13:jar"
    assert proposed(ended(an_input(), RoundOutcome.NO_RESULT, log_excerpt(ABSENT))).label == label


def test_a_list_that_ends_before_the_words_about_offline_mode_is_read_as_one() -> None:
    cut = ABSENT[: ABSENT.index(" in offline mode")]
    label = "java 11, with org.a:a:2.0:jar:tests org.apache.ant:ant:1.10.13:jar"
    assert proposed(ended(an_input(), RoundOutcome.NO_RESULT, cut)).label == label


def test_what_a_repository_does_not_have_is_not_asked_for_again() -> None:
    log = "could not be resolved: org.a:a:jar:1 (absent): Could not find artifact org.a:a:jar:1 in central"
    assert proposed(ended(an_input(), RoundOutcome.STEP_FAILED, log)).label == "java 17"


def test_artifacts_that_only_the_fixed_pom_copies_are_downloaded() -> None:
    before, after = copied("<version>1.9.0</version>"), copied("<version>1.10.13</version>")
    dockerfile = proposed(an_input({"pom.xml": before}, fixed={"pom.xml": after})).draft.dockerfile
    assert (
        "<dependencies>\n"
        "<dependency><groupId>org.apache.ant</groupId><artifactId>ant</artifactId><version>1.10.13</version></dependency>\n"
        "</dependencies>\n"
    ) in dockerfile
    same = proposed(an_input({"pom.xml": before}, fixed={"pom.xml": before})).draft.dockerfile
    assert "/tmp/added" not in same


OUTER = "<parent><groupId>org.outer</groupId><artifactId>outer</artifactId><version>{}</version></parent>"


def plugin(name: str, *parts: str) -> str:
    return f"<plugin><groupId>org.x</groupId><artifactId>{name}</artifactId>{''.join(parts)}</plugin>"


def test_plugins_that_run_are_downloaded_in_the_version_that_another_release_of_the_parent_sets() -> None:
    running = plugin("runs-maven-plugin", "<executions><execution/></executions>")
    extending = plugin("extends-maven-plugin", "<extensions>true</extensions>")
    build = f"<build><plugins>{running}{extending}{plugin('other-maven-plugin')}</plugins></build>"
    before, after = a_pom(OUTER.format(3), build), a_pom(OUTER.format(4), build)
    dockerfile = proposed(an_input({"pom.xml": before}, fixed={"pom.xml": after})).draft.dockerfile
    assert (
        f"<build><plugins>\n{plugin('runs-maven-plugin')}\n{plugin('extends-maven-plugin')}\n</plugins></build>\n"
    ) in dockerfile


def test_reports_are_not_downloaded() -> None:
    report = plugin("report-maven-plugin", "<version>2</version>")
    after = a_pom(f"<reporting><plugins>{report}</plugins></reporting>")
    assert "/tmp/added" not in proposed(an_input(fixed={"pom.xml": after})).draft.dockerfile


RUN = "mvn $MAVEN_FLAGS -Dmaven.compiler.source=8 -Dmaven.compiler.target=8 -Dtest=NoneTest"
RESOLVE = "mvn $MAVEN_FLAGS org.apache.maven.plugins:maven-dependency-plugin:3.6.1:resolve-plugins"


def test_surefire_is_called_alone_and_other_plugins_are_downloaded_where_one_fails_without_its_settings() -> (
    None
):
    dockerfile = proposed(an_input(fixed={"pom.xml": a_pom(OUTER.format(4))})).draft.dockerfile
    assert (
        "RUN cd /tmp/added && echo 'public class NoneTest {}' > src/test/java/NoneTest.java; \\\n"
        f" if ! {{ {RUN} test; }}; then \\\n"
        f" {RUN} {TEST_GOALS}; \\\n"
        f" if ! {RESOLVE} -DexcludeArtifactIds=maven-changes-plugin,maven-deploy-plugin,maven-install-plugin,"
        "maven-javadoc-plugin,maven-jxr-plugin,maven-project-info-reports-plugin,maven-release-plugin,"
        "maven-scm-publish-plugin,maven-site-plugin,maven-surefire-report-plugin; then \\\n"
        ' echo "not all that the fix asks for is there"; fi; fi; \\\n'
        " rm -r /tmp/added\n"
    ) in dockerfile
    assert violations(dockerfile, []) == []


def test_only_the_plugins_that_run_nothing_without_settings_are_downloaded_after_the_phases() -> None:
    named = [
        plugin(name, "<version>2</version>")
        for name in ("b-maven-plugin", "maven-site-plugin", "a-maven-plugin")
    ]
    after = a_pom(f"<build><plugins>{''.join(named)}</plugins></build>")
    dockerfile = proposed(an_input(fixed={"pom.xml": after})).draft.dockerfile
    assert (
        f" if ! {{ {RUN} test && {RESOLVE} -DincludeArtifactIds=a-maven-plugin,b-maven-plugin; }}; then \\\n"
        in dockerfile
    )


def test_a_plugin_whose_name_a_shell_would_read_is_not_named_in_a_command() -> None:
    after = a_pom(f"<build><plugins>{plugin('$(id)', '<version>2</version>')}</plugins></build>")
    dockerfile = proposed(an_input(fixed={"pom.xml": after})).draft.dockerfile
    assert f" if ! {{ {RUN} test; }}; then \\\n" in dockerfile


def test_a_patch_without_a_class_of_tests_has_no_draft() -> None:
    built = [
        "src/it/relocation/verify.groovy",
        "src/it/x/pom.xml",
        "src/it/x/src/main/java/org/x/Processor.java",
    ]
    inputs = an_input(test_files=["src/it/x/src/test/java/XTest.java"], test_support_files=built)
    assert list(proposals(inputs)) == []
    assert refusal(inputs) == (
        "the test patch changes no Java file of a module and nothing in src/test,"
        " and the recipe runs classes of tests alone"
    )
    of_module = an_input(test_files=["src/it/java/org/x/XIT.java"], test_support_files=built)
    assert refusal(of_module) is None
    with_data = an_input(test_files=[], test_support_files=["src/it/x/pom.xml", "src/test/resources/x.csv"])
    assert refusal(with_data) is None


def test_a_plugins_help_goal_is_not_kept_because_the_release_of_the_fix_may_name_it_otherwise() -> None:
    plugin = a_pom("<packaging>maven-plugin</packaging>")
    texts = [proposed(an_input({"pom.xml": pom})).draft.dockerfile for pom in (plugin, a_pom())]
    assert [DELETE_HELP_GOALS in text.splitlines() for text in texts] == [True, False]


def with_arg_line(options: str, *parts: str) -> str:
    plugin = f"<plugin><configuration><argLine>{options}</argLine></configuration></plugin>"
    return a_pom(*parts, f"<build><plugins>{plugin}</plugins></build>")


@pytest.mark.parametrize(
    ("pom", "is_set"),
    [
        (with_arg_line("${argLine} -Xmx1g"), True),
        (with_arg_line("@{argLine}"), True),
        (with_arg_line("-Xmx1g"), False),
        (with_arg_line("${argLine}", properties(argLine="-Xmx1g")), False),
    ],
)
def test_options_of_the_tests_jvm_do_not_wait_for_a_plugin_that_is_skipped(pom: str, is_set: bool) -> None:
    assert ("-DargLine=" in flags(an_input({"pom.xml": pom}))) is is_set


def test_the_excerpt_of_a_jvm_that_did_not_start_has_its_command() -> None:
    log = "\n".join(
        [
            *("[INFO] downloading" for _ in range(500)),
            "[ERROR] The forked VM terminated without properly saying goodbye. VM crash or System.exit called?",
            "[ERROR] Command was /bin/sh -c cd '/testbed' && 'java' '${argLine}' '-jar' 'surefirebooter.jar'",
            *("[ERROR] \tat org.apache.maven.Cli.main(Cli.java:1)" for _ in range(500)),
        ]
    )
    assert "'${argLine}'" in log_excerpt(log)


def test_a_plugin_that_misses_its_program_although_that_is_installed_is_skipped() -> None:
    log = (
        "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-antrun-plugin:1.8:run (make) on project\n"
        'java.io.IOException: Cannot run program "make" (in directory "/testbed"): error=2, No such file'
    )
    first = ended(an_input(), RoundOutcome.STEP_FAILED, log)
    second = ended(first, RoundOutcome.STEP_FAILED, log)
    assert [proposed(each).label for each in (first, second)] == [
        "java 11, with gcc libc6-dev make",
        "java 11, with gcc libc6-dev make, options -Dmaven.antrun.skip",
    ]
