"""Constraints from failed rounds, rule by rule: the message and the draft that follows."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from unit.drafts.recipe_inputs import (
    SETUP_PY,
    an_input,
    ended,
    next_command,
    next_dockerfile,
    proposed,
    requirements,
)

NO_RESULT, AFTER_FAILED, STEP_FAILED = (
    RoundOutcome.NO_RESULT,
    RoundOutcome.AFTER_FAILED,
    RoundOutcome.STEP_FAILED,
)
OLD = "2019-01-01"


def layer_after(message: str, outcome: RoundOutcome = NO_RESULT, **more: object) -> list[str]:
    return requirements(next_dockerfile(an_input(**more), outcome, message))


@pytest.mark.parametrize(
    ("message", "installed"),
    [
        ("E   ModuleNotFoundError: No module named 'yaml'", "pyyaml"),
        ("E   ModuleNotFoundError: No module named 'dateutil.parser'", "python-dateutil"),
        ("E   ModuleNotFoundError: No module named 'attr'", "attrs"),
        ("ImportError: No module named PIL", "pillow"),
        ("E   ModuleNotFoundError: No module named 'chai'", "chai"),
        ("E   ModuleNotFoundError: No module named 'some_thing'", "some-thing"),
        ("E   ModuleNotFoundError: No module named 'pkg_resources'", "setuptools<81"),
        ("importlib.metadata.PackageNotFoundError: No package metadata was found for flask", "flask"),
        ("E       fixture 'mocker' not found", "pytest-mock"),
        ("E       fixture 'requests_mock' not found", "requests-mock"),
        ("async def functions are not natively supported.", "pytest-asyncio"),
        ("'timeout' not found in `markers` configuration option", "pytest-timeout"),
        ("zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Rome'", "tzdata"),
    ],
)
def test_what_is_missing_is_installed(message, installed):
    assert installed in layer_after(message)


def test_an_unknown_module_is_also_searched_beside_the_tests():
    inputs = an_input(test_files=["examples/shop/tests/test_shop.py"])
    inputs = ended(inputs, NO_RESULT, "E   ModuleNotFoundError: No module named 'shop'")
    log = "Because shop was not found in the package registry and you require shop, we can conclude"
    text = next_dockerfile(inputs, STEP_FAILED, log)
    assert requirements(text) == ["pytest"]
    assert text.endswith("ENV PYTHONPATH=/testbed/examples/shop\n")


def test_everything_missing_in_one_log_is_installed_at_once():
    log = "E   ModuleNotFoundError: No module named 'yaml'\nE   ModuleNotFoundError: No module named 'simplejson'"
    assert layer_after(log) == ["pytest", "pyyaml", "simplejson"]


def test_a_missing_module_of_the_source_itself_goes_on_pythonpath():
    inputs = an_input(test_support_files=["tests/helpers.py"])
    text = next_dockerfile(inputs, NO_RESULT, "E   ModuleNotFoundError: No module named 'helpers'")
    assert text.endswith("ENV PYTHONPATH=/testbed:/testbed/src:/testbed/tests\n")


@pytest.mark.parametrize(
    ("message", "base"),
    [
        ("E   ImportError: cannot import name 'Mapping' from 'collections' (/usr/lib)", "python:3.9-slim"),
        ("AttributeError: module 'collections' has no attribute 'Callable'", "python:3.9-slim"),
        ("AttributeError: module 'inspect' has no attribute 'getargspec'", "python:3.9-slim"),
        ('E   TypeError: required field "lineno" missing from alias', "python:3.9-slim"),
        ("TypeError: code() argument 13 must be str, not int", "python:3.9-slim"),
        ("TypeError: code expected at least 16 arguments, got 15", "python:3.9-slim"),
        ("E   ModuleNotFoundError: No module named 'tomllib'", "python:3.11-slim"),
        ("ImportError: cannot import name 'Self' from 'typing'", "python:3.11-slim"),
        ("ImportError: cannot import name 'override' from 'typing'", "python:3.13-slim"),
    ],
)
def test_the_interpreter_follows_what_the_standard_library_has(message, base):
    """Starting on an interpreter for which the message is true."""
    start = "python:3.9-slim" if base != "python:3.9-slim" else "python:3.11-slim"
    created = "2021-08-01" if start == "python:3.9-slim" else "2024-01-01"
    assert next_dockerfile(an_input(created=created), NO_RESULT, message).startswith(f"FROM {base}\n")


@pytest.mark.parametrize("module", ["imp", "asyncore", "distutils.util", "StringIO"])
def test_modules_removed_from_python_are_not_searched_in_the_index(module):
    assert layer_after(f"E   ModuleNotFoundError: No module named '{module}'") in (
        ["pytest"],
        ["pytest", "distutils"],
    )


@pytest.mark.parametrize(
    ("message", "bound"),
    [
        ("yield tests were removed in pytest 4.0 - test_it will be ignored", "pytest<4"),
        ("AttributeError: module 'pytest' has no attribute 'config'", "pytest<5"),
        ("PytestRemovedIn8Warning: Support for nose tests is deprecated", "pytest<8"),
        ("E   pytest.PytestRemovedIn9Warning: Marks applied to fixtures have no effect", "pytest<9"),
        ("requires pytest-7.2, actual pytest-6.0'", "pytest>=7.2"),
    ],
)
def test_pytest_is_as_old_or_new_as_the_tests_want(message, bound):
    assert bound in layer_after(message)


def test_a_distribution_that_lost_a_name_is_taken_as_of_the_change():
    setup = SETUP_PY.replace("install_requires=[]", "install_requires=['dep']")
    inputs = an_input({"setup.py": setup}, created=OLD)
    inputs = inputs.model_copy(update={"base_images": {"python": ["python:3.11-slim"]}})
    log = "E   ImportError: cannot import name 'gone' from 'other.part' (/opt/venv)"
    assert "--exclude-newer-package other=2019-02-15" in next_dockerfile(inputs, NO_RESULT, log)


def test_a_well_known_lost_name_is_pinned_to_the_last_release_that_had_it():
    log = "E   ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/opt/venv)"
    assert "markupsafe<2.1" in layer_after(log)


INI = "[pytest]\naddopts = --cov=x -n auto --import-mode=importlib -p no:warnings --strict-markers\n"


def test_options_for_coverage_and_parallel_runs_are_left_out_from_the_start():
    inputs = an_input({"setup.py": SETUP_PY, "pytest.ini": INI})
    assert " -o 'addopts=--import-mode=importlib -p no:warnings' " in next_command(inputs, STEP_FAILED, "")


def test_unknown_options_leave_no_addopts_at_all():
    inputs = an_input({"setup.py": SETUP_PY, "pytest.ini": INI})
    log = "pytest: error: unrecognized arguments: --import-mode=importlib"
    assert " -o addopts= " in next_command(inputs, NO_RESULT, log)


def test_a_rejected_configuration_is_replaced_by_an_empty_one():
    log = "[pytest] section in setup.cfg files is no longer supported, change to [tool:pytest] instead."
    inputs = an_input()
    assert " -c /opt/pytest.ini --rootdir=/testbed " in next_command(inputs, AFTER_FAILED, log)
    assert "RUN printf '[pytest]\\n' > /opt/pytest.ini\nCOPY" in next_dockerfile(inputs, AFTER_FAILED, log)


def test_the_old_section_in_setup_cfg_is_replaced_before_pytest_refuses_it():
    inputs = an_input({"setup.py": SETUP_PY, "setup.cfg": "[pytest]\naddopts = -x\n"})
    assert " -c /opt/pytest.ini " in next_command(inputs, STEP_FAILED, "")


def test_warnings_that_a_configuration_turns_into_errors_are_warnings_again():
    log = "E   DeprecationWarning: datetime.datetime.utcnow() is deprecated"
    assert " -o filterwarnings=default " in next_command(an_input(), AFTER_FAILED, log)


def test_test_files_of_the_same_name_are_imported_by_path():
    assert " --import-mode=importlib " in next_command(an_input(), NO_RESULT, "import file mismatch:")


def test_tests_that_start_git_get_it_from_debian():
    log = "FileNotFoundError: [Errno 2] No such file or directory: 'git'"
    assert " --no-install-recommends git && " in next_dockerfile(an_input(), AFTER_FAILED, log)


def test_a_django_application_gets_its_settings_and_the_plugin_that_reads_them():
    log = "django.core.exceptions.ImproperlyConfigured: Requested setting X, but settings are not configured."
    inputs = an_input(
        {"setup.py": SETUP_PY, "tox.ini": "[testenv]\nsetenv =\n  DJANGO_SETTINGS_MODULE=thing.conf\n"}
    )
    assert next_command(inputs, NO_RESULT, log).startswith(
        "env DJANGO_SETTINGS_MODULE=thing.conf python -m pytest "
    )
    assert next_command(an_input(), NO_RESULT, log).startswith(
        "env DJANGO_SETTINGS_MODULE=tests.settings python "
    )
    assert "pytest-django" in layer_after(log)


def test_tests_that_set_a_locale_get_all_of_them():
    log = "E   locale.Error: unsupported locale setting"
    assert " --no-install-recommends locales-all && " in next_dockerfile(an_input(), AFTER_FAILED, log)


REQUIRING = {"setup.py": SETUP_PY.replace("install_requires=[]", "install_requires=['lxml<4', 'six==1.0']")}


def test_a_pin_that_does_not_build_is_loosened():
    log = "error: Failed to build `lxml==3.8.0`\n error: command 'gcc' failed: No such file or directory"
    assert layer_after(log, STEP_FAILED, manifests=REQUIRING) == ["lxml", "pytest", "six==1.0"]


def test_a_test_tool_that_does_not_build_is_left_out():
    manifests = {"setup.py": SETUP_PY, "requirements-test.txt": "pympler\nmock\n"}
    assert layer_after("error: Failed to build `pympler==0.9`", STEP_FAILED, manifests=manifests) == [
        "mock",
        "pytest",
    ]


def test_what_the_tests_import_is_not_left_out_only_loosened():
    inputs = an_input(
        {"setup.py": SETUP_PY, "requirements-test.txt": "hypothesis<4\n"}, test_imports=["hypothesis"]
    )
    text = next_dockerfile(inputs, STEP_FAILED, "error: Failed to build `hypothesis==3.6.1`")
    assert requirements(text) == ["hypothesis", "pytest"]


def test_plugins_that_want_the_cache_get_one_outside_the_source():
    log = "AttributeError: 'Config' object has no attribute 'cache'"
    assert " -o cache_dir=/tmp/pytest-cache " in next_command(an_input(), AFTER_FAILED, log)


def test_a_release_that_must_be_compiled_even_unpinned_gets_a_compiler():
    log = "error: Failed to build `lxml==3.8.0`\nerror: command 'gcc' failed: No such file or directory"
    inputs = ended(an_input(REQUIRING), STEP_FAILED, log)
    assert " gcc libc6-dev && " in next_dockerfile(inputs, STEP_FAILED, log.replace("3.8.0", "4.0"))


def test_a_log_without_its_beginning_still_shows_that_a_compiler_is_missing():
    log = "error: command 'gcc' failed: No such file or directory"
    assert " gcc libc6-dev && " in next_dockerfile(an_input(REQUIRING), STEP_FAILED, log)


def test_bounds_that_nothing_satisfies_are_loosened():
    log = "error: No solution found when resolving dependencies\n cause: Because lxml<4 … and you require lxml<4, …"
    assert layer_after(log, STEP_FAILED, manifests=REQUIRING) == ["lxml", "pytest", "six==1.0"]


def test_a_distribution_that_the_index_does_not_have_is_dropped():
    manifests = {"setup.py": SETUP_PY, "requirements-test.txt": "our-plugin\nmock\n"}
    log = (
        "Because our-plugin was not found in the package registry and you require our-plugin, we can conclude"
    )
    assert layer_after(log, STEP_FAILED, manifests=manifests) == ["mock", "pytest"]


def test_a_distribution_younger_than_the_day_is_taken_undated():
    log = "No solution found\nhint: `pynose` was filtered by `exclude-newer` to only include packages uploaded before"
    assert " --exclude-newer-package pynose=2099-01-01 " in next_dockerfile(an_input(), STEP_FAILED, log)


def test_what_the_projects_build_imports_is_installed_for_it():
    log = "error: Failed to build `thing @ file:///testbed`\nModuleNotFoundError: No module named 'Cython'"
    tools = next_dockerfile(an_input(), STEP_FAILED, log).split("RUN uv pip install")[1]
    assert "cython" in tools


def test_a_project_that_does_not_build_is_put_on_pythonpath():
    log = "error: Failed to build `thing @ file:///testbed`\nerror: use_2to3 is invalid"
    assert next_dockerfile(an_input(), STEP_FAILED, log).endswith(
        "WORKDIR /testbed\nENV PYTHONPATH=/testbed\n"
    )


def test_a_project_without_compiler_or_headers_gets_them_before_pythonpath():
    own = "error: Failed to build `thing @ file:///testbed`\n"
    for message, packages in (
        ("error: command 'gcc' failed: No such file or directory", "gcc libc6-dev"),
        ("ERROR: Unknown compiler(s): [['cc'], ['gcc'], ['clang']]", "gcc libc6-dev"),
        ("CMake Error: No CMAKE_CXX_COMPILER could be found.", "g++ gcc libc6-dev"),
        ("error: can't find Rust compiler", "cargo gcc libc6-dev rustc"),
        ("src/x.c:1: fatal error: ffi.h: No such file or directory", "gcc libc6-dev libffi-dev"),
    ):
        inputs = ended(an_input(), STEP_FAILED, own + message)
        assert f" --no-install-recommends {packages} && " in proposed(inputs).draft.dockerfile
        assert next_dockerfile(inputs, STEP_FAILED, own + message).endswith("\nENV PYTHONPATH=/testbed\n")


def test_tests_that_fail_without_a_known_message_get_the_extras():
    extras = "version='1.0', extras_require={'rsa': ['cryptography'], 'docs': ['sphinx'], 'test': ['mock']}, "
    inputs = an_input({"setup.py": SETUP_PY.replace("version='1.0', ", extras)})
    assert requirements(next_dockerfile(inputs, AFTER_FAILED, "")) == ["cryptography", "mock", "pytest"]


def test_a_log_without_a_known_message_adds_no_constraint():
    assert layer_after("E   AssertionError: assert 1 == 2", AFTER_FAILED) == ["pytest"]


def test_hostile_logs_cannot_smuggle_commands_into_a_dockerfile():
    text = next_dockerfile(an_input(), NO_RESULT, "No module named 'x; rm -rf /'\nfixture '$(id)' not found")
    assert "rm -rf /\n" not in text and "$(id)" not in text


def test_an_unreachable_address_adds_no_constraint():
    log = "error: Failed to build `six==1.0`\nfatal: unable to access 'http://missing.example.org/': Could not resolve"
    inputs = an_input(REQUIRING)
    unreachable = ended(inputs, RoundOutcome.ADDRESS_UNREACHABLE, log)
    assert proposed(unreachable).draft == proposed(ended(inputs, STEP_FAILED, "")).draft
