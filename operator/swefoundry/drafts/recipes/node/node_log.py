"""Constraints that a log reveals: what the next draft must have."""

import re
from collections.abc import Callable

from swefoundry.drafts.recipes.node.built_sources import build_commands
from swefoundry.drafts.recipes.node.loaders import loader_option
from swefoundry.drafts.recipes.node.node_constraints import NO_NODE_CONSTRAINTS, NodeConstraints
from swefoundry.drafts.recipes.node.node_project import NodeProject
from swefoundry.drafts.recipes.node.node_test_command import named_files_pattern
from swefoundry.drafts.recipes.node.runner_detection import RUNNERS, RunnerCommand
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

_MISSING = re.compile(
    r"(?:Cannot find (?:module|package)|Failed to resolve import) ['\"]([^'\"./\s][^'\"\s]*)['\"]"
)
_MISSING_OUTPUT = re.compile(r"Cannot find module '[^'\n]*/(?:dist|lib|build|out|es|cjs|umd)(?:/[^'\n]*)?'")
_NO_ENTRY = re.compile(r"Failed to resolve entry for package")
_MISSING_PROGRAM = re.compile(
    r"sh: \d+: ([\w.-]+): not found|([\w.-]+): command not found|spawn ([\w-]+) ENOENT"
)
_NEWER = re.compile(
    r"ERR_REQUIRE_ESM|ERR_UNKNOWN_BUILTIN_MODULE|Cannot find module 'node:|Unexpected token '(?:\?|\.|\?\?=|\|\|=|\{)'"
    r"|bad option: --(?:test|import)|(?:structuredClone|fetch|AbortController) is not defined"
)
_REQUIRED = re.compile(r"Required: \{\"node\":\"[^\"\d]*(\d+)")
_OLDER = {
    "primordials is not defined": (12, 0),
    "ERR_OSSL_EVP_UNSUPPORTED": (17, 0),
    "error:0308010C": (17, 0),
    "process.binding is not": (20, 0),
    'The "code" argument must be of type number': (20, 0),
}
"""Lines of old tools on a Node that is too new for them."""

_NOT_THERE = re.compile(
    r"404 +'((?:@[\w.~-]+/)?[\w.~-]+)@[^']*' is not in|No matching version found for ((?:@[\w.~-]+/)?[\w.~-]+)@"
)
_DATED = re.compile(r"with a date before|with an Enjoy By date of|ENOVERSIONS")
"""What npm says of a package without a release of that time; the second was npm 6's."""
_LOCK = re.compile(
    r"npm ci.? can only install|EUSAGE|EINTEGRITY|Integrity check failed|YN0018|doesn't match your lockfile"
    r"|Couldn't find any versions|ERR_PNPM_(?:LOCKFILE_BREAKING|TARBALL_INTEGRITY|NO_MATCHING_VERSION)"
)
"""A lock file that its package manager cannot install as it is."""
_GIT = re.compile(
    r"syscall spawn git|enoent spawn git|code ENOGIT|git ls-remote|unknown git error|EALLOWGIT|not found: git"
    r"|Couldn't find the binary git|fatal: unable to (?:access|look up)"
)
"""A package out of a git repository, which builds do not reach."""
_UNREACHED = re.compile(
    r"npm (?:error|ERR!) code (?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|E(?:SOCKET)?TIMEDOUT)"
)
"""A package out of an archive of another host than the registry, such as GitHub's."""
_OUT_OF_STEP = re.compile(
    r"lockfile needs to be updated|lockfile would have been (?:modified|created)|ERR_PNPM_OUTDATED_LOCKFILE"
    r"|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH"
)
"""What the package managers say of a lock file that the manifests have left behind."""
_FOLDER = r"node_modules/((?:@[\w.~-]+/)?(?!\.)[\w.~-]+)"
_SCRIPTED = re.compile(
    rf"(?:ENOENT[^\n']*|Cannot find module |The module )'[^'\n]*/{_FOLDER}/|spawn [^\n']*/{_FOLDER}/\S* ENOENT"
)
"""A file that a package's install script would have made."""
_NO_BINARY = r"Cannot find module '[^'\n]*(?:\.node|/build/Release/[^'\n]*)'"
_UNBUILT = re.compile(
    r"(?:bindings file\. Tried:|No native build was found[^\n]*|" + _NO_BINARY + r")"
    rf"(?:\s+(?:Require stack:\s+)?[^\n]*/| from '){_FOLDER}"
)
"""What the loaders of compiled parts say: the package stands on a line below."""
_BINDINGS = re.compile(r"bindings file|No native build was found|gyp ERR|not found: make|" + _NO_BINARY)
_COMPILER = frozenset({"g++", "make", "python3"})
_PACKAGES = {"git": {"git"}, "make": {"make"}, "python3": {"python3"}, "g++": {"g++"}}

_OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("jest", r"localStorage is not available for opaque origins", "--testURL=http://localhost/"),
    ("mocha", r"[Tt]imeout of \d+ ?ms exceeded", "--timeout=30000"),
    ("jest", r"[Ee]xceeded timeout of \d+ ?ms", "--testTimeout=30000"),
    ("vitest", r"Test timed out in \d+ms", "--testTimeout=30000"),
    ("ava", r"Timed out while running tests", "--timeout=2m"),
)
"""Runner, line of its log, and the option that the next draft has."""


def log_constraints(
    log: str, project: NodeProject, command: RunnerCommand, version: LanguageVersion
) -> NodeConstraints:
    """Return the constraints that a log of a build or of tests reveals, with the release of Node that ran."""
    runner = command.name
    rules: tuple[Callable[[], NodeConstraints], ...] = (
        lambda: _missing_packages(log, project),
        lambda: _missing_programs(log, project),
        lambda: _release_bounds(log, version),
        lambda: _registry_answers(log, project),
        lambda: _install_scripts(log, project),
        lambda: NodeConstraints(test_options=_options(log, runner) | _loaders(log, project, runner)),
        lambda: NodeConstraints(build=_misses_built_files(log, project)),
        lambda: NodeConstraints(transpile_only=_WRONG_TYPES.search(log) is not None),
        lambda: NodeConstraints(named_files=_fail_beside_named_files(log, project, command)),
    )
    learned = NO_NODE_CONSTRAINTS
    for rule in rules:
        learned = learned.merged(rule())
    return learned


def package_of(module: str) -> str:
    """Return the package of an imported module: `@octo/calc` of `@octo/calc/lib/add`."""
    return "/".join(module.split("/")[: 2 if module.startswith("@") else 1])


def _missing_packages(log: str, project: NodeProject) -> NodeConstraints:
    """Only packages that a manifest declares are asked for: anybody may register any other name."""
    found = {package_of(module) for module in _MISSING.findall(log)}
    return NodeConstraints(
        packages=frozenset(found & project.declared.keys()), links_itself=project.manifest.name in found
    )


def _misses_built_files(log: str, project: NodeProject) -> bool:
    """A member of the workspace that cannot be found although it is linked has not been built."""
    found = {package_of(module) for module in _MISSING.findall(log)}
    members = {project.workspace.members[folder].name for folder in project.members}
    missed = any(line.search(log) for line in (_MISSING_OUTPUT, _NO_ENTRY)) or bool(found & members)
    return missed and bool(build_commands(project))


def _missing_programs(log: str, project: NodeProject) -> NodeConstraints:
    names = {name for groups in _MISSING_PROGRAM.findall(log) for name in groups if name}
    debian = {package for name in names for package in _PACKAGES.get(name, ())}
    return NodeConstraints(packages=frozenset(names & {*RUNNERS, *project.declared}), apt=frozenset(debian))


def _release_bounds(log: str, version: LanguageVersion) -> NodeConstraints:
    required = [(int(major), 0) for major in _REQUIRED.findall(log)]
    newer = [(version[0] + 1, 0)] if _NEWER.search(log) else []
    older = [bound for line, bound in _OLDER.items() if line in log and version >= bound]
    return NodeConstraints(at_least=max([*required, *newer], default=None), below=min(older, default=None))


def _registry_answers(log: str, project: NodeProject) -> NodeConstraints:
    if _DATED.search(log):
        return NodeConstraints(undated=True)
    absent = {name for groups in _NOT_THERE.findall(log) for name in groups if name}
    locked = project.lock is not None
    return NodeConstraints(
        without=frozenset(absent),
        ignore_lock=locked and bool(_LOCK.search(log) or _GIT.search(log) or absent),
        unfrozen=locked and _OUT_OF_STEP.search(log) is not None,
        legacy_peers=locked and "ERESOLVE" in log,
        minimal=not locked and any(line.search(log) for line in (_GIT, _UNREACHED)),
    )


def _install_scripts(log: str, project: NodeProject) -> NodeConstraints:
    """What the source has itself stands among the packages as a link, and is built, not installed."""
    compiled = _BINDINGS.search(log) is not None
    scripted = {name for names in _SCRIPTED.findall(log) for name in names if name}
    named = {*scripted, *_UNBUILT.findall(log)} - {project.manifest.name, *project.workspace.folders}
    return NodeConstraints(scripts=frozenset(named), apt=_COMPILER if compiled else frozenset())


_FAILED_FILE = re.compile(r"^FAILED (\S+?)(?:::.*)?$", re.MULTILINE)
"""A file that could not be loaded has no test."""


def _fail_beside_named_files(log: str, project: NodeProject, command: RunnerCommand) -> bool:
    """Whether tests fail in files that the test script does not name, while it names others of the row."""
    pattern = named_files_pattern(project, command)
    if pattern is None:
        return False
    failed = set(_FAILED_FILE.findall(log))
    others = [path for path in project.test_files if not re.search(pattern, path)]
    return bool(failed & set(others)) and len(others) < len(project.test_files)


def _options(log: str, runner: str) -> frozenset[str]:
    return frozenset(option for name, line, option in _OPTIONS if name == runner and re.search(line, log))


_NOT_LOADED = re.compile(
    r"ERR_UNKNOWN_FILE_EXTENSION|Unknown file extension|Cannot use import statement outside a module"
    r"|Unexpected token '?(?:export|import|:)|Missing initializer in const declaration"
)

_LOADER_OF_TAP = "--import=@isaacs/ts-node-temp-fork-for-pr-2009/import"
"""What tap loads TypeScript with from release 18 on, by its plugin @tapjs/typescript."""


def _loaders(log: str, project: NodeProject, runner: str) -> frozenset[str]:
    """jest and vitest have transformers of their own; so has tap, for which nothing else is declared."""
    if runner in ("jest", "vitest", "ava") or not _NOT_LOADED.search(log):
        return frozenset()
    option = loader_option(project.declared) or (_LOADER_OF_TAP if runner == "tap" else None)
    return frozenset([option] if option is not None else [])


_WRONG_TYPES = re.compile(r"⨯ Unable to compile TypeScript|\.tsx?\S* - error .*TS\d+: ")
"""What ts-node and ts-jest say of sources whose types they check."""

_PERMISSIONS = re.compile(r"permission denied|EACCES|EPERM|as root\b|getuid", re.IGNORECASE)


def needs_ordinary_user(log: str) -> bool:
    """Whether a failed test expected to be denied something, which root never is."""
    return _PERMISSIONS.search(log) is not None
