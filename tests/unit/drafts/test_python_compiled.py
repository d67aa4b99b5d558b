"""Projects with compiled parts: headers and libraries from Debian, old C sources, never on PYTHONPATH unbuilt."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.recipes.log_summary import failing_tests
from swefoundry.programs.build.log_parser import TAIL_CHARACTERS
from swefoundry.text.log_excerpt import log_excerpt
from unit.drafts.recipe_inputs import SETUP_PY, an_input, ended, next_dockerfile, proposed

STEP_FAILED = RoundOutcome.STEP_FAILED
COMPILED = SETUP_PY.replace("version=", "ext_modules=[Extension('thing._imaging', ['a.c'])], version=")
OWN = "error: Failed to build `thing @ file:///testbed`\n"
COPIED = "\n".join(f"         copying thing/file{n}.py -> build/lib/thing" for n in range(300))
XML = ["libxml2-dev", "libxslt1-dev"]
WARNED = "\n".join(f"         a.c:{n}:1: warning: unused variable 'x{n}'" for n in range(300))
CUSTOM_MESSAGE = """\
         Traceback (most recent call last):
           File "<string>", line 978, in <module>
         RequiredDependencyException:

         The headers or library files could not be found for jpeg,
         a required dependency when compiling Thing from source.

         Please see the install instructions at the project's pages.
"""


def excerpt_of_build(message: str) -> str:
    """Return what the build pod keeps of a log and the operator of that."""
    return log_excerpt(f"{OWN}{COPIED}\n{message}\n{WARNED}\n", TAIL_CHARACTERS)[:2048]


def packages_after(message: str, setup: str = COMPILED) -> list[str]:
    dockerfile = next_dockerfile(an_input({"setup.py": setup}), STEP_FAILED, excerpt_of_build(message))
    return dockerfile.split(" --no-install-recommends ")[1].split(" && ")[0].split()


@pytest.mark.parametrize(
    ("message", "packages"),
    [
        ("         a.c:1:10: fatal error: jpeglib.h: No such file or directory", ["libjpeg-dev"]),
        ("         a.c:1:10: fatal error: openssl/opensslv.h: No such file", ["libssl-dev"]),
        ("         a.c:1:10: fatal error: libxml/xmlversion.h: No such file", ["libxml2-dev", "libxslt1-dev"]),
        ("         /usr/bin/ld: cannot find -lz: No such file or directory", ["zlib1g-dev"]),
        ("         ld: cannot find -lfreetype", ["libfreetype6-dev"]),
        ("         Package 'libffi', required by 'virtual:world', not found", ["libffi-dev"]),
        ("         No package 'cairo' found", ["libcairo2-dev"]),
        ('         meson.build:12:6: ERROR: Dependency "lcms2" not found, tried pkgconfig', ["liblcms2-dev"]),
        ("         -- Could NOT find BZ2 (missing: BZIP2_LIBRARIES)", ["libbz2-dev"]),
        (CUSTOM_MESSAGE, ["libjpeg-dev"]),
        ("         ValueError: zlib is required unless explicitly disabled", ["zlib1g-dev"]),
        ("         Error: Please make sure the libxml2 and libxslt development packages are installed.", XML),
        ("         ERROR: b'/bin/sh: 1: xslt-config: not found\\n'", ["libxml2-dev", "libxslt1-dev"]),
    ],
)  # fmt: skip
def test_what_a_build_misses_comes_from_debian(message, packages):
    missing = f"{message}\n         error: command 'gcc' failed: No such file or directory"
    assert packages_after(missing) == sorted([*packages, "gcc", "libc6-dev"])


def test_the_first_missing_library_brings_those_of_all_headers_that_setup_py_names():
    setup = COMPILED + "find('zlib.h'); find('jpeglib.h'); find(\"freetype/fterrors.h\"); find('own.h')\n"
    missing = "         a.c:1:10: fatal error: zlib.h: No such file or directory"
    assert packages_after(missing, setup) == [
        "gcc",
        "libc6-dev",
        "libfreetype6-dev",
        "libjpeg-dev",
        "zlib1g-dev",
    ]


def test_a_project_with_compiled_parts_never_goes_on_pythonpath_unbuilt():
    message = excerpt_of_build("         error: command '/usr/bin/gcc' failed with exit code 1")
    text = next_dockerfile(an_input({"setup.py": COMPILED}), STEP_FAILED, message)
    assert text.endswith("-e .\n") and "PYTHONPATH" not in text
    optional = COMPILED.replace("['a.c']", "['a.c'], optional=True")
    assert next_dockerfile(an_input({"setup.py": optional}), STEP_FAILED, message).endswith(
        "ENV PYTHONPATH=/testbed\n"
    )


@pytest.mark.parametrize(
    ("message", "base"),
    [
        ("a.c:9:2: error: 'PyTypeObject' {aka 'struct _typeobject'} has no member named 'tp_print'", "3.8"),
        ("a.c:9:2: error: 'PyThreadState' has no member named 'exc_type'; did you mean", "3.6"),
        ("a.c:9:2: fatal error: longintrepr.h: No such file or directory", "3.9"),
    ],
)
def test_c_sources_that_are_older_than_the_interpreter_get_an_older_one(message, base):
    bases = [f"python:{version}-slim" for version in ("3.6", "3.8", "3.9", "3.11")]
    inputs = an_input({"setup.py": COMPILED}, created="2024-03-01", bases=bases)
    excerpt = excerpt_of_build(
        f"         {message}\n         error: command '/usr/bin/gcc' failed with exit code 1"
    )
    inputs = ended(inputs, STEP_FAILED, excerpt)
    assert f"FROM python:{base}-slim\n" in proposed(inputs).draft.dockerfile


def test_failed_tests_are_recognized_in_the_summary_of_pytest_3():
    log = "FAIL tests/test_a.py::A::test_one\n====== 1 failed, 20 passed in 2.1 seconds ======"
    assert failing_tests(log) == {"tests/test_a.py::A::test_one"}
