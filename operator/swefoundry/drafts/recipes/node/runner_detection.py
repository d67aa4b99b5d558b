"""Find out which program runs a package's tests, with which of its options: from its scripts, else from its needs."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from swefoundry.drafts.recipes.node.file_patterns import file_patterns
from swefoundry.drafts.recipes.node.loaders import program_loader
from swefoundry.drafts.recipes.node.package_manifest import PackageManifest
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

RUNNERS = (
    "vitest",
    "jest",
    "mocha",
    "ava",
    "tap",
    "tape",
    "jasmine",
    "qunit",
    "uvu",
    "vows",
    "nodeunit",
    "lab",
)
"""Packages, in the order in which a manifest without a telling script is read."""
NODE_TEST, SCRIPT, PROGRAM = "node:test", "script", "program"
"""Node's own runner, files that say by their exit code alone whether they pass, and a runner that no rule knows."""
_REPORTS_SINCE = (18, 0)
"""Release of Node whose own runner writes the report that is asked for."""
_NO_RUNNERS = frozenset(
    [
        "airtap",
        "babel",
        "browserify",
        "bundlesize",
        "codecov",
        "coveralls",
        "cpy",
        "esbuild",
        "eslint",
        "flow",
        "grunt",
        "gulp",
        "istanbul",
        "jscs",
        "jshint",
        "make",
        "mkdirp",
        "nodemon",
        "onchange",
        "prettier",
        "rimraf",
        "rollup",
        "semistandard",
        "standard",
        "tsc",
        "tsd",
        "tslint",
        "watch",
        "webpack",
        "xo",
        "zuul",
    ]
)
"""Programs that are called with test files and do not run them."""
_TEST_FILES = re.compile(r"(?:test|spec).*(?:\.[cm]?[jt]sx?|\*)$")

_BROWSERS = frozenset(
    [
        "karma",
        "cypress",
        "playwright",
        "wdio",
        "testem",
        "wtr",
        "web-test-runner",
        "wct",
        "polymer",
        "nightwatch",
        "protractor",
        "testcafe",
        "codeceptjs",
        "puppeteer",
        "ng",
        "electron",
        "electron-mocha",
    ]
)
"""Programs whose tests need a browser."""
_BROWSER_PRESETS = ("jest-puppeteer", "jest-playwright-preset", "jest-playwright")
"""Presets of jest whose tests steer a browser."""

_ALIASES = {"jest-cli": "jest", "_mocha": "mocha", "borp": NODE_TEST}
_SCRIPTS = (
    "test",
    "tests-only",
    "test:unit",
    "unit",
    "test-unit",
    "test:node",
    "test-node",
    "unit-test",
    "tests",
)
_WRAPPERS = {
    "npx",
    "nyc",
    "c8",
    "cross-env",
    "cross-env-shell",
    "env",
    "exec",
    "time",
    "dotenv",
    "--",
    "yarn",
    "pnpm",
}
_CALLS = re.compile(
    r"^(?:npm|pnpm|yarn) (?:run(?:-script)? )?(?:--?[\w-]+ )*([\w:.-]+)|^(?:npm-run-all|run-[sp]) (.+)"
)
_SEGMENT = re.compile(r"\s*(?:&&|\|\|?|;)\s*")
_OPTION_OR_NUMBER = re.compile(r"-(?!-test$)|\d+$")
"""Of a wrapper, as in `nyc --lines 100`."""
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_DEPTH = 4
"""Scripts that call scripts that call scripts."""

_KEPT_WITH_VALUE = frozenset(
    [
        *(
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
            "--compilers",
        ),
        *("-u", "--ui", "--opts", "--config", "-c", "--project", "--extension", "--file", "--helper"),
        *("--env", "--environment", "-t", "--timeout", "--node-option"),
    ]
)
"""Options whose value changes how tests run; others choose tests, measure coverage or print."""
_KEPT_ALONE = re.compile(
    r"^--(?:experimental-[\w-]+|exit|harmony\S*|expose[-_]gc|no-deprecation|esm|globals|preserve-\S+)$"
)


_BROWSER_OPTION = re.compile(r"--browser(?:\.(?!enabled=false)[\w.]+)?(?:=|$)")
"""vitest's tests run in a browser then."""


@dataclass(frozen=True)
class RunnerCommand:
    """A program that runs tests."""

    name: str
    options: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    """Assignments in front of the command, such as TZ=UTC."""
    in_browsers: bool = False
    from_root: bool = False
    """Started in the root of the source: only the scripts there call it."""
    patterns: tuple[str, ...] = ()
    """Of the files that the script names, such as `test/*.js`."""


def find_runner(manifest: PackageManifest, root: PackageManifest) -> RunnerCommand | None:
    """Return the first runner that the test scripts call, else the first that a manifest needs, else Node's own.

    None where the scripts start browsers alone. The manifest in the root of a monorepo may name the runner for all.
    """
    called = _called_runner(manifest)
    if called is not None:
        return None if _browser_preset(called, manifest, root) else called
    own = _needed_runner(manifest.development | manifest.runtime)
    if own is not None:
        return RunnerCommand(own)
    of_root = _called_runner(root)
    if of_root is not None:
        return None if _browser_preset(of_root, manifest, root) else replace(of_root, from_root=True)
    needed = _needed_runner(root.development)
    if needed is not None:
        return RunnerCommand(needed)
    if _browser_programs(manifest, root):
        return None
    return _unknown_runner(manifest) or RunnerCommand(NODE_TEST)


def runner_on(version: LanguageVersion, runner: RunnerCommand) -> RunnerCommand:
    """Return the runner on a release of Node: files are run one by one where Node's own cannot report."""
    is_too_old = runner.name == NODE_TEST and version < _REPORTS_SINCE
    return replace(runner, name=SCRIPT) if is_too_old else runner


def browser_runner(manifest: PackageManifest, root: PackageManifest) -> str:
    """Return the program because of which no runner was found."""
    called = _called_runner(manifest) or _called_runner(root)
    preset = _browser_preset(called, manifest, root) if called is not None else None
    return preset or next(iter(_browser_programs(manifest, root)), "")


def _called_runner(manifest: PackageManifest) -> RunnerCommand | None:
    """Return the first that is called, with the files that all its calls name; none where a call names none."""
    commands = [words for name in _SCRIPTS for words in script_commands(manifest.scripts, name)]
    runners = [each for words in commands if (each := _runner_of(words, manifest)) is not None]
    if not runners:
        return None
    patterns = [each.patterns for each in runners if each.name == runners[0].name]
    every = tuple(dict.fromkeys(one for each in patterns for one in each))
    return replace(runners[0], patterns=every if all(patterns) else ())


def _unknown_runner(manifest: PackageManifest) -> RunnerCommand | None:
    """Return the first of the package's own programs that the scripts call with test files."""
    names = {each.rpartition("/")[2] for each in manifest.development | manifest.runtime}
    names -= _NO_RUNNERS | _BROWSERS
    for words in (words for name in _SCRIPTS for words in script_commands(manifest.scripts, name)):
        called = _without_wrappers(words)
        called = called[1:] if called[:1] == ["node"] else called
        if called and _program(called) in names and any(map(_TEST_FILES.search, called[1:])):
            return RunnerCommand(PROGRAM, (_program(called), *kept_options(called[1:])), _assignments(words))
    return None


def _needed_runner(packages: Mapping[str, str]) -> str | None:
    return next((name for name in RUNNERS if name in packages), None)


def _browser_programs(*manifests: PackageManifest) -> list[str]:
    commands = [
        words
        for manifest in manifests
        for name in _SCRIPTS
        for words in script_commands(manifest.scripts, name)
    ]
    return [_program([word]) for words in commands for word in words[:3] if _program([word]) in _BROWSERS]


def _browser_preset(called: RunnerCommand, *manifests: PackageManifest) -> str | None:
    """Return what makes a runner steer browsers."""
    if called.name == "vitest" and called.in_browsers:
        return "vitest --browser"
    packages = {name for manifest in manifests for name in manifest.development}
    return next((name for name in _BROWSER_PRESETS if called.name == "jest" and name in packages), None)


def script_commands(scripts: dict[str, str], name: str) -> Iterator[list[str]]:
    """Yield the words of each command of a script."""
    yield from _commands(scripts, scripts.get(name, ""), _DEPTH)


def _commands(scripts: dict[str, str], text: str, depth: int) -> Iterator[list[str]]:
    """Yield the commands of a script, those of scripts that it calls in place of the call."""
    for segment in _SEGMENT.split(text):
        call = _CALLS.match(segment)
        called = (call[1] or call[2]).split() if call else []
        known = [name for name in called if scripts.get(name)] if depth else []
        for name in known:
            yield from _commands(scripts, scripts[name], depth - 1)
        if not known:
            yield _words(segment)


def _words(segment: str) -> list[str]:
    try:
        return shlex.split(segment)
    except ValueError:
        return segment.split()


def _runner_of(words: list[str], manifest: PackageManifest) -> RunnerCommand | None:
    environment = _assignments(words)
    rest = _without_wrappers(words)
    if not rest:
        return None
    name, options = _program(rest), kept_options(rest[1:])
    packages = manifest.development | manifest.runtime
    loader = program_loader(name, packages)
    if name == "node" or loader is not None:
        by_node = _run_by_node(rest[1:], packages, environment)
        return replace(by_node, options=(loader, *by_node.options)) if by_node and loader else by_node
    if name == "ts-mocha":
        return RunnerCommand("mocha", ("--require=ts-mocha/src/index.js", *options), environment)
    if name not in (*RUNNERS, NODE_TEST, SCRIPT):
        return None
    in_browsers = any(map(_BROWSER_OPTION.match, rest))
    kept = () if name == "lab" else options
    return RunnerCommand(name, kept, environment, in_browsers, patterns=file_patterns(rest[1:]))


def _assignments(words: list[str]) -> tuple[str, ...]:
    return tuple(word for word in words if _ASSIGNMENT.match(word))


def _without_wrappers(words: list[str]) -> list[str]:
    """Return a command without the assignments and programs in front of it."""
    rest = [word for word in words if not _ASSIGNMENT.match(word)]
    while rest and (rest[0] in _WRAPPERS or _OPTION_OR_NUMBER.match(rest[0])):
        rest = rest[1:]
    return rest


def _program(words: list[str]) -> str:
    base = words[0].rpartition("/")[2]
    base = re.sub(r"\.[cm]?js$", "", base)
    return _ALIASES.get(base, base)


def _run_by_node(
    words: list[str], packages: Mapping[str, str], environment: tuple[str, ...]
) -> RunnerCommand | None:
    """`node --test`, `node node_modules/.bin/mocha`, or a file that is a test itself."""
    if "--test" in words:
        return RunnerCommand(NODE_TEST, kept_options(words), environment, patterns=file_patterns(words))
    files = [word for word in words if not word.startswith("-")]
    if not files:
        return None
    program = _program([files[-1]]) if "node_modules" not in files[0] else _program(files)
    if program in RUNNERS:
        return RunnerCommand(program, kept_options(words), environment)
    if "node_modules" in files[0]:
        return None
    prints_tap = next((name for name in ("tape", "tap") if name in packages), None)
    looks_like_test = re.search(r"test|spec", files[0]) is not None
    return RunnerCommand(prints_tap or SCRIPT, (), environment) if looks_like_test else None


def kept_options(words: list[str]) -> tuple[str, ...]:
    """Return the options of a command that are needed for its tests to run."""
    kept: list[str] = []
    for at, word in enumerate(words):
        option = word.partition("=")[0]
        if _KEPT_ALONE.match(word) or ("=" in word and option in _KEPT_WITH_VALUE):
            kept.append(word)
        elif word in _KEPT_WITH_VALUE and at + 1 < len(words):
            kept += [word, words[at + 1]]
    return tuple(kept)
