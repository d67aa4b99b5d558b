"""Read pytest's configuration and write the test command."""

import posixpath
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.setup_cfg import parse_ini

REPORT_PATH = ".swefoundry-report.xml"
EMPTY_PYTEST_INI = "/opt/pytest.ini"
"""Created in the image when the source's own configuration cannot be used."""

_KEPT_OPTIONS = re.compile(
    r"^(--import-mode|--ds=|--dc=|--asyncio-mode|--doctest-glob|-W|--pythonwarnings|--nomigrations|--pyargs)"
)
_PLUGIN_BY_SETTING = {
    "asyncio_mode": "pytest-asyncio",
    "DJANGO_SETTINGS_MODULE": "pytest-django",
    "trio_mode": "pytest-trio",
}
"""Configuration keys that a plugin defines, with its distribution."""


_DJANGO_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"']?\s*[=:,]\s*[\"']?([A-Za-z_][\w.]*)")


@dataclass(frozen=True)
class PytestConfiguration:
    """pytest's configuration, whichever file has it."""

    values: Mapping[str, str]
    django_settings: str = "tests.settings"
    """The settings module that a manifest names, else the usual one."""
    refused_section: bool = False
    """`[pytest]` in setup.cfg: an error since pytest 4."""

    @property
    def plugins(self) -> tuple[str, ...]:
        """Requirements that the configuration implies."""
        required = [
            item for item in re.split(r"\s+(?=[A-Za-z])", self.values.get("required_plugins", "")) if item
        ]
        minimum = self.values.get("minversion", "")
        pytest = [f"pytest>={minimum}"] if re.fullmatch(r"\d[\d.]*", minimum) else []
        return (*(name for key, name in _PLUGIN_BY_SETTING.items() if key in self.values), *required, *pytest)

    @property
    def addopts(self) -> list[str]:
        """The options in `addopts`."""
        try:
            return shlex.split(self.values.get("addopts", ""), comments=True)
        except ValueError:
            return []


def configuration_folders(test_files: Sequence[str]) -> list[str]:
    """Return the folders in which pytest looks for its configuration: the common one of the tests, and all above."""
    common = posixpath.commonpath([posixpath.dirname(path) for path in test_files]) if test_files else ""
    parts = common.split("/") if common else []
    return ["/".join(parts[:length]) for length in range(len(parts), -1, -1)]


def read_configuration(texts: Mapping[str, str], folders: Sequence[str] = ("",)) -> PytestConfiguration:
    """Return the section that pytest would use, in pytest's order of folders and files."""
    found = _DJANGO_SETTINGS.search("\n".join(texts.values()))
    django = found[1] if found else "tests.settings"
    for folder in folders:
        for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
            text = texts.get(posixpath.join(folder, name))
            values = None if text is None else _section(name, text)
            if values is not None:
                return PytestConfiguration(values, django)
    files = (texts.get(posixpath.join(folder, "setup.cfg"), "") for folder in folders)
    parsers = [parse_ini(text) for text in files]
    refused = any(parser is not None and parser.has_section("pytest") for parser in parsers)
    return PytestConfiguration({}, django, refused_section=refused)


def _section(path: str, text: str) -> dict[str, str] | None:
    if path == "pyproject.toml":
        return _toml_section(text)
    parser = parse_ini(text)
    section = "tool:pytest" if path == "setup.cfg" else "pytest"
    if parser is None or not parser.has_section(section):
        return None
    return {key: value or "" for key, value in parser.items(section)} | _with_django_key(
        parser.items(section)
    )


def _with_django_key(items: list[tuple[str, str]]) -> dict[str, str]:
    """Restore the upper case of Django's key, because ConfigParser lower-cases keys."""
    return {key.upper(): value or "" for key, value in items if key == "django_settings_module"}


def _toml_section(text: str) -> dict[str, str] | None:
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        return None
    pytest = tool.get("pytest") if isinstance(tool, dict) else None
    if not isinstance(pytest, dict):
        return None
    options = pytest.get("ini_options", pytest)
    return {key: _flat_value(value) for key, value in options.items()} if isinstance(options, dict) else None


def _flat_value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


UNITTEST_COMMAND = (
    "python -m unittest -v {files} > /tmp/unittest.log 2>&1; code=$?; cat /tmp/unittest.log;"
    " if grep -q 'Failed to import test module' /tmp/unittest.log; then exit 2; fi; exit $code"
)
"""Exits with 2 when tests cannot be imported, which unittest itself counts as a failure (exit code 1)."""


_RECIPE_COMMAND = re.compile(r"(?:env DJANGO_SETTINGS_MODULE=\S+ )?python -m pytest -rfE --tb=short ")


def is_recipe_command(command: str) -> bool:
    """Whether the recipe wrote a test command, so that its options show constraints."""
    return command == UNITTEST_COMMAND or _RECIPE_COMMAND.match(command) is not None


FIRST_TO_CONTINUE = 3
"""Major release of pytest that first knew `--continue-on-collection-errors` and `-o`."""


def pytest_command(config: PytestConfiguration, constraints: Constraints) -> str:
    """Return `python -m pytest` over the test files of the test patch, with a JUnit report.

    `python -m` puts /testbed first on sys.path, so that `tests` is importable without an installation. A file that
    cannot be collected does not keep the others from running: each file is judged for itself. Reports of the family
    xunit1 name the file of each test, which a dotted class name does not tell where folders or files have dots.
    """
    cache = ["-o", "cache_dir=/tmp/pytest-cache"] if constraints.cache else ["-p", "no:cacheprovider"]
    words = ["python", "-m", "pytest", "-rfE", "--tb=short", *cache]
    if constraints.no_config or config.refused_section:
        words += ["-c", EMPTY_PYTEST_INI, f"--rootdir={SOURCE_ROOT}"]
    else:
        words += _option_overrides(config, constraints)
    if constraints.importlib:
        words.append("--import-mode=importlib")
    if constraints.pytest_below is None or constraints.pytest_below > FIRST_TO_CONTINUE:
        words += ["--continue-on-collection-errors", "-o", "junit_family=xunit1"]
    words = (
        ["env", f"DJANGO_SETTINGS_MODULE={config.django_settings}", *words]
        if constraints.django_settings
        else words
    )
    quoted = " ".join(shlex.quote(word) for word in words)
    return f"{quoted} --junitxml={REPORT_PATH} {{files}}"


def _option_overrides(config: PytestConfiguration, constraints: Constraints) -> list[str]:
    kept = _kept_options(config.addopts)
    words: list[str] = []
    if constraints.no_addopts:  # also when only the fix adds them
        words += ["-o", "addopts="]
    elif kept != config.addopts:
        words += ["-o", "addopts=" + shlex.join(kept)]
    if constraints.no_addopts and "required_plugins" in config.values:
        words += ["-o", "required_plugins="]
    if constraints.no_warnings:
        words += ["-o", "filterwarnings=default"]
    return words


def _kept_options(options: list[str]) -> list[str]:
    """Return options that change the meaning of tests; not those for coverage, parallel runs, linters, strictness."""
    kept: list[str] = []
    for number, option in enumerate(options):
        before = options[number - 1] if number else ""
        if _KEPT_OPTIONS.match(option) or before in ("-W", "--import-mode"):
            kept.append(option)
        if before == "-p" and option not in ("xdist", "pytest_cov"):
            kept += ["-p", option]
    return kept
