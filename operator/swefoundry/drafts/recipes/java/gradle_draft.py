"""Turn a candidate and constraints into a draft for a Gradle project, and a label for people."""

import shlex

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.java.further_tests import further_tests_command
from swefoundry.drafts.recipes.java.gradle_dependencies import (
    COMMAND_VARIABLE,
    HOME,
    added_dependencies_steps,
)
from swefoundry.drafts.recipes.java.gradle_project import BUILD_FILES, GradleProject
from swefoundry.drafts.recipes.java.java_command import (
    NOT_COMPILED,
    UNCOMPILED_REPORT,
    BuildTool,
    java_test_command,
)
from swefoundry.drafts.recipes.java.java_constraints import JavaConstraints
from swefoundry.drafts.recipes.java.java_draft import FIND_A_TEST
from swefoundry.drafts.recipes.java.java_releases import JavaCandidate
from swefoundry.drafts.recipes.recipe_search import ORDINARY_USER

REPORTS = ("**/build/test-results/**/TEST-*.xml", UNCOMPILED_REPORT)

_INIT_SCRIPT = """gradle.taskGraph.whenReady { graph ->
  graph.allTasks.findAll { it instanceof Test }.each {
    it.ignoreFailures = false
    it.filter.failOnNoMatchingTests = false
    it.outputs.upToDateWhen { false }
  }
}
"""
"""Outside of the project: failures count whatever its build says, and no module needs the classes of another."""

_OPTIONS = "--no-daemon --console=plain -Dorg.gradle.caching=false -Dorg.gradle.configuration-cache=false"
"""Nothing is taken from a cache of results: tests run, and init scripts work with every release."""

_QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Gradle ends before the JVM's optimizing compiler pays: with these it takes half of the processor's time for a module.
The tests run in JVMs of their own, without them.
"""

_OF_ROOT = '[ "$module" = . ] && of_root=: || of_root='
"""The root's tasks alone: without a path, those of all its modules would run."""

# Before release 5 the first message of a compiler follows the name of its task in the same line.
GRADLE = BuildTool(
    name="Gradle",
    build_files=BUILD_FILES,
    compile=f'{_OF_ROOT}; ${COMMAND_VARIABLE} --offline -p "$module" "$of_root"testClasses',
    test=f"""{_OF_ROOT}; ${COMMAND_VARIABLE} --offline --continue -p "$module" "$of_root"test \\
      $(for c in $classes; do echo "--tests ${{c%%,*}}"; done)""",
    wrong_file=rf"^[^/]*{SOURCE_ROOT}/\([^:]*\.java\):[0-9]*: error: .*",
    reports="*/build/test-results/*/TEST-*.xml",
)


def gradle_draft(project: GradleProject, candidate: JavaCandidate, constraints: JavaConstraints) -> Draft:
    """Return the draft of a plan. Gradle goes by content, so nothing is rebuilt in a reused image."""
    return Draft(
        dockerfile=_dockerfile(project, candidate, constraints),
        test_command=java_test_command(
            GRADLE,
            [[each, "."] for each in project.modules],
            further_tests_command(project.facts, project.modules),
            constraints,
        ),
        reports=list(REPORTS),
        error_exit_codes=[NOT_COMPILED],
        tolerated_failures=sorted(constraints.tolerated),
        run_as_user=ORDINARY_USER if constraints.as_user else None,
    )


def _dockerfile(project: GradleProject, candidate: JavaCandidate, constraints: JavaConstraints) -> str:
    program = "gradle" if candidate.has_gradle or project.wrapper is None else f"sh {SOURCE_ROOT}/gradlew"
    steps = [
        f"FROM {candidate.base}",
        f'ENV LANG=C.UTF-8 GRADLE_USER_HOME={HOME} {COMMAND_VARIABLE}="{program} {_OPTIONS}"'
        f' GRADLE_OPTS="{_QUICK_START} ${{GRADLE_OPTS}}"',
        *([apt_step(sorted(constraints.apt))] if constraints.apt else []),
        f"RUN mkdir -p {HOME}/init.d && cat > {HOME}/init.d/tests.gradle <<'EOF'\n{_INIT_SCRIPT}EOF",
        f"COPY . {SOURCE_ROOT}",
        f"WORKDIR {SOURCE_ROOT}",
        *(_restore(each) for each in project.modules),
        *added_dependencies_steps(project),
        f"RUN chmod -R a+rwX {HOME}",
    ]
    return "\n".join(steps) + "\n"


def _restore(module: str) -> str:
    """Compile a module and run one of its tests, which downloads what the tests need; that one may fail."""
    folder = shlex.quote(module)
    return (
        f"RUN {FIND_A_TEST} && ${COMMAND_VARIABLE} -p {folder} testClasses && {{ \\\n"
        f' ${COMMAND_VARIABLE} -p {folder} test --tests "*.$(one_test {folder})" || echo "that test failed"; }}'
    )


def gradle_label(project: GradleProject, candidate: JavaCandidate, constraints: JavaConstraints) -> str:
    """Return what distinguishes the draft, for people."""
    words = [f"java {candidate.version[0]}", "gradle"]
    if not candidate.has_gradle and project.wrapper is not None:
        words[1] = "gradle {}.{} by its wrapper".format(*project.wrapper)
    for prefix, values in (("with", constraints.apt), ("JVM options", constraints.jvm_options)):
        if values:
            words.append(f"{prefix} {' '.join(sorted(values))}")
    return ", ".join([*words, *constraints.described()])
