"""Release pairs of real packages with the expected verdict of each, without any content of the packages.

The old release's source archive is the source; the differences in the new one are the fix and its tests. Each expected
verdict was measured with the Python recipe (3.9, 3.11 and 3.13 slim images), and `why` explains it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from swefoundry.grading.verdict import Verdict


@dataclass(frozen=True)
class RealPair:
    """Two releases and the expected verdict of their row."""

    package: str
    old: str
    new: str
    verdict: Verdict
    why: str
    rounds: int = 5
    """Upper bound of the rounds; a row that fails in every environment uses all of them."""
    quick: bool = False
    """Runs with the cluster tests: few small dependencies, a test run of seconds, and a verdict of its own kind."""

    language: str = "python"

    def __str__(self) -> str:
        """The form that `swefoundry collect releases` accepts."""
        if self.language == "python":
            return f"{self.package}:{self.old}..{self.new}"
        index = {"go": "go", "java": "maven", "javascript": "npm", "rust": "crate"}[self.language]
        return f"{index}:{self.package}@{self.old}..{self.new}"

    @property
    def name(self) -> str:
        """The package's name, in manifests."""
        return self.package.split("/")[2] if self.language == "go" else self.package.rpartition(":")[2]


PAIRS: tuple[RealPair, ...] = (
    RealPair(
        "itsdangerous",
        "2.1.0",
        "2.1.1",
        Verdict.FAIL2PASS,
        "2.1.1 rejects a signed date out of range as a bad signature; before, the test meets a ValueError",
        quick=True,
    ),
    RealPair(
        "cachetools",
        "5.2.1",
        "5.3.0",
        Verdict.FAIL2PASS,
        "5.3.0 adds the argument info to its decorators; four of 25 tests pass it and fail without",
        quick=True,
    ),
    RealPair(
        "jinja2",
        "3.1.2",
        "3.1.3",
        Verdict.FAIL2PASS,
        "3.1.3 refuses keys with spaces in xmlattr and names nested trans blocks; four tests check that",
    ),
    RealPair(
        "tomlkit",
        "0.11.6",
        "0.11.7",
        Verdict.FAIL2PASS,
        "0.11.7 fixes numbers, dates and inline tables; built by poetry-core, installed editable",
    ),
    RealPair(
        "more-itertools",
        "9.0.0",
        "9.1.0",
        Verdict.FAIL2PASS,
        "9.1.0 adds functions; thirteen unittest cases fail by AttributeError before; built by flit",
    ),
    RealPair(
        "packaging",
        "23.0",
        "23.1",
        Verdict.FAIL2PASS,
        "fourteen tests fail before; a fifth file imports packaging.metadata, which only 23.1 has: 80 in ERROR_TO_PASS",
        quick=True,
    ),
    RealPair(
        "sqlparse",
        "0.4.3",
        "0.4.4",
        Verdict.FAIL2PASS,
        "0.4.4 splits more statements and bounds a regular expression; its tests compare with the new result",
    ),
    RealPair(
        "toolz",
        "0.11.2",
        "0.12.0",
        Verdict.FAIL2PASS,
        "0.12.0 adds functions that its tests call; a setup.py with its version from versioneer",
    ),
    RealPair(
        "toolz",
        "0.12.0",
        "0.12.1",
        Verdict.PASS2PASS,
        "the changed tests only make room for newer interpreters and also pass on the old release",
        quick=True,
    ),
    RealPair(
        "parso",
        "0.5.1",
        "0.5.2",
        Verdict.FAIL2FAIL,
        "twenty tests compare with the wording of the running interpreter's errors, which 3.9 and later changed",
        rounds=1,
        quick=True,
    ),
    RealPair(
        "cachetools",
        "1.1.5",
        "1.1.6",
        Verdict.FAIL2PASS,
        "a fix of 2016 on an interpreter of 2020; a setup.py without any declared requirement",
    ),
    RealPair(
        "marshmallow",
        "3.19.0",
        "3.20.0",
        Verdict.FAIL2PASS,
        "3.20.0 adds absolute URLs, the order of fields and checks of timestamps; 29 tests check them",
    ),
    RealPair(
        "marshmallow",
        "2.4.0",
        "2.4.1",
        Verdict.FAIL2PASS,
        "a fix of 2015 whose archive does not name its tests' requirements: two rounds find them in the log",
    ),
    RealPair(
        "humanize",
        "4.6.0",
        "4.7.0",
        Verdict.FAIL2PASS,
        "4.7.0 takes dates with time zones; built by hatchling with its version from git, which slim images lack",
    ),
    RealPair(
        "inflect",
        "6.0.2",
        "6.0.3",
        Verdict.FAIL2PASS,
        "6.0.3 fixes ordinals and articles; it needs a pydantic 1 of its time and fails with pydantic 2",
    ),
    RealPair(
        "jsonschema",
        "2.5.1",
        "2.6.0",
        Verdict.FAIL2PASS,
        "2.6.0 fixes messages and the choice of a validator; tests of 2017 on an interpreter of 2020",
    ),
    RealPair(
        "pluggy",
        "0.7.1",
        "0.8.0",
        Verdict.FAIL2PASS,
        "pytest itself imports the project: only a pytest of its time works with it",
    ),
    RealPair(
        "tabulate",
        "0.8.10",
        "0.9.0",
        Verdict.FAIL2PASS,
        "21 tests fail before; one file imports SEPARATING_LINE, which only 0.9.0 has, and cannot be collected",
    ),
    RealPair(
        "structlog",
        "19.1.0",
        "19.2.0",
        Verdict.FAIL2PASS,
        "six of seven test files run without the fix and fail; one imports bind_threadlocal, which only 19.2.0 has; "
        "its test requirements are those of 2019",
    ),
    RealPair(
        "semver",
        "2.9.1",
        "2.10.0",
        Verdict.ERROR2PASS,
        "conftest.py imports coerce, a module that only 2.10.0 has",
    ),
)


GO_PAIRS: tuple[RealPair, ...] = (
    RealPair(
        "github.com/BurntSushi/toml",
        "v1.2.0",
        "v1.2.1",
        Verdict.FAIL2PASS,
        "1.2.1 encodes structs with omitempty that cannot be compared; before, the encoder panics",
        language="go",
    ),
    RealPair(
        "github.com/spf13/cobra",
        "v1.2.0",
        "v1.2.1",
        Verdict.FAIL2PASS,
        "1.2.1 changes the script of completions for bash; one of its tests reads that",
        language="go",
    ),
    RealPair(
        "github.com/spf13/pflag",
        "v1.0.5",
        "v1.0.6",
        Verdict.ERROR2PASS,
        "1.0.6 adds names that its tests use: its one package does not compile without the fix",
        language="go",
    ),
)
"""Their base image is `golang:1.26`, which the lab has once it was asked for."""

NPM_PAIRS: tuple[RealPair, ...] = (
    RealPair(
        "qs",
        "6.9.6",
        "6.9.7",
        Verdict.FAIL2PASS,
        "6.9.7 ignores __proto__ keys and formats nested arrays; three tests of tape check that",
        language="javascript",
    ),
    RealPair(
        "minimist",
        "1.2.5",
        "1.2.6",
        Verdict.FAIL2PASS,
        "1.2.6 keeps arguments from changing the constructor's prototype; two tests of tape check that",
        language="javascript",
    ),
)
"""Their base image is `node:20-slim`, which the lab has once it was asked for."""


RUST_PAIRS: tuple[RealPair, ...] = (
    RealPair(
        "roxmltree",
        "0.18.0",
        "0.18.1",
        Verdict.FAIL2PASS,
        "0.18.1 replaces carriage returns in CDATA, too; a test of the tree reads one",
        language="rust",
    ),
    RealPair(
        "bytes",
        "1.10.0",
        "1.10.1",
        Verdict.FAIL2PASS,
        "1.10.1 releases the owner when a vector is made of Bytes::from_owner; its new test counts the releases",
        language="rust",
    ),
    RealPair(
        "num-bigint",
        "0.4.2",
        "0.4.3",
        Verdict.FAIL2PASS,
        "0.4.3 multiplies without the panics that three of its tests meet before",
        language="rust",
    ),
    RealPair(
        "fancy-regex",
        "0.16.1",
        "0.16.2",
        Verdict.FAIL2PASS,
        "two of its four targets set the flag of the Oniguruma mode, which only 0.16.2 has, and do not compile before; "
        "three tests of the others fail",
        language="rust",
    ),
)
"""Their base image is `rust:1.95`, which the lab has once it was asked for."""


def quick() -> Iterator[RealPair]:
    """The pairs that run with the cluster tests."""
    return (pair for pair in PAIRS if pair.quick)
