"""Tell the test files of a test patch from those that only support them. Pure, by name and sometimes by content."""

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

_NAMES = (
    # Python
    "test_*.py",
    "*_test.py",
    "tests.py",
    "test.py",
    # JavaScript and TypeScript
    *(
        f"*.{word}.{end}"
        for word in ("test", "spec")
        for end in ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts")
    ),
    # Go, Rust, C and C++
    "*_test.go",
    "*_test.rs",
    "*_tests.rs",
    "tests.rs",
    *(name for end in ("c", "cc", "cpp", "cxx") for name in (f"*_test.{end}", f"test_*.{end}")),
    # Java, Kotlin, Scala, C#
    *(
        name
        for end in ("java", "kt", "scala", "cs")
        for name in (f"*Test.{end}", f"*Tests.{end}", f"Test*.{end}")
    ),
    # Ruby, PHP, Elixir
    "*_spec.rb",
    "*_test.rb",
    "test_*.rb",
    "*Test.php",
    "*_test.exs",
)

_FOLDERS = ("test", "tests", "__tests__", "spec", "specs")
_SUPPORT = ("conftest.py", "__init__.py")
_SCRIPTS = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")
"""In a test folder these are tests unless their name or a folder says what else they are."""
_SUPPORT_SCRIPTS = (
    *(
        "*.d.ts",
        "*.d.mts",
        "*-d.ts",
        "*.config.*",
        "*.conf.*",
        "*helper.*",
        "*helpers.*",
        "setup.*",
        "*-setup.*",
    ),
    *("util.*", "utils.*", "*-util.*", "*-utils.*", "common.*", "bootstrap.*"),
)
_SUPPORT_FOLDERS = frozenset(
    [
        *(
            "fixtures",
            "fixture",
            "__fixtures__",
            "helpers",
            "helper",
            "support",
            "mocks",
            "__mocks__",
            "__snapshots__",
        ),
        *("snapshots", "data", "resources", "assets", "util", "utils", "node_modules", "types"),
    ]
)

_DEFINES_TESTS = re.compile(rb"^[ \t]*(async[ \t]+)?def[ \t]+test|^class[ \t]+Test|TestCase\b", re.MULTILINE)


def is_test(path: str, content: bytes | None) -> bool:
    """Whether to name ``path`` to the test command; without ``content`` (a deleted file) the name decides."""
    parsed = PurePosixPath(path)
    if parsed.name in _SUPPORT:
        return False
    if any(fnmatchcase(parsed.name, pattern) for pattern in _NAMES):
        return True
    if not any(folder in _FOLDERS for folder in parsed.parts[:-1]):
        return False
    if parsed.suffix == ".py":
        return content is None or _DEFINES_TESTS.search(content) is not None
    if parsed.suffix in _SCRIPTS:
        return not _is_support_script(parsed)
    return parsed.suffix == ".rs"


def _is_support_script(path: PurePosixPath) -> bool:
    """Whether a script in a test folder only serves tests: fixtures, helpers, declarations of types, settings."""
    at = next(number for number, part in enumerate(path.parts) if part in _FOLDERS)
    named = any(fnmatchcase(path.name, pattern) for pattern in _SUPPORT_SCRIPTS)
    return named or not _SUPPORT_FOLDERS.isdisjoint(path.parts[at:-1])
