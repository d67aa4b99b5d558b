"""Turn a candidate and constraints into a draft and a label for people."""

import shlex
from itertools import groupby

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.java.java_command import NOT_COMPILED
from swefoundry.drafts.recipes.java.java_constraints import JavaConstraints
from swefoundry.drafts.recipes.java.java_project import POM, JavaProject, MavenModule
from swefoundry.drafts.recipes.java.java_releases import SUPPORTED_LEVEL, JavaCandidate
from swefoundry.drafts.recipes.java.maven_command import (
    FLAGS_VARIABLE,
    MAVEN_REPORTS,
    TEST_GOALS,
    maven_test_command,
)
from swefoundry.drafts.recipes.java.pom import EMPTY_ARG_LINE
from swefoundry.drafts.recipes.java.pom_additions import AddedPom, added_by_fix, levels_of_fix
from swefoundry.drafts.recipes.java.test_dependencies import (
    FILL_VERSIONS,
    KEEP_VERSIONED,
    LEAVE_UNCHANGED,
    LIST,
    VERSIONS,
    add_dependencies_command,
    add_dependencies_steps,
    added_test_dependencies,
)
from swefoundry.drafts.recipes.recipe_search import ORDINARY_USER

REPOSITORY = "/m2"
"""Where the image has the artifacts: not in the home, which is another one for an ordinary user."""

_QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""Maven ends before the JVM's optimizing compiler pays; the tests run in JVMs of their own, without it."""

_BREADTH_FIRST = "-Daether.dependencyCollector.impl=bf"
"""Maven 3.9 downloads the POMs of dependencies side by side then, and one after another otherwise; 3.8 knows no such
property. It reads fewer of them, so the tests need the same setting.
https://issues.apache.org/jira/browse/MRESOLVER-7
"""

SKIPPED_PLUGINS = (
    "animal.sniffer",
    "bnd.baseline",
    "checkstyle",
    "clirr",
    "cyclonedx",
    "dependency-check",
    "enforcer",
    "findbugs",
    "formatter",
    "forbiddenapis",
    "gpg",
    "impsort",
    "jacoco",
    "japicmp",
    "license",
    "maven.gitcommitid",
    "maven.javadoc",
    "maven.source",
    "moditect",
    "pgpverify",
    "pmd",
    "rat",
    "revapi",
    "sort",
    "spotbugs",
    "spotless.check",
    "spotless.apply",
    "xml",
)
"""Plugins that check, document and publish, by the properties that skip them: no test needs them."""

_TESTS = (
    "-Dmaven.test.skip=false",
    "-DskipTests=false",
    "-DfailIfNoTests=false",
    "-Dsurefire.failIfNoSpecifiedTests=false",
    "-Dsurefire.rerunFailingTestsCount=0",
)
"""Modules that are only compiled for others have none of the classes."""
IGNORED_FAILURES = "maven.test.failure.ignore"
_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_LISTED = f"-DexcludeTransitive=true -DappendOutput=true -DoutputFile={VERSIONS}"
_LATER_PLUGINS = (
    "maven-changes-plugin",
    "maven-deploy-plugin",
    "maven-install-plugin",
    "maven-javadoc-plugin",
    "maven-jxr-plugin",
    "maven-project-info-reports-plugin",
    "maven-release-plugin",
    "maven-scm-publish-plugin",
    "maven-site-plugin",
    "maven-surefire-report-plugin",
)
"""Plugins that no phase up to the tests has: a parent's site and release are most of its downloads."""

FIND_A_TEST = (
    'one_test() { { find "$1/src" \\( -path "$1/src/it" -o -path "$1/src/main" -o -name resources \\) \\\n'
    " -prune -o -name '*Test*.java' -exec grep -lE '@Test|extends .*Test' {} + \\\n"
    " | awk '{ print length, $0 }' | sort -n | sed 's|.*/||; s|.java$||'; echo None; } | head -n 1; }"
)
"""A shell function that prints the name of one test class of a folder; `None` where it has none.

Projects that tests build, in src/it or among resources, have classes that are none of its own.
"""

LIST_FAILING = (
    "failing() { find . -path '*/surefire-reports/TEST-*.xml' -exec grep -lE '<(failure|error)[ />]' {} +"
    " | sort; }"
)
"""A shell function that prints the reports of test classes that failed."""
DELETE_HELP_GOALS = "RUN find . -path '*/target/*' -name 'HelpMojo.*' -delete"
"""Delete the help goals that plugins generate of themselves.

Another release of maven-plugin-plugin, as a fix may ask for, gives them another package, and then finds both
(`Goal: help already exists in the plugin descriptor`).
"""
NONE_FAILS_NEWLY = '[ -z "$(failing | comm -13 /tmp/failing -)" ]'


def plan_to_draft(project: JavaProject, candidate: JavaCandidate, constraints: JavaConstraints) -> Draft:
    """Return the draft of a plan. Nothing is rebuilt in a reused image: Maven compiles what is newer."""
    return Draft(
        dockerfile=_dockerfile(project, candidate, constraints),
        test_command=maven_test_command(project, constraints),
        reports=list(MAVEN_REPORTS),
        error_exit_codes=[NOT_COMPILED],
        tolerated_failures=sorted(constraints.tolerated),
        run_as_user=ORDINARY_USER if constraints.as_user else None,
    )


def _dockerfile(project: JavaProject, candidate: JavaCandidate, constraints: JavaConstraints) -> str:
    """Artifacts and what is compiled come from the build; the tests have no repository.

    Artifacts are used from whatever repository they came: Maven otherwise asks each repository of a POM for its own.
    """
    flags = " ".join(maven_flags(project, candidate, constraints))
    goals = "test" if not constraints.goals_alone else TEST_GOALS
    steps = [
        f"FROM {candidate.base}",
        f'ENV LANG=C.UTF-8 {FLAGS_VARIABLE}="{flags}" MAVEN_OPTS="{_QUICK_COMPILER} ${{MAVEN_OPTS}}"',
        *([apt_step(sorted(constraints.apt))] if constraints.apt else []),
        f"COPY . {SOURCE_ROOT}",
        f"WORKDIR {SOURCE_ROOT}",
        *_restore_steps(project, goals),
        *_fetch_added(project),
        *_restore_with_added(project, goals),
        *(_fetch(artifact) for artifact in sorted(constraints.artifacts)),
        *([DELETE_HELP_GOALS] if project.is_maven_plugin else []),
        f"RUN find {REPOSITORY} -name _remote.repositories -delete && chmod -R a+rwX {REPOSITORY}",
    ]
    return "\n".join(steps) + "\n"


def maven_flags(project: JavaProject, candidate: JavaCandidate, constraints: JavaConstraints) -> list[str]:
    """Return the options that the build and the tests share."""
    return [
        "-B -ntp",
        _BREADTH_FIRST,
        f"-Dmaven.repo.local={REPOSITORY}",
        *_TESTS,
        f"-D{IGNORED_FAILURES}=false",
        *(f"-D{name}.skip" for name in SKIPPED_PLUGINS),
        *raised_levels(project, candidate, constraints),
        *sorted(constraints.options | _arg_line(project)),
    ]


def _arg_line(project: JavaProject) -> set[str]:
    return {EMPTY_ARG_LINE} if any(pom.needs_arg_line for pom in project.effective) else set()


def raised_levels(project: JavaProject, candidate: JavaCandidate, constraints: JavaConstraints) -> list[str]:
    """Return the properties of levels that the JDK's compiler refuses, or the fix raises, with one that it takes."""
    low = {name for name, level in project.levels.items() if level < candidate.lowest_level and name}
    if constraints.raised_level:
        low |= {name for name, level in project.levels.items() if level < SUPPORTED_LEVEL and name}
        low |= {"maven.compiler.source", "maven.compiler.target"}
    of_fix = {name: level for name, level in levels_of_fix(project).items() if level <= candidate.version[0]}
    raised = of_fix | {name: max(SUPPORTED_LEVEL, of_fix.get(name, 0)) for name in low}
    return [f"-D{name}={level}" for name, level in sorted(raised.items())]


def _restore_steps(project: JavaProject, goals: str) -> list[str]:
    """Run a test class of each module: that brings dependencies, plugins, and the part of surefire that runs them."""
    groups = groupby(sorted(project.modules, key=lambda each: each.root), key=lambda each: each.root)
    return [_restore(root, list(modules), goals) for root, modules in groups]


def _restore(root: str, modules: list[MavenModule], goals: str) -> str:
    place = f"cd {shlex.quote(root)} && " if root != "." else ""
    selectors = ",".join(module.selector for module in modules)
    selection = f" -pl {shlex.quote(selectors)} -am" if modules[0].has_modules else ""
    classes = ",".join(f"$(one_test {shlex.quote(module.selector)})" for module in modules)
    return (
        f"RUN {FIND_A_TEST} && "
        f"{place}mvn ${FLAGS_VARIABLE} \\\n"
        f" -D{IGNORED_FAILURES}=true -Dsurefire.timeout=300 -Dtest={classes}{selection} {goals}"
    )


def _restore_with_added(project: JavaProject, goals: str) -> list[str]:
    """Do the same with the dependencies that the tests get before the fix; the POMs stay those of the source.

    Where Maven ends with an error, or a test class fails that did not without them, some are left out, at last all: a
    dependency may fit the fix's version of another one alone, and then every test would fail before the fix.
    """
    added = added_test_dependencies(project)
    if not added:
        return []
    poms = shlex.join(sorted({f"{each.folder}/{POM}" for each in added}))
    runs = " && ".join(f"({step.removeprefix('RUN ')})" for step in _restore_steps(project, goals))
    attempt = f"{add_dependencies_command(added)} && {{ {runs}; }} && {NONE_FAILS_NEWLY}"
    restored = "tar xf /tmp/poms.tar"
    has_unversioned = not all(each.has_version for each in added)
    changes = [
        *([FILL_VERSIONS] if has_unversioned else []),
        *([LEAVE_UNCHANGED] if any(each.is_changed for each in added) else []),
        *([KEEP_VERSIONED] if has_unversioned else []),
    ]
    attempts = [attempt, *(f"{restored} && {change} && \\\n {attempt}" for change in changes)]
    otherwise = f'echo "nothing is added that the tests of the fix ask for"; : > {LIST}'
    for each in reversed(attempts):
        otherwise = f"if ! {{ {each}; }}; then \\\n {otherwise}; fi"
    return [
        *add_dependencies_steps(added),
        f"RUN {LIST_FAILING} && failing > /tmp/failing; \\\n"
        f" tar cf /tmp/poms.tar {poms} && {otherwise}; \\\n"
        f" {restored} && rm -f /tmp/poms.tar /tmp/pom.xml /tmp/failing {VERSIONS} {LIST}.own",
    ]


def _fetch_added(project: JavaProject) -> list[str]:
    """Download what only the POMs after the fix ask for, by projects that have nothing but these artifacts.

    An empty test class brings the part of surefire that runs the tests; its level must be one that the compiler knows,
    or plugins that come after it are not downloaded. Parents have profiles for projects with a src/main/java.
    """
    unversioned = [each for each in added_test_dependencies(project) if not each.has_version]
    listing = f" mvn ${FLAGS_VARIABLE} {_DEPENDENCY_PLUGIN}:list {_LISTED}; \\\n" if unversioned else ""
    steps: list[str] = []
    for pom in added_by_fix(project):
        steps += [
            "RUN mkdir -p /tmp/added/src/main/java /tmp/added/src/test/java && "
            f"cat > /tmp/added/pom.xml <<'EOF'\n{pom.text}EOF",
            "RUN cd /tmp/added && echo 'public class NoneTest {}' > src/test/java/NoneTest.java; \\\n"
            f"{_fetch_by(pom)}{listing} rm -r /tmp/added",
        ]
    return steps


def _fetch_by(pom: AddedPom) -> str:
    """Return lines that run the phases up to the tests and download the plugins that the project has without settings.

    Where one of the parent's plugins fails without its settings, those that come after it are downloaded without being
    run, and surefire is called alone.
    """
    level = f"-Dmaven.compiler.source={SUPPORTED_LEVEL} -Dmaven.compiler.target={SUPPORTED_LEVEL}"
    run = f"mvn ${FLAGS_VARIABLE} {level} -Dtest=NoneTest"
    resolve = f"mvn ${FLAGS_VARIABLE} {_DEPENDENCY_PLUGIN}:resolve-plugins"
    names = ",".join(name for name in pom.plugins if name not in _LATER_PLUGINS)
    own = f" && {resolve} -DincludeArtifactIds={names}" if names else ""
    return (
        f" if ! {{ {run} test{own}; }}; then \\\n"
        f" {run} {TEST_GOALS}; \\\n"
        f" if ! {resolve} -DexcludeArtifactIds={','.join(_LATER_PLUGINS)}; then \\\n"
        ' echo "not all that the fix asks for is there"; fi; fi; \\\n'
    )


def _fetch(artifact: str) -> str:
    transitive = " -Dtransitive=false" if artifact.endswith(":pom") else ""
    return f"RUN mvn ${FLAGS_VARIABLE} {_DEPENDENCY_PLUGIN}:get{transitive} -Dartifact={artifact}"


def plan_label(project: JavaProject, candidate: JavaCandidate, constraints: JavaConstraints) -> str:
    """Return what distinguishes the draft, for people."""
    words = [f"java {candidate.version[0]}"]
    levels = {each.rpartition("=")[2] for each in raised_levels(project, candidate, constraints)}
    words += [f"compiled for {', '.join(sorted(levels, key=int))}"] if levels else []
    for prefix, values in (
        ("with", {*constraints.apt, *constraints.artifacts}),
        ("options", constraints.options),
        ("JVM options", constraints.jvm_options),
    ):
        if values:
            words.append(f"{prefix} {' '.join(sorted(values))}")
    words += ["no goals but those of tests"] if constraints.goals_alone else []
    words += ["fresh test classes"] if constraints.fresh_test_classes else []
    return ", ".join([*words, *constraints.described()])
