"""What is run again in an image when another commit's files are laid over it, and when."""

import pytest

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from unit.drafts.recipe_inputs import SETUP_PY, an_input, ended, proposed

AFTER_FAILED = RoundOutcome.AFTER_FAILED
REBUILD = "uv pip install --no-cache --reinstall --no-build-isolation --no-deps -e ."
MANIFESTS = ["pyproject.toml", "setup.cfg", "setup.py"]
COMPILER = Overrides(apt_packages=["gcc", "libc6-dev"])
IN_C = {"setup.py": SETUP_PY.replace("packages=", "ext_modules=[Extension('thing._n', ['n.c'])], packages=")}
WITH_COMMANDS = {
    "setup.cfg": "[options.entry_points]\nconsole_scripts =\n  thing = thing:main\n",
    "setup.py": SETUP_PY,
}


def built_by(backend, *requires, more=""):
    listed = ", ".join(f'"{item}"' for item in requires)
    build = f'[build-system]\nrequires = [{listed}]\nbuild-backend = "{backend}"\n'
    return {
        "pyproject.toml": build + '[project]\nname = "thing"\nversion = "1.0"\ndependencies = []\n' + more
    }


def draft_of(manifests, overrides=COMPILER, **fields):
    return proposed(an_input(manifests, overrides=overrides, **fields)).draft


def test_plain_python_needs_nothing():
    draft = draft_of({"setup.py": SETUP_PY})
    assert (draft.rebuild_command, draft.rebuild_when) == (None, None)


@pytest.mark.parametrize(
    "manifests",
    [
        IN_C,
        {"setup.py": SETUP_PY + "ext = cythonize(['thing/*.pyx'])\n"},
        {"setup.py": SETUP_PY.replace("packages=", "cffi_modules=['build_it.py:ffi'], packages=")},
        {"setup.py": SETUP_PY.replace("packages=", "rust_extensions=[RustExtension('thing.n')], packages=")},
        built_by("setuptools.build_meta", "setuptools", "Cython>=3"),
        built_by(
            "setuptools.build_meta", "setuptools", more="[tool.setuptools]\next-modules = [{name = 'n'}]\n"
        ),
        built_by("maturin", "maturin>=1,<2"),
        built_by("mesonpy", "meson-python"),
        built_by("scikit_build_core.build", "scikit-build-core"),
    ],
    ids=[
        "C",
        "Cython",
        "cffi",
        "Rust",
        "Cython by name",
        "pyproject.toml",
        "maturin",
        "meson",
        "scikit-build",
    ],
)
def test_what_is_compiled_is_installed_again_from_what_is_in_the_image(manifests):
    draft = draft_of(manifests)
    assert draft.rebuild_command == REBUILD
    assert {"*.[ch]", "*.pyx", "*.rs", "meson*", "setup.py"} <= set(draft.rebuild_when or ())
    assert "*.py" not in (draft.rebuild_when or ())
    assert " --no-build-isolation --no-deps -e .\n" in draft.dockerfile


def test_backends_that_compile_are_installed_with_the_programs_that_they_start():
    text = draft_of(built_by("mesonpy", "meson-python>=0.15")).dockerfile
    assert "    'meson-python>=0.15' \\\n    ninja \\\n" in text
    text = draft_of(built_by("scikit_build_core.build", "scikit-build-core")).dockerfile
    assert "    cmake \\\n    ninja \\\n    scikit-build-core \\\n" in text


def test_python_that_is_compiled_is_watched():
    draft = draft_of(built_by("setuptools.build_meta", "setuptools", "mypy[mypyc]", more="# mypyc\n"))
    assert "*.py" in (draft.rebuild_when or ())


def test_without_a_compiler_nothing_was_compiled():
    assert draft_of(IN_C, overrides=None).rebuild_command is None
    assert draft_of(IN_C, overrides=None, bases=["python:3.11"]).rebuild_command == REBUILD
    after_failure = ended(
        an_input(IN_C), RoundOutcome.STEP_FAILED, "command 'gcc' failed: No such file or directory"
    )
    assert proposed(after_failure).draft.rebuild_command == REBUILD


@pytest.mark.parametrize(
    "manifests",
    [
        WITH_COMMANDS,
        {
            "setup.py": SETUP_PY.replace(
                "packages=", "entry_points={'pytest11': ['thing = thing']}, packages="
            )
        },
        built_by("setuptools.build_meta", "setuptools", more='[project.entry-points."a.b"]\nx = "thing:x"\n'),
        built_by("setuptools.build_meta", "setuptools", more='[project.scripts]\nthing = "thing:main"\n'),
    ],
    ids=["commands", "plugins", "groups", "scripts"],
)
def test_entry_points_are_made_again_when_a_manifest_differs(manifests):
    draft = draft_of(manifests, overrides=None)
    assert (draft.rebuild_command, draft.rebuild_when) == (REBUILD, MANIFESTS)


def test_an_isolated_build_is_isolated_again():
    draft = draft_of(
        built_by("hatchling.build", "hatchling", more='[project.scripts]\nthing = "thing:main"\n')
    )
    assert draft.rebuild_command == "uv pip install --no-cache --reinstall --no-deps -e ."


def test_old_interpreters_install_by_setup_py():
    draft = draft_of(IN_C, bases=["python:3.6-slim", "python:3.11-slim"], created="2018-01-01")
    assert draft.rebuild_command == "python setup.py -q develop --no-deps"


def test_what_is_not_installed_is_not_installed_again():
    log = "error: Failed to build `thing @ file:///testbed`\nerror: use_2to3 is invalid"
    draft = proposed(ended(an_input(WITH_COMMANDS), RoundOutcome.STEP_FAILED, log)).draft
    assert (draft.rebuild_command, draft.rebuild_when) == (None, None)


def test_when_compiled_parts_fail_they_are_compiled_again_with_the_fix_before_the_tests():
    inputs = ended(an_input(IN_C, overrides=COMPILER), AFTER_FAILED)
    again = proposed(inputs)
    assert again.label == proposed(an_input(IN_C)).label + ", compiled again before the tests"
    tests = proposed(an_input(IN_C)).draft.test_command
    failing = "then cat /tmp/rebuild.log; exit 2; fi"
    assert again.draft.test_command == f"if ! {REBUILD} > /tmp/rebuild.log 2>&1; {failing}; {tests}"
    assert "compiled again" in proposed(ended(inputs, AFTER_FAILED)).label


def test_nothing_is_compiled_before_the_tests_where_nothing_can_be():
    extras = IN_C["setup.py"].replace("packages=", "extras_require={'fast': ['lxml']}, packages=")
    assert proposed(ended(an_input({"setup.py": extras}), AFTER_FAILED)).label.endswith(", all extras")
    assert "compiled" not in proposed(ended(an_input(WITH_COMMANDS, overrides=COMPILER), AFTER_FAILED)).label
