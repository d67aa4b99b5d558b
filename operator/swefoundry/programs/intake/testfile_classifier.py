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
    *("*TestCase.java", "*IT.java", "*ITCase.java"),
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
_SUPPORT_SCRIPT = re.compile(
    r".*\.conf(?:ig)?\..*|.*helpers?\..*|(?:.*-)?(?:setup|utils?)\..*|(?:common|bootstrap)\..*"
)
_DECLARATIONS = (".d.ts", ".d.mts", "-d.ts")
_SUPPORT_FOLDER = re.compile(
    r"(?:__)?(?:fixtures?|mocks|snapshots)(?:__)?|helpers?|support|data|resources|assets|utils?|types|node_modules"
)
_TEST_SCRIPT = re.compile(r"tests?\.[cm]?[jt]sx?")
"""Small packages have all their tests in one file, outside of a test folder."""
_CALLS_TESTS = re.compile(rb"\b(?:test|it|describe|suite|tape|addBatch)\b(?:\.\w+)*\(")
"""As mocha, jest, node:test and most others name them; tape's own name; vows' batches."""

_ASSERTS = re.compile(rb"\bassert\b")

_DEFINES_TESTS = re.compile(rb"^[ \t]*(async[ \t]+)?def[ \t]+test|^class[ \t]+Test|TestCase\b", re.MULTILINE)

_RUST_TEST = re.compile(rb"^[ \t]*#\[(?:\w+::)*test\b", re.MULTILINE)
"""Tests in Rust are often part of the file that they test."""


_JAVA_TESTS = re.compile(
    rb"@(?:[\w.]*Test|RunWith|Suite|Theory|Property|TestFactory|TestTemplate)\b|\bextends\b|\bTestSuite\b"
)
"""What a class of Java has that runs: tests of its own, or those of the class that it extends."""


def is_test(path: str, content: bytes | None) -> bool:
    """Whether to name ``path`` to the test command; without ``content`` (a deleted file) the name decides."""
    parsed = PurePosixPath(path)
    if parsed.name in _SUPPORT:
        return False
    if parsed.suffix == ".java":
        return _is_java_test(parsed, content)
    if any(fnmatchcase(parsed.name, pattern) for pattern in _NAMES):
        return True
    if parsed.suffix == ".rs" and content is not None and _RUST_TEST.search(content):
        return True
    if not any(folder in _FOLDERS for folder in parsed.parts[:-1]):
        return _is_test_script(parsed, content)
    if parsed.suffix == ".py":
        return content is None or _DEFINES_TESTS.search(content) is not None
    if parsed.suffix in _SCRIPTS:
        return not _is_support_script(parsed, content)
    return parsed.suffix == ".rs"


def _is_test_script(path: PurePosixPath, content: bytes | None) -> bool:
    """Whether a script is its package's test by its name and by what it calls: a `test.js` may as well be a command."""
    if not _TEST_SCRIPT.fullmatch(path.name):
        return False
    return content is None or any(each.search(content) for each in (_CALLS_TESTS, _ASSERTS))


def _is_java_test(path: PurePosixPath, content: bytes | None) -> bool:
    """Whether a class is run: by its name and not abstract, or in a test folder by the tests that it has."""
    if content and _is_abstract(path, content):
        return False
    if any(fnmatchcase(path.name, pattern) for pattern in _NAMES):
        return not content or _JAVA_TESTS.search(content) is not None
    in_folder = any(folder in _FOLDERS for folder in path.parts[:-1])
    return in_folder and content is not None and re.search(rb"@[\w.]*Test\b", content) is not None


def _is_abstract(path: PurePosixPath, content: bytes) -> bool:
    """Whether the class of the file's name is abstract, or an interface: other classes run its tests."""
    name = re.escape(path.stem.encode())
    declared = re.search(
        rb"\babstract\s[\w\s]*\bclass\s+" + name + rb"\b|\binterface\s+" + name + rb"\b", content
    )
    return declared is not None


def _is_support_script(path: PurePosixPath, content: bytes | None) -> bool:
    """Whether a script in a test folder only serves tests: fixtures, helpers, declarations of types, settings.

    `test/utils.js` may as well be the test of `lib/utils.js`: then it calls what defines tests.
    """
    at = next(number for number, part in enumerate(path.parts) if part in _FOLDERS)
    if path.name.endswith(_DECLARATIONS) or any(map(_SUPPORT_FOLDER.fullmatch, path.parts[at:-1])):
        return True
    named = _SUPPORT_SCRIPT.fullmatch(path.name) is not None
    return named and (content is None or _CALLS_TESTS.search(content) is None)
