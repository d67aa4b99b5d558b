"""Old source distributions get build tools of their time: from the log of a failed build, or from the date at once."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from unit.drafts.recipe_inputs import an_input, ended, next_dockerfile, proposed, requirements

STEP_FAILED = RoundOutcome.STEP_FAILED
NEEDS_OLD = "from setuptools import setup\nsetup(name='thing', install_requires=['old'])\n"
OLD_BASES = ["python:3.11-slim", "python:3.9-slim"]


def failed(message: str) -> str:
    return f"  x Failed to build `old==1.0`\n      {message}\n"


def limits(dockerfile: str) -> list[str]:
    """Return the content of the file of build constraints."""
    line = next((line for line in dockerfile.splitlines() if "build-constraints.txt" in line), "")
    return line.removeprefix("RUN printf '%s\\n' ").split(" > ")[0].replace("'", "").split()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "ImportError: cannot import name 'Feature' from 'setuptools' (/x/setuptools/__init__.py)",
            ["setuptools<46"],
        ),
        ("error in old setup command: use_2to3 is invalid.", ["setuptools<58"]),
        ("ModuleNotFoundError: No module named 'pkg_resources'", ["setuptools<81"]),
        ("ModuleNotFoundError: No module named 'setuptools.command.test'", ["setuptools<72"]),
        ("Cython.Compiler.Errors.CompileError: old.pyx", ["cython<3"]),
        ("AttributeError: cython_sources", ["cython<3"]),
        ("ModuleNotFoundError: No module named 'numpy.distutils'", ["numpy<1.26", "setuptools<60"]),
    ],
)
def test_a_failed_build_of_an_old_archive_gets_tools_of_its_time(message: str, expected: list[str]) -> None:
    inputs = an_input({"setup.py": NEEDS_OLD}, bases=OLD_BASES)
    text = next_dockerfile(inputs, STEP_FAILED, failed(message))
    assert limits(text) == expected
    assert "--build-constraints /opt/build-constraints.txt" in text
    assert requirements(text) == ["old", "pytest"]


def test_an_archive_that_fails_again_may_have_another_release() -> None:
    inputs = an_input({"setup.py": NEEDS_OLD.replace("old'", "old==1.0'")})
    message = failed("error in old setup command: use_2to3 is invalid.")
    inputs = ended(inputs, STEP_FAILED, message)
    assert requirements(proposed(inputs).draft.dockerfile) == ["old==1.0", "pytest"]
    assert requirements(next_dockerfile(inputs, STEP_FAILED, message)) == ["old", "pytest"]


def test_tools_that_need_distutils_need_an_older_interpreter() -> None:
    inputs = an_input(
        {"setup.py": NEEDS_OLD}, created="2025-08-01", bases=["python:3.13-slim", "python:3.11-slim"]
    )
    assert proposed(inputs).draft.dockerfile.startswith("FROM python:3.13")
    message = failed("AttributeError: module 'pkgutil' has no attribute 'ImpImporter'")
    assert next_dockerfile(inputs, STEP_FAILED, message).startswith("FROM python:3.11")


@pytest.mark.parametrize(
    ("created", "expected"),
    [("2018-01-01", ["setuptools<46"]), ("2021-01-01", ["setuptools<58"]), ("2022-06-01", [])],
)
def test_requirements_of_the_time_of_the_change_are_built_with_tools_of_that_time(
    created: str, expected: list[str]
) -> None:
    assert limits(proposed(an_input({"setup.py": NEEDS_OLD}, created=created)).draft.dockerfile) == expected


def test_a_build_that_needs_newer_tools_lifts_the_limit() -> None:
    inputs = an_input({"setup.py": NEEDS_OLD}, created="2018-01-01")
    log = "No solution found when resolving: you require setuptools<46 and setuptools>=61, unsatisfiable"
    assert limits(next_dockerfile(inputs, STEP_FAILED, log)) == []


def test_the_project_itself_is_installed_with_the_setuptools_that_had_features():
    log = (
        "error: Failed to build `thing @ file:///testbed`\n"
        "         ImportError: cannot import name 'Feature' from 'setuptools' (/opt/venv/lib/python3.9/x.py)\n"
    )
    dockerfile = next_dockerfile(an_input(), RoundOutcome.STEP_FAILED, log)
    assert "RUN uv pip install --no-cache \\\n    'setuptools<46' \\\n    wheel\n" in dockerfile
    assert dockerfile.endswith("WORKDIR /testbed\nRUN python setup.py -q develop --no-deps\n")
