"""Constraints that a log reveals: what the next draft must have."""

import re
from collections.abc import Iterable

from swefoundry.drafts.recipes.java.java_constraints import NO_JAVA_CONSTRAINTS, JavaConstraints
from swefoundry.drafts.recipes.java.java_releases import JavaCandidate
from swefoundry.drafts.recipes.java.pom import ARG_LINE, EMPTY_ARG_LINE

FIRST_CLASS_FILE = 44
"""Class files of Java N have the major version N + 44."""

_LEVEL = re.compile(
    r"(?:invalid (?:source|target) release: |release version |(?:Source|Target) option )(?:1\.)?(\d+)"
    r"(?: not supported| is no longer supported|$|\b)"
)
_NEWER_CLASSES = re.compile(
    r"class file version (\d+)(?:\.0)?\), this version|wrong version (\d+)(?:\.0)?, should be"
)
_OLDER_READER = re.compile(r"Unsupported class file major version (\d+)")
_CLOSED_PACKAGE = re.compile(r"module ([\w.]+) does not \"opens ([\w.]+)\"")
_CLOSED_EXPORT = re.compile(r"module ([\w.]+) does not export ([\w.]+)")
_TOO_NEW: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"com\.sun:tools:jar|tools\.jar|com/sun/tools/javac/(?:code|main)"), 9),
    (
        re.compile(
            r"package javax\.(?:xml\.(?:bind|ws)|annotation|activation|jws)\b[\w.]* (?:does not exist|is not visible)"
            r"|(?:NoClassDefFoundError|ClassNotFoundException): javax[./](?:xml[./](?:bind|ws)|activation)"
        ),
        11,
    ),
    (re.compile(r"security manager is (?:not supported|deprecated)|setSecurityManager is no longer"), 17),
    (re.compile(r"java\.lang\.NoSuchFieldError: .*JCImport does not have member field"), 21),
)
"""What old sources, plugins and libraries do, and the first releases that refuse it."""

_FAILED_PLUGIN = re.compile(r"Failed to execute goal ([\w.-]+):([\w.-]+):[\w.-]+:([\w-]+)")
_UNRESOLVED_PLUGIN = re.compile(
    r"Plugin ([\w.-]+:([\w.-]+):[\w.-]+) or one of its dependencies could not be resolved"
)
_CORE_PLUGINS = frozenset(
    f"maven-{name}-plugin" for name in ("compiler", "surefire", "resources", "clean", "jar", "dependency")
)
_SKIP_PROPERTIES = {
    "apache-rat-plugin": "rat.skip",
    "buildnumber-maven-plugin": "maven.buildNumber.skip",
    "flatten-maven-plugin": "flatten.skip",
    "frontend-maven-plugin": "skip.npm",
    "git-commit-id-maven-plugin": "maven.gitcommitid.skip",
    "maven-antrun-plugin": "maven.antrun.skip",
    "maven-bundle-plugin": "baseline.skip",
    "maven-invoker-plugin": "invoker.skip",
    "maven-plugin-plugin": "maven.plugin.skip",
    "maven-site-plugin": "maven.site.skip",
    "maven-toolchains-plugin": "toolchain.skip",
    "exec-maven-plugin": "exec.skip",
    "sortpom-maven-plugin": "sort.skip",
}
_WITHOUT_SKIP = frozenset([("maven-bundle-plugin", "manifest"), ("maven-bundle-plugin", "bundle")])
"""Plugins and goals that no property skips."""
_KINDS = r":(pom|jar|test-jar|war|zip|tar\.gz|maven-plugin|bundle)(?::([\w.-]+?))?:(\d[\w.+-]*)"
_OFFLINE = re.compile(
    r"(?:Cannot access \S+ \(\S+\) in offline mode and the artifact|Could not find artifact|The following artifacts "
    r"could not be resolved:|^\[ERROR\] \d+\)) ([\w.-]+):([\w.-]+)" + _KINDS,
    re.MULTILINE,
)
_ABSENT = re.compile(r"([\w.-]+):([\w.-]+)" + _KINDS + r" \(absent\)")
"""Maven 3.9 lists all that it did not find in one line."""
_OFFLINE_MODE = re.compile(
    r"offline mode|\(absent\): Cannot access|PluginResolutionException|Missing:$", re.MULTILINE
)
"""An excerpt may end before the words that a long line ends with."""
_MEMORY = re.compile(r"java\.lang\.OutOfMemoryError|Java heap space|GC overhead limit exceeded")
_DISPLAY = re.compile(r"HeadlessException|No X11 DISPLAY|Can't connect to X11")
_UNCOPIED = re.compile(r":testResources .*target/test-classes/")
_WARNINGS = re.compile(r"warnings found and -Werror specified")
_MISSING_PROGRAM = re.compile(r"Cannot run program \"([\w+./-]+)\".*(?:error=2|No such file)")
_COMPILER = ("gcc", "libc6-dev")
_PACKAGES = {name: (name,) for name in ("git", "python3", "node")} | {
    "python": ("python3",),
    "make": ("make", *_COMPILER),
    "gcc": _COMPILER,
}
_LIBRARIES = {"libfreetype.so.6": "libfreetype6", "libfontconfig.so.1": "fontconfig"}
_MISSING_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")

_LOST_JVM = re.compile(r"forked VM terminated without (?:properly saying|saying properly) goodbye")
_PROCESS_LIST = "procps"
"""Surefire 2.20 ends the tests' JVM after half a minute where `ps` is missing.
https://issues.apache.org/jira/browse/SUREFIRE-1422
"""

HEAP = "-XX:MaxRAMPercentage=70"
"""A JVM takes a quarter of the memory limit otherwise."""
HEADLESS = "-Djava.awt.headless=true"


def log_constraints(log: str, candidate: JavaCandidate, known: JavaConstraints) -> JavaConstraints:
    """Return the constraints that a log of a build or of tests reveals."""
    learned = _releases(log, candidate, known)
    loaded = _CORE_PLUGINS | {artifact for _, artifact in _UNRESOLVED_PLUGIN.findall(log)}
    apt = _debian_packages(log)
    failed = [(name, goal) for _, name, goal in _FAILED_PLUGIN.findall(log) if name not in loaded]
    # A plugin whose program is missing first gets it, and may be needed: what it compiles, tests may load.
    failed = failed if apt <= known.apt else []
    skipped = frozenset(
        f"-D{_skip_property(name)}" for name, goal in failed if (name, goal) not in _WITHOUT_SKIP
    )
    artifacts = _missing_artifacts(log)
    options = {EMPTY_ARG_LINE} if ARG_LINE.search(log) else set()
    options |= {"-Dmaven.compiler.failOnWarning=false"} if _WARNINGS.search(log) else set()
    return learned.merged(
        JavaConstraints(
            options=frozenset(skipped | options),
            goals_alone=_phases_are_hopeless(failed, artifacts, known),
            fresh_test_classes=_UNCOPIED.search(log) is not None,
            jvm_options=_jvm_options(log),
            artifacts=artifacts,
            apt=apt,
        )
    )


def _releases(log: str, candidate: JavaCandidate, known: JavaConstraints) -> JavaConstraints:
    learned = NO_JAVA_CONSTRAINTS
    for level in {int(number) for number in _LEVEL.findall(log)}:
        if level > candidate.version[0]:
            learned = learned.merged(JavaConstraints(at_least=(level, 0)))
        elif known.raised_level:  # the POM has the level in no property
            learned = learned.merged(JavaConstraints(below=candidate.version))
        else:
            learned = learned.merged(JavaConstraints(raised_level=True))
    for numbers in _NEWER_CLASSES.findall(log):
        needed = max(int(number) for number in numbers if number) - FIRST_CLASS_FILE
        learned = learned.merged(JavaConstraints(at_least=(needed, 0)))
    too_new = [int(number) - FIRST_CLASS_FILE for number in _OLDER_READER.findall(log)]
    too_new += [release for pattern, release in _TOO_NEW if pattern.search(log)]
    return learned.merged(JavaConstraints(below=(min(too_new), 0))) if too_new else learned


def _phases_are_hopeless(
    failed: Iterable[tuple[str, str]], artifacts: Iterable[str], known: JavaConstraints
) -> bool:
    """Whether phases cannot work: a plugin fails that nothing skips, or one after another is missing."""
    unskipped = any(
        each in _WITHOUT_SKIP or f"-D{_skip_property(each[0])}" in known.options for each in failed
    )
    return unskipped or (
        any(map(_is_optional_plugin, artifacts)) and any(map(_is_optional_plugin, known.artifacts))
    )


def _is_optional_plugin(artifact: str) -> bool:
    name = artifact.split(":")[1]
    return name.endswith("-plugin") and name not in _CORE_PLUGINS


def _skip_property(artifact: str) -> str:
    name = re.sub(r"^maven-|-maven-plugin$|-plugin$", "", artifact)
    return _SKIP_PROPERTIES.get(artifact, f"{name}.skip")


def _jvm_options(log: str) -> frozenset[str]:
    opened = {
        f"--add-opens={module}/{package}=ALL-UNNAMED" for module, package in _CLOSED_PACKAGE.findall(log)
    }
    opened |= {
        f"--add-exports={module}/{package}=ALL-UNNAMED" for module, package in _CLOSED_EXPORT.findall(log)
    }
    memory = {HEAP} if _MEMORY.search(log) else set()
    display = {HEADLESS} if _DISPLAY.search(log) else set()
    return frozenset(opened | memory | display)


def _missing_artifacts(log: str) -> frozenset[str]:
    """Artifacts that the tests, which have no repository, ask for; in the build nothing helps against a missing one."""
    if not _OFFLINE_MODE.search(log):
        return frozenset()
    found = {
        ":".join(filter(None, (group, artifact, version, kind, classifier)))
        for group, artifact, kind, classifier, version in [*_OFFLINE.findall(log), *_ABSENT.findall(log)]
    }
    return frozenset(found | {f"{plugin}:jar" for plugin, _ in _UNRESOLVED_PLUGIN.findall(log)})


def _debian_packages(log: str) -> frozenset[str]:
    programs = {package for name in _MISSING_PROGRAM.findall(log) for package in _PACKAGES.get(name, ())}
    libraries = {_LIBRARIES[name] for name in _MISSING_LIBRARY.findall(log) if name in _LIBRARIES}
    lost = {_PROCESS_LIST} if _LOST_JVM.search(log) else set()
    return frozenset(programs | libraries | lost)


_PERMISSIONS = re.compile(
    r"AccessDeniedException|Permission denied|as root\b|operation not permitted|setReadable|setWritable|canWrite",
    re.IGNORECASE,
)


def asks_for_permissions(log: str) -> bool:
    """Whether a failed test expected to be denied something, which root never is."""
    return _PERMISSIONS.search(log) is not None
