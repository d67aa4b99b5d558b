"""Derive constraints from the log excerpt of the tests after the fix. Each rule handles one kind of message."""

import re
import sys
from collections.abc import Callable, Iterator

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python import distributions as names
from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.interpreters import PythonVersion

LogRule = Callable[[str, "ProjectModules"], Iterator[Constraints]]

_REMOVED_IN: tuple[tuple[PythonVersion, str], ...] = (
    ((3, 7), "generator raised StopIteration"),
    ((3, 8), "an integer is required \\(got type bytes\\)"),
    (
        (3, 9),
        "fractions' has no attribute 'gcd|isAlive|getchildren|encodestring|decodestring|attribute 'tostring'",
    ),
    (
        (3, 10),
        "from 'collections'|module 'collections' has no attribute|'loop'$|named '(?:formatter|parser|symbol)'",
    ),
    (
        (3, 11),
        "getargspec|'asyncio' has no attribute 'coroutine'|formatargspec|named 'binhex'|code\\(\\) argument 13",
    ),
    (
        (3, 12),
        "ImpImporter|assertEquals'|assert_'|assertItemsEqual|SafeConfigParser|readfp|assertRegexpMatches",
    ),
    (
        (3, 12),
        "named '(?:imp|asyncore|asynchat|smtpd|distutils)[.']|has no attribute 'format'$|attribute 'find_module'",
    ),
    (
        (3, 12),
        "assertRaisesRegexp|assertNotEquals|assertDictContainsSubset|failUnless|no attribute 'wrap_socket",
    ),
    (
        (3, 13),
        "named '(?:cgi|cgitb|telnetlib|crypt|pipes|nntplib|imghdr|sndhdr|audioop|aifc|chunk|lib2to3|xdrlib)'",
    ),
    ((3, 7), "'GenericMeta' from 'typing'"),
    (
        (3, 8),
        "module 'time' has no attribute 'clock'|module 'cgi' has no attribute 'escape'|'escape' from 'cgi'"
        "|no attribute 'linux_distribution'|required field .type_ignores. missing",
    ),
    (
        (3, 9),
        "HTMLParser' object has no attribute 'unescape'|array' object has no attribute '(?:from|to)string'",
    ),
    ((3, 10), "required field .(?:end_)?lineno. missing from"),
    (
        (3, 11),
        "code expected at least \\d+ arguments|invalid mode: 'r?b?U|'coroutine' from 'asyncio'"
        "|global flags not at the start|shuffle\\(\\) takes 2 positional",
    ),
    ((3, 12), "keyword-only argument: 'recursive_guard'|'match_hostname'|'_TextTestResult'"),
    ((3, 13), "module 'unittest' has no attribute '(?:makeSuite|findTestCases)'"),
    (
        (3, 14),
        "module 'ast' has no attribute '(?:Str|Num|Bytes|NameConstant)'|There is no current event loop",
    ),
)
"""Interpreter -> patterns of messages that show that the source needs an older one."""

_ADDED_IN: tuple[tuple[PythonVersion, str], ...] = (
    ((3, 9), "(?:'type'|ABCMeta') object is not subscriptable|named '(?:zoneinfo|graphlib)'"),
    ((3, 10), "unsupported operand type\\(s\\) for \\|: '.*type|'pairwise' from 'itertools'"),
    ((3, 10), "unexpected keyword argument '(?:slots|kw_only)'"),
    ((3, 10), "'(?:ParamSpec|TypeAlias|Concatenate|TypeGuard)' from 'typing'"),
    (
        (3, 11),
        "'(?:Self|Never|LiteralString|assert_never|Unpack|Required|NotRequired|assert_type)' from 'typing'",
    ),
    ((3, 11), "named 'tomllib'|'datetime' has no attribute 'UTC'|'UTC' from 'datetime'"),
    ((3, 11), "name '(?:Base)?ExceptionGroup' is not|'StrEnum' from 'enum'"),
    ((3, 12), "'(?:override|TypeAliasType)' from 'typing'|'batched' from 'itertools'|no attribute 'batched'"),
    ((3, 13), "'(?:ReadOnly|TypeIs|NoDefault)' from 'typing'|'deprecated' from 'warnings'"),
)
"""Interpreter -> patterns of messages that show that the source needs at least this one."""

_REMOVED_FROM_PYTEST: tuple[tuple[int, str], ...] = (
    (
        4,
        "yield tests were removed|has no attribute 'addcall'|called directly|unknown hook 'pytest_namespace'",
    ),
    (4, "MarkInfo|'get_marker'"),
    (5, "'pytest' has no attribute 'config'|(?:unexpected keyword argument|arguments:) '?message"),
    (5, "AssertionRewritingHook.is_package"),
    (8, "Support for nose tests|\\(path: py.path.local\\)|'pytest' has no attribute 'collect'|fspath"),
    (9, "Marks applied to fixtures|\\(startdir|PytestRemovedIn9"),
)
"""pytest -> patterns of messages by which it rejects what older releases accepted."""


class ProjectModules:
    """The modules of the source and where they are, for the rules."""

    def __init__(
        self, folders_of: dict[str, str], distribution: str | None, example_folders: frozenset[str]
    ) -> None:
        self.folders_of = folders_of
        """Top-level module -> folder that makes it importable."""
        self.distribution = distribution
        """The project's own distribution name, canonical."""
        self.example_folders = example_folders
        """Folders below the root that contain a folder of tests: examples and the like, with their own packages."""


def test_log_constraints(log: str, modules: ProjectModules) -> Constraints:
    """Return all constraints of the log, merged."""
    learned = Constraints()
    for rule in RULES:
        for found_constraints in rule(log, modules):
            learned = learned.merged(found_constraints)
    return learned


def missing_modules_are_installed(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`No module named 'yaml'` -> pyyaml; a module of the source goes on PYTHONPATH instead."""
    for module in re.findall(r"No module named '?([\w.]+)", log):
        top = module.split(".")[0]
        if top in modules.folders_of:
            # the fix may move the package: add the old and the usual new places
            yield Constraints(
                python_path=frozenset({modules.folders_of[top], "", "src"}), installer_resolves=True
            )
        elif names.distribution_of(top) and not _left_standard_library(top):
            nearby = frozenset() if top in names.INSTALLED_ON_IMPORT else modules.example_folders
            yield Constraints(add=frozenset({names.distribution_of(top)}), python_path=nearby)


def _left_standard_library(module: str) -> bool:
    return (
        any(re.search(pattern, f"named '{module}'") for _, pattern in (*_REMOVED_IN, *_ADDED_IN))
        or module in _PYTHON_2
    )


_PYTHON_2 = frozenset(
    [
        "StringIO",
        "cStringIO",
        "urllib2",
        "urlparse",
        "ConfigParser",
        "cPickle",
        "httplib",
        "Queue",
        "__builtin__",
        "HTMLParser",
    ]
)


def missing_metadata_is_installed(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`No package metadata was found for x`, or pkg_resources' DistributionNotFound, -> install x."""
    for name in re.findall(r"(?:metadata was found for |DistributionNotFound: The ')([\w.-]+)", log):
        if canonicalize_name(name) != modules.distribution:
            yield Constraints(add=frozenset({canonicalize_name(name)}))


def missing_fixtures_bring_their_plugin(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`fixture 'mocker' not found` -> pytest-mock."""
    for fixture in re.findall(r"fixture '(\w+)' not found", log):
        if names.DISTRIBUTION_BY_FIXTURE.get(fixture):
            yield Constraints(add=frozenset({names.DISTRIBUTION_BY_FIXTURE[fixture]}))


def unknown_markers_bring_their_plugin(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`'timeout' not found in `markers`` -> pytest-timeout, and no --strict-markers."""
    for marker in re.findall(r"'(\w+)' not found in `markers`", log):
        yield Constraints(
            add=frozenset(filter(None, {names.DISTRIBUTION_BY_MARKER.get(marker, "")})), no_addopts=True
        )


def async_tests_get_a_runner(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`async def functions are not natively supported` -> pytest-asyncio."""
    if "async def functions are not natively supported" in log:
        yield Constraints(add=frozenset({"pytest-asyncio"}))


def options_of_missing_plugins_are_dropped(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`unrecognized arguments: --cov=x` -> drop addopts."""
    if re.search(
        r"unrecognized arguments?:|ambiguous option:|Missing required plugins",
        log,
    ):
        yield Constraints(no_addopts=True)


def refused_configuration_is_left_out(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """Sections and options that this pytest rejects -> an empty configuration."""
    if re.search(
        r"\[pytest\] section in setup.cfg|Unknown config option|must be a list",
        log,
    ):
        yield Constraints(no_config=True)
    for minimum in re.findall(r"requires pytest-([\d.]+), actual", log):
        yield Constraints(pytest_at_least=minimum)
    if "unknown warning category" in log or "while parsing the following warning configuration" in log:
        yield Constraints(no_warnings=True)


def older_pytest_for_older_tests(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """Use of a feature that pytest removed -> the last release that had it."""
    for version, pattern in _REMOVED_FROM_PYTEST:
        if re.search(pattern, log):
            yield Constraints(pytest_below=version)
    for version in re.findall(r"PytestRemovedIn(\d)Warning", log):
        yield Constraints(pytest_below=int(version))


def interpreters_lose_and_gain_names(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """Names removed from the standard library -> an older interpreter; names not yet in it -> a newer one."""
    for version, pattern in _REMOVED_IN:
        if re.search(pattern, log, re.M):
            yield Constraints(below=version)
    for version, pattern in _ADDED_IN:
        if re.search(pattern, log, re.M):
            yield Constraints(at_least=version)


def dependencies_lose_names(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`cannot import name 'x' from 'dep.y'` -> dep as of the change, or the last release known to have the name."""
    for words, requirement in names.LAST_RELEASE_BY_ERROR.items():
        if words in log:
            yield Constraints(add=frozenset({requirement}))
    pattern = r"cannot import name '\w+' from '([\w.]+)'|module '([\w.]+)' has no attribute"
    for first, second in re.findall(pattern, log):
        top = (first or second).split(".")[0]
        if top not in modules.folders_of and names.distribution_of(top) and not _in_standard_library(top):
            yield Constraints(as_of_change=frozenset({names.distribution_of(top).split("<")[0]}))


def _in_standard_library(module: str) -> bool:
    return module in sys.stdlib_module_names or module in _PYTHON_2


def warnings_are_no_errors(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """`E DeprecationWarning: …` fails tests only where the configuration turns warnings into errors."""
    if re.search(r"^E\s+(?:[\w.]*\.)?\w*Warning: |(?:FAILED|ERROR) .* - (?:[\w.]*\.)?\w*Warning", log, re.M):
        yield Constraints(no_warnings=True)


def same_names_need_importlib(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """Two test files with the same base name in folders that are not packages -> --import-mode=importlib."""
    if "import file mismatch" in log:
        yield Constraints(importlib=True)


def plugins_that_want_the_cache_get_it(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """pytest-xprocess and others fail without the cache plugin -> enable it."""
    if "'Config' object has no attribute 'cache'" in log:
        yield Constraints(cache=True)


def django_gets_its_settings(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """Settings are not configured -> pytest-django: reusable applications set them in a test script of their own."""
    if "settings are not configured" in log:
        yield Constraints(add=frozenset({"pytest-django"}), django_settings=True)


def programs_come_from_debian(log: str, modules: ProjectModules) -> Iterator[Constraints]:
    """Missing programs, locales and the time zone database -> Debian packages, tzdata."""
    if "unsupported locale setting" in log:
        yield Constraints(apt=frozenset({"locales-all"}))
    if re.search(r"No such file or directory: '(?:/usr/bin/)?git'|git: (?:command )?not found", log):
        yield Constraints(apt=frozenset({"git"}))
    if "No time zone found with key" in log or "ZoneInfoNotFoundError" in log:
        yield Constraints(add=frozenset({"tzdata"}))


RULES: tuple[LogRule, ...] = (
    missing_modules_are_installed,
    missing_metadata_is_installed,
    missing_fixtures_bring_their_plugin,
    unknown_markers_bring_their_plugin,
    async_tests_get_a_runner,
    options_of_missing_plugins_are_dropped,
    refused_configuration_is_left_out,
    older_pytest_for_older_tests,
    interpreters_lose_and_gain_names,
    dependencies_lose_names,
    warnings_are_no_errors,
    same_names_need_importlib,
    plugins_that_want_the_cache_get_it,
    django_gets_its_settings,
    programs_come_from_debian,
)
