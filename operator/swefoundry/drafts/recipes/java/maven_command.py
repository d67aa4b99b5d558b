"""The test command of Maven."""

from dataclasses import replace

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.java.further_tests import further_tests_command
from swefoundry.drafts.recipes.java.java_command import UNCOMPILED_REPORT, BuildTool, java_test_command
from swefoundry.drafts.recipes.java.java_constraints import JavaConstraints
from swefoundry.drafts.recipes.java.java_project import JavaProject, MavenModule
from swefoundry.drafts.recipes.java.test_dependencies import add_dependencies_command, added_test_dependencies

MAVEN_REPORTS = ("**/surefire-reports/TEST-*.xml", UNCOMPILED_REPORT)
FLAGS_VARIABLE = "MAVEN_FLAGS"
"""Of the image: options that the build and the tests share."""

MAVEN = BuildTool(
    name="Maven",
    build_files=("pom.xml",),
    compile=f'cd "$root" && mvn -o ${FLAGS_VARIABLE} "$@" -q test-compile',
    test=f"""cd "$root" && mvn -o ${FLAGS_VARIABLE} "$@" -Dtest="$(echo $classes | tr ' ' ,)" test""",
    wrong_file=rf"^\[ERROR\] {SOURCE_ROOT}/\([^:]*\.java\):\[.*",
    reports="*/surefire-reports/TEST-*.xml",
)

_PLUGINS = "org.apache.maven.plugins:maven"
COMPILE_GOALS = (
    f"{_PLUGINS}-resources-plugin:resources@default-resources {_PLUGINS}-compiler-plugin:compile@default-compile"
    f" {_PLUGINS}-resources-plugin:testResources@default-testResources"
    f" {_PLUGINS}-compiler-plugin:testCompile@default-testCompile"
)
TEST_GOALS = f"{COMPILE_GOALS} {_PLUGINS}-surefire-plugin:test@default-test"
"""What the phases `test-compile` and `test` call of a jar, with the settings that the POM has for these.

For a short name (`surefire:test`) Maven would read every plugin of the POM, those that are missing, too.
"""

_REMOVE = "find . -path '*/target/test-classes' -prune -exec rm -r {} +"


def maven_test_command(project: JavaProject, constraints: JavaConstraints) -> str:
    """Return the command: each module is selected with those that it needs."""
    tool = MAVEN
    if constraints.goals_alone:
        compile_alone = tool.compile.removesuffix("test-compile") + COMPILE_GOALS
        tool = replace(tool, compile=compile_alone, test=tool.test.removesuffix("test") + TEST_GOALS)
    if constraints.fresh_test_classes:
        tool = replace(tool, compile=f"{_REMOVE}; {tool.compile}", test=f"{_REMOVE}; {tool.test}")
    modules = [_arguments(each) for each in project.modules]
    further = further_tests_command(project.facts, [each.folder for each in project.modules])
    first = add_dependencies_command(added_test_dependencies(project), where_used=True)
    return java_test_command(tool, modules, further, constraints, first)


def _arguments(module: MavenModule) -> list[str]:
    selection = ["-pl", module.selector, "-am"] if module.has_modules else []
    return [module.folder, module.root, *selection]
