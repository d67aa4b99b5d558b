"""Dependencies that only the build files after the fix have: the build downloads them, and the tests before the fix get
those that are for tests.

Without them, tests that use one would not compile before the fix for that reason alone. An init script adds them, so
the project's own files stay as they are; after the fix they are there twice, which changes nothing.
"""

import shlex

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.java.gradle_project import GradleProject

HOME = "/gradle"
"""Where the image has Gradle's files: not in the home, which is another one for an ordinary user."""
COMMAND_VARIABLE = "GRADLE"
"""Of the image: the program with the options that the build and the tests share."""
_LIST = f"{HOME}/added.txt"
"""Lines of a module's folder, configuration, coordinates."""
_TASK = "downloadAdded"

_SCRIPT = f"""def added = new File('{_LIST}').readLines().collect {{ it.split('\\t') }}
allprojects {{
  afterEvaluate {{ each ->
    def mine = added.findAll {{ new File('{SOURCE_ROOT}', it[0]).canonicalFile == each.projectDir.canonicalFile }}
    mine.findAll {{ it[1].startsWith('test') && each.configurations.findByName(it[1]) }}.each {{
      each.dependencies.add(it[1], it[2])
    }}
    if (mine) each.tasks.create('{_TASK}').doLast {{
      ['annotationProcessor', 'compileClasspath', 'runtimeClasspath', 'testRuntimeClasspath'].each {{ name ->
        def files = each.configurations.findByName(name)?.copyRecursive()
        mine.each {{ files?.dependencies?.add(each.dependencies.create(it[2])) }}
        files?.resolvedConfiguration?.lenientConfiguration?.artifacts?.each {{ it.file }}
      }}
    }}
  }}
}}
"""
"""The task downloads what the fix's classpaths will have, as far as it is to be had."""


def added_dependencies_steps(project: GradleProject) -> list[str]:
    """Return steps of a Dockerfile that write list and script, and download; none where nothing is added.

    Where the tests do not compile with those for tests, these are left out.
    """
    added = [(module, each) for module in project.modules for each in project.added_dependencies(module)]
    if not added:
        return []
    lines = "\n".join(f"{module}\t{each.configuration}\t{each.coordinates}" for module, each in added)
    modules = sorted({module for module, _ in added})
    download = " && ".join(
        f"${COMMAND_VARIABLE} -p {shlex.quote(each)} testClasses {_TASK}" for each in modules
    )
    return [
        f"RUN cat > {_LIST} <<'EOF'\n{lines}\nEOF",
        f"RUN cat > {HOME}/init.d/added.gradle <<'EOF'\n{_SCRIPT}EOF",
        f"RUN if ! {{ {download}; }}; then \\\n"
        f" sed -i '/\\ttest/d' {_LIST} && {{ {download}; }} || echo \"not all that the fix asks for is there\"; fi",
    ]
