"""Dependencies of tests that only the fix's POM has: which, and how the build gets them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from swefoundry.dockerfile.policy import violations
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.java import test_dependencies
from swefoundry.drafts.recipes.java.java_draft import LIST_FAILING, NONE_FAILS_NEWLY
from swefoundry.drafts.recipes.java.java_project import read_java_project
from swefoundry.drafts.recipes.java.test_dependencies import FILL, added_test_dependencies
from unit.drafts.recipe_inputs import proposed
from unit.drafts.test_java_recipe import a_pom, an_input, properties

JUNIT = (
    "<dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13</version>"
    "<scope>test</scope></dependency>"
)
IO = (
    "<dependency><groupId>commons-io</groupId><artifactId>commons-io</artifactId><version>2.16</version>"
    "<scope>test</scope></dependency>"
)
BLANKS = "<dependency><artifactId>\n commons-io </artifactId></dependency>"
NEWER = IO.replace("2.16", "2.17")
PARENT = "<parent><groupId>org.outer</groupId><artifactId>outer</artifactId><version>3</version></parent>"


def dependencies(*entries: str) -> str:
    return f"<dependencies>{''.join(entries)}</dependencies>"


def managed(*entries: str) -> str:
    return f"<dependencyManagement>{dependencies(*entries)}</dependencyManagement>"


def of_tests(name: str, *parts: str, scope: str = "<scope>test</scope>") -> str:
    return (
        f"<dependency><groupId>g</groupId><artifactId>{name}</artifactId>{''.join(parts)}{scope}</dependency>"
    )


def added(before: str, after: str) -> list[tuple[str, str, str]]:
    project = read_java_project(an_input({"pom.xml": before}, fixed={"pom.xml": after}))
    assert project is not None
    return [(each.folder, each.name, each.xml) for each in added_test_dependencies(project)]


def test_what_only_the_fixed_pom_has_for_tests_is_added_with_properties_put_in() -> None:
    after = a_pom(properties(io__version="2.16"), dependencies(JUNIT, IO.replace("2.16", "${io.version}")))
    assert added(a_pom(dependencies(JUNIT)), after) == [(".", "commons-io:jar:", IO)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (a_pom(dependencies(IO)), a_pom(dependencies(IO))),
        (
            a_pom(dependencies(IO.replace("<scope>test</scope>", ""))),
            a_pom(dependencies(IO)),
        ),
        (a_pom(), a_pom(dependencies(IO.replace("<scope>test</scope>", "")))),
        (a_pom(), a_pom(dependencies(of_tests("thing", "<version>1</version>")))),
        (a_pom(), a_pom(dependencies(of_tests("x", "<version>${unknown}</version>")))),
        (a_pom(), a_pom(dependencies(of_tests("x", "<version>1</version><exclusions/>")))),
        (a_pom(), a_pom(dependencies(of_tests("x")))),
    ],
    ids=[
        "in the same version",
        "with another scope before",
        "for the sources, too",
        "the project itself",
        "with an unknown version",
        "with exclusions",
        "without a version",
    ],
)
def test_other_dependencies_are_left_to_the_fix(before: str, after: str) -> None:
    assert added(before, after) == []


def test_versions_and_scopes_come_from_the_management_too_or_from_a_parent() -> None:
    x = "<dependency><groupId>g</groupId><artifactId>x</artifactId><version>1</version><scope>test</scope></dependency>"
    after = a_pom(managed(of_tests("x", "<version>1</version>")), dependencies(of_tests("x", scope="")))
    assert added(a_pom(), after) == [(".", "x:jar:", x)]
    after = a_pom(PARENT.replace(">3<", ">4<"), dependencies(of_tests("x")))
    assert added(a_pom(PARENT), after) == [(".", "x:jar:", x.replace("<version>1</version>", ""))]


CLI_JUNIT = "<dependency><groupId>junit</groupId><artifactId>junit</artifactId>{}</dependency>"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<version>4.12</version><scope>test</scope>", "<version>4.13.2</version><scope>test</scope>"),
        ("<scope>test</scope>", "<version>4.13.2</version><scope>test</scope>"),
        (
            "<version>${a.parent.has.it}</version><scope>test</scope>",
            "<version>4.13.2</version><scope>test</scope>",
        ),
    ],
    ids=["in the POM", "in a parent", "by a property of a parent"],
)
def test_another_version_of_one_for_tests_is_given_to_them_before_the_fix(before: str, after: str) -> None:
    """The first as commons-cli 1.5.0; JUnit 4.13 brought `assertThrows`."""
    old, new = (a_pom(PARENT, dependencies(CLI_JUNIT.format(each))) for each in (before, after))
    assert added(old, new) == [(".", "junit:jar:", CLI_JUNIT.format(after))]
    excluded = dependencies(CLI_JUNIT.format(f"{before}<exclusions/>"))
    for other in (excluded, dependencies(CLI_JUNIT.format(before.replace("test", "compile")))):
        assert added(a_pom(PARENT, other), new) == []


def test_the_build_leaves_changed_versions_out_where_tests_of_before_the_fix_do_not_compile_with_them() -> (
    None
):
    old, new = (a_pom(dependencies(JUNIT.replace("4.13", each))) for each in ("4.12", "4.13.2"))
    dockerfile = proposed(an_input({"pom.xml": old}, fixed={"pom.xml": new})).draft.dockerfile
    assert violations(dockerfile, []) == []
    assert f"\n.\tjunit:jar:\t{JUNIT.replace('4.13', '4.13.2')}\tchanged\nEOF\n" in dockerfile
    list_file = "/usr/local/lib/added-dependencies.txt"
    assert (
        f"if ! {{ tar xf /tmp/poms.tar && sed -i '/changed$/d' {list_file}* && \\\n for m in .; do"
        in dockerfile
    )


def jupiter(name: str, version: str = "<version>5.10.1</version>") -> str:
    return (
        f"<dependency><groupId>org.junit.jupiter</groupId><artifactId>{name}</artifactId>{version}"
        "<scope>test</scope></dependency>"
    )


@pytest.mark.parametrize(
    "version", ["<version>5.10.1</version>", ""], ids=["with a version", "by the parent"]
)
def test_the_engine_of_junit_5_comes_with_its_api_because_older_releases_of_surefire_do_not_bring_it(
    version: str,
) -> None:
    api, engine = jupiter("junit-jupiter-api", version), jupiter("junit-jupiter-engine", version)
    after = a_pom(PARENT.replace(">3<", ">4<"), dependencies(api))
    assert added(a_pom(PARENT, dependencies(JUNIT)), after) == [
        (".", "junit-jupiter-api:jar:", api),
        (".", "junit-jupiter-engine:jar:", engine),
    ]


@pytest.mark.parametrize("name", ["junit-jupiter-engine", "junit-jupiter"])
def test_an_engine_that_a_pom_names_is_not_added_again(name: str) -> None:
    api, engine = jupiter("junit-jupiter-api"), jupiter(name)
    found = added(a_pom(dependencies(engine)), a_pom(dependencies(engine, api)))
    assert found == [(".", "junit-jupiter-api:jar:", api)]
    both = [(".", f"{name}:jar:", engine), (".", "junit-jupiter-api:jar:", api)]
    assert added(a_pom(), a_pom(dependencies(engine, api))) == sorted(both)


def test_a_module_gets_what_the_fix_gives_all_modules() -> None:
    module = "<project><parent><artifactId>thing</artifactId></parent><artifactId>core</artifactId></project>"
    root = a_pom("<modules><module>core</module></modules>")
    fixed = a_pom("<modules><module>core</module></modules>", dependencies(IO))
    inputs = an_input(
        {"pom.xml": root, "core/pom.xml": module},
        fixed={"pom.xml": fixed},
        test_files=["core/src/test/java/org/thing/ThingTest.java"],
    )
    project = read_java_project(inputs)
    assert project is not None
    assert [(each.folder, each.xml) for each in added_test_dependencies(project)] == [("core", IO)]


def an_added_input() -> StrategyInput:
    return an_input(
        {"pom.xml": a_pom(dependencies(JUNIT))}, fixed={"pom.xml": a_pom(dependencies(JUNIT, IO))}
    )


def test_the_build_downloads_them_for_the_pom_before_the_fix_and_leaves_it_as_it_was() -> None:
    dockerfile = proposed(an_added_input()).draft.dockerfile
    assert violations(dockerfile, []) == []
    assert (
        f"\nRUN cat > /usr/local/lib/added-dependencies.txt <<'EOF'\n.\tcommons-io:jar:\t{IO}\nEOF\n"
        in dockerfile
    )
    start = dockerfile.index("RUN failing()")
    step = dockerfile[start : dockerfile.index("\nRUN find", start)]
    assert step.startswith(
        f"RUN {LIST_FAILING} && failing > /tmp/failing; \\\n tar cf /tmp/poms.tar ./pom.xml && if ! {{"
        " for m in .; do awk -v list=/usr/local/lib/added-dependencies.txt"
        ' -v folder="$m" -f /usr/local/lib/add-dependencies.awk "$m/pom.xml" > /tmp/pom.xml'
        ' && cat /tmp/pom.xml > "$m/pom.xml"; done && { (one_test() {'
    )
    assert step.endswith(
        '; } && [ -z "$(failing | comm -13 /tmp/failing -)" ]; }; then \\\n'
        ' echo "nothing is added that the tests of the fix ask for";'
        " : > /usr/local/lib/added-dependencies.txt; fi; \\\n"
        " tar xf /tmp/poms.tar && rm -f /tmp/poms.tar /tmp/pom.xml /tmp/failing /tmp/versions"
        " /usr/local/lib/added-dependencies.txt.own"
    )
    assert "fill-versions" not in dockerfile


def test_one_that_the_parent_before_the_fix_does_not_know_gets_the_version_of_the_parent_of_the_fix() -> None:
    before, after = (
        a_pom(PARENT),
        a_pom(PARENT.replace("<version>3", "<version>4"), dependencies(of_tests("a"))),
    )
    dockerfile = proposed(an_input({"pom.xml": before}, fixed={"pom.xml": after})).draft.dockerfile
    assert violations(dockerfile, []) == []
    assert (
        " mvn $MAVEN_FLAGS org.apache.maven.plugins:maven-dependency-plugin:3.6.1:list -DexcludeTransitive=true"
        " -DappendOutput=true -DoutputFile=/tmp/versions; \\\n rm -r /tmp/added\n"
    ) in dockerfile
    known = "/usr/local/lib/added-dependencies.txt"
    assert (
        f' -)" ]; }}; then \\\n if ! {{ tar xf /tmp/poms.tar && cp {known} {known}.own'
        f" && awk -v versions=/tmp/versions -f /usr/local/lib/fill-versions.awk {known}.own > {known} && \\\n"
        " for m in .; do awk"
    ) in dockerfile
    assert (
        f" if ! {{ tar xf /tmp/poms.tar && sed '/<version>/!{{/removed$/!d}}' {known}.own > {known} && \\\n for m"
        in dockerfile
    )


@pytest.mark.parametrize(
    ("report", "fits"),
    [
        ("<testsuite><failure/>", False),
        ("<testsuite><error message='x'>", False),
        ("<testsuite errors='0'>", True),
    ],
)
def test_what_makes_a_test_class_fail_that_passed_without_it_does_not_fit(
    tmp_path: Path, report: str, fits: bool
) -> None:
    """As one of maven-filtering 3.3.0, with which 41 tests of before fail."""
    reports = tmp_path / "core/target/surefire-reports"
    reports.mkdir(parents=True)
    (reports / "TEST-org.thing.OtherTest.xml").write_text("<testsuite><failure message='x'>")
    subprocess.run(["sh", "-c", f"{LIST_FAILING}; failing > failing"], cwd=tmp_path, check=True)
    (reports / "TEST-org.thing.ThingTest.xml").write_text(report)
    command = f"{LIST_FAILING}; {NONE_FAILS_NEWLY}".replace("/tmp/failing", "failing")
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False).returncode == (0 if fits else 1)


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
def test_versions_are_those_that_maven_lists(tmp_path: Path) -> None:
    (tmp_path / "program").write_text(FILL)
    (tmp_path / "versions").write_text(
        "\nThe following files have been resolved:\n"
        "   g:a:jar:5.10.1:test -- module org.a\n   g:b:jar:tests:2:test\n   other:c:jar:9:test\n"
        "   org.junit.jupiter:junit-jupiter-api:jar:5.9.2:test\n"
    )
    names = {"a": "a:jar:", "b": "b:jar:tests", "c": "c:jar:", "d": "d:jar:"}
    lines = [f".\t{name}\t{of_tests(each)}\n" for each, name in names.items()]
    own = f".\ta:jar:\t{of_tests('a', '<version>1</version>')}\n"
    engine = f".\tjunit-jupiter-engine:jar:\t{jupiter('junit-jupiter-engine', '')}\n"
    (tmp_path / "list").write_text("".join([*lines, own, engine]))
    command = ["awk", "-v", "versions=versions", "-f", "program", "list"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    filled = [
        f".\ta:jar:\t{of_tests('a', '<version>5.10.1</version>')}\n",
        f".\tb:jar:tests\t{of_tests('b', '<version>2</version>')}\n",
    ]
    of_api = f".\tjunit-jupiter-engine:jar:\t{jupiter('junit-jupiter-engine', '<version>5.9.2</version>')}\n"
    assert (found.stdout, found.stderr) == ("".join([*filled, *lines[2:], own, of_api]), "")
    unknown = subprocess.run(
        [*command[:2], "versions=none", *command[3:]],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert unknown.stdout == "".join([*lines, own, engine])


def test_the_tests_add_them_before_they_compile() -> None:
    lines = proposed(an_added_input()).draft.test_command.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("for m in .; do awk"))
    assert lines[at - 1].startswith("cd /testbed;")
    assert lines[at + 1].startswith("list=")
    assert "awk -v list" not in proposed(an_input()).draft.test_command


JUPITER = jupiter("junit-jupiter")
EXTENSION = jupiter("mockito-junit-jupiter").replace("org.junit.jupiter", "org.mockito")
TESTNG = (
    "<dependency><groupId>org.testng</groupId><artifactId>testng</artifactId><version>7.5</version>"
    "<scope>test</scope></dependency>"
)


@pytest.mark.parametrize(
    ("after", "is_removed"),
    [([JUPITER], True), ([JUPITER, TESTNG], False), ([IO], False), ([], False)],
    ids=["for JUnit 5", "beside it", "for something else", "alone"],
)
def test_testng_is_taken_out_where_the_fix_replaces_it_by_junit_5(after: list[str], is_removed: bool) -> None:
    removed = (".", "testng:jar:", "")
    assert (removed in added(a_pom(dependencies(TESTNG)), a_pom(dependencies(*after)))) == is_removed


def test_the_program_and_its_list_are_outside_of_the_project() -> None:
    assert [each.rpartition("/")[0] for each in (test_dependencies.PROGRAM, test_dependencies.LIST)] == [
        "/usr/local/lib",
        "/usr/local/lib",
    ]
