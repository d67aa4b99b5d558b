"""What a source says about itself."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.intake import IntakeResult
from swefoundry.contracts.termination_record import Cut, truncate_to_fit
from swefoundry.programs.intake.fact_collector import collect_facts, encode_facts, language, with_test_facts
from swefoundry.programs.intake.manifests import CI, LOCKS, MANIFESTS, matching
from swefoundry.programs.intake.python_test_imports import ImportNeeds, import_needs
from swefoundry.programs.intake.testfile_classifier import is_test
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import writing


def facts_of(files: Mapping[str, bytes]) -> Facts:
    return collect_facts(sorted(files), lambda path: files[path], None, None)


def test_manifests_locks_and_metadata_are_read_with_those_at_the_root_first() -> None:
    files = {
        "pyproject.toml": b"[project]\n",
        "requirements/test.txt": b"pytest\n",
        "dev-requirements.txt": b"tox\n",
        "PKG-INFO": b"Name: x\n",
        "poetry.lock": b"lock\n",
        "examples/deep/down/setup.py": b"no\n",
        "docs/requirements.txt": b"sphinx\n",
        "a.py": b"",
    }
    found = facts_of(files)
    assert [file.path for file in found.manifests] == [
        "dev-requirements.txt",
        "pyproject.toml",
        "docs/requirements.txt",
        "requirements/test.txt",
        "poetry.lock",
        "PKG-INFO",
    ]
    assert found.manifests[1].text == "[project]\n"


def test_a_long_manifest_is_cut_and_says_so() -> None:
    [file] = facts_of({"setup.py": b"#" * 70_000}).manifests
    assert (len(file.text), file.truncated) == (65536, True)


@pytest.mark.parametrize(
    ("path", "patterns", "fits"),
    [
        ("setup.py", MANIFESTS, True),
        ("sub/setup.py", MANIFESTS, True),
        ("sub/sub/setup.py", MANIFESTS, False),
        ("requirements/dev.txt", MANIFESTS, True),
        ("tests/requirements/dev.txt", MANIFESTS, False),
        ("test-requirements.txt", MANIFESTS, True),
        ("notes.txt", MANIFESTS, False),
        (".github/workflows/ci.yml", CI, True),
        ("x/.github/workflows/ci.yml", CI, False),
        (".travis.yml", CI, True),
        ("sub/.travis.yml", CI, False),
        ("uv.lock", LOCKS, True),
    ],
)
def test_what_says_something_about_the_environment(path: str, patterns: tuple[str, ...], fits: bool) -> None:
    assert (matching([path], patterns, 9) == [path]) is fits


def test_hints_are_lines_of_guides_that_mention_tests() -> None:
    files = {
        "README.md": b"# Project\n\n    $ pip install -e .[test]\n    $ pytest -q\nProtest songs\n",
        "CONTRIBUTING.rst": b"Run ``tox`` first.\nRun ``tox`` first.\n",
        "docs/x.md": b"pytest",
    }
    assert facts_of(files).readme_hints == ["Run ``tox`` first.", "$ pip install -e .[test]", "$ pytest -q"]


def test_layout_and_languages() -> None:
    files = dict.fromkeys(
        [
            *("src/pkg/__init__.py", "src/pkg/inner/__init__.py", "src/pkg/a.py", "tests/__init__.py"),
            *("lib/other/__init__.py", "top/__init__.py", "setup.py", "src/__init__.py"),
            *("static/a.js", "static/b.js", "x.c", "README"),
        ],
        b"",
    )
    found = facts_of(files)
    assert found.languages == {"python": 8, "javascript": 2, "c": 1}
    assert found.root_entries == ["README", "lib/", "setup.py", "src/", "static/", "tests/", "top/", "x.c"]
    assert found.package_dirs == ["lib/other", "src", "src/pkg", "tests", "top"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["setup.py", "a.py", "a.js", "b.js", "c.js"], "python"),
        (["package.json", "a.ts", "b.ts", "a.py"], "typescript"),
        (["go.mod", "package.json", "a.go", "b.go", "a.js"], "go"),
        (["a.rb"], "ruby"),
        (["README"], None),
    ],
)
def test_the_main_language_is_the_one_that_the_root_declares(files: list[str], expected: str | None) -> None:
    assert language(facts_of(dict.fromkeys(files, b""))) == expected


def test_packages_of_a_workspace_are_read_at_any_depth_without_input_of_tests() -> None:
    files = [
        "package.json",
        "packages/core/package.json",
        "packages/core/test/package.json",
        "a/b/c/package.json",
    ]
    further = facts_of(dict.fromkeys(files, b"{}")).further_manifests
    assert [file.path for file in further] == ["packages/core/package.json", "a/b/c/package.json"]
    assert facts_of(dict.fromkeys(files[1:], b"{}")).further_manifests == []


def test_the_fingerprint_is_that_of_manifests_and_locks_alone() -> None:
    files = {"setup.py": b"1", "poetry.lock": b"1", "a.py": b"1", "PKG-INFO": b"1"}
    first = facts_of(files).fingerprint
    assert facts_of(files | {"a.py": b"2", "PKG-INFO": b"2"}).fingerprint == first
    assert facts_of(files | {"setup.py": b"2"}).fingerprint != first
    assert facts_of(files | {"poetry.lock": b"2"}).fingerprint != first


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("test_a.py", b"", True),
        ("pkg/a_test.py", b"", True),
        ("tests/conftest.py", b"def test(): ...", False),
        ("tests/__init__.py", b"", False),
        ("tests/a.py", b"def test_a():\n    pass\n", True),
        ("tests/a.py", b"    async def test_a(self):\n", True),
        ("tests/cases.py", b"class A(unittest.TestCase):\n", True),
        ("tests/helpers.py", b"def helper():\n", False),
        ("tests/data.json", b"{}", False),
        ("tests/gone.py", None, True),
        ("src/a.py", b"def test_a():", False),
        ("django/app/tests.py", b"", True),
        ("a.test.ts", b"", True),
        ("src/__tests__/a.js", b"", True),
        ("test/parse.mjs", b"", True),
        ("test/fixtures/calc.test.js", b"", True),
        ("test/fixtures/app.js", b"", False),
        ("test/helpers/server.js", b"", False),
        ("test/test-helper.js", b"", False),
        ("test/index.test-d.ts", b"", False),
        ("test/types.d.ts", b"", False),
        ("test/utils.js", b"exports.wait = () => {}\n", False),
        ("test/utils.js", b"test('merge()', function (t) {})\n", True),
        ("lib/utils/test/math.js", b"", True),
        ("test.js", b"var test = require('tap').test\ntest('splits', t => {})\n", True),
        ("test.js", b"var tape = require('tape')\ntape('splits', function (t) {})\n", True),
        ("test.js", b"require('vows').describe('Splitting').addBatch({}).export(module)\n", True),
        ("tests.mjs", b"import assert from 'node:assert'\nassert.equal(split('a'), 1)\n", True),
        ("test.ts", None, True),
        ("src/test.js", b"var common = require('./common')\ncommon.register('test', _test)\n", False),
        ("a_test.go", b"", True),
        ("tests/it.rs", b"", True),
        ("src/lib.rs", b"#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() {}\n}\n", True),
        ("src/lib.rs", b"#[tokio::test(flavor = 'x')]\nasync fn a() {}\n", True),
        ("src/lib.rs", b"#[cfg(test)]\nmod tests;\n#[testing]\nfn a() {}\n", False),
        ("src/test/java/x/ATest.java", b"", True),
        ("src/test/java/x/ATest.java", None, True),
        ("src/test/java/x/LoginIT.java", b"class LoginIT { @org.junit.Test void a() {} }", True),
        ("src/test/java/x/ATestCase.java", b"public class ATestCase extends TestCase {", True),
        ("src/test/java/x/Issue12.java", b"class Issue12 { @Test void a() {} }", True),
        (
            "src/test/java/x/AbstractTest.java",
            b"public abstract class AbstractTest { @Test void a() {} }",
            False,
        ),
        (
            "src/test/java/x/ATest.java",
            b"class ATest { @Test void a() { new Object() { abstract class B {} }; } }",
            True,
        ),
        ("src/test/java/x/TestUtils.java", b"public final class TestUtils { static int a; }", False),
        ("src/test/java/x/Helper.java", b"class Helper {}", False),
        ("src/main/java/x/Bench.java", b"class Bench { @Test void a() {} }", False),
        ("spec/a_spec.rb", b"", True),
        ("a.md", b"", False),
    ],
)
def test_which_files_are_named_to_the_test_command(path: str, content: bytes | None, expected: bool) -> None:
    assert is_test(path, content) is expected


def test_test_files_and_their_support_files_are_listed_apart() -> None:
    files = {
        "tests/test_a.py": b"import attr, os.path\nfrom pytest_mock import x\n",
        "tests/conftest.py": b"import freezegun\n",
        "conftest.py": b"import requests_mock\n",
        "other/conftest.py": b"import never\n",
        "tests/data/x.bin": b"\xff",
    }
    changed = ["tests/test_a.py", "tests/data/x.bin"]
    before = {"tests/test_old.py", "data.txt"}
    found = with_test_facts(Facts(), changed, before, set(files), lambda path: files[path])
    assert found == Facts(
        test_files=["tests/test_a.py"],
        new_test_files=["tests/test_a.py"],
        new_test_heads=[
            FileFact(
                path="tests/test_a.py",
                sha256=hashlib.sha256(files["tests/test_a.py"]).hexdigest(),
                text=files["tests/test_a.py"].decode(),
            )
        ],
        test_support_files=["tests/data/x.bin"],
        deleted_test_files=["tests/test_old.py"],
        test_imports=["attr", "freezegun", "os", "pytest_mock", "requests_mock"],
    )


MODERN = b"""\
import pytest, a.b as c
from . import sibling
from d.e import f
@pytest.fixture
def thing(tmp_path, mocker): ...
@pytest.mark.asyncio
async def test_a(self, thing, *, cls, caplog=None): import lazy
def helper(nothing): ...
pytestmark = [pytest.mark.slow, other.mark.no]
class TestX:
    @pytest.mark.parametrize("x", [1])
    def test_b(self, x): "\\d"
"""

OLD = b"""\
import a.b, c
from d.e import f
print "two"
@pytest.mark.slow
def test_a(self, tmpdir, x=1):
    pass
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            MODERN,
            ImportNeeds(
                frozenset({"pytest", "a", "d", "lazy"}),
                frozenset({"tmp_path", "mocker", "thing", "caplog", "x"}),
                frozenset({"asyncio", "slow", "parametrize"}),
            ),
        ),
        (OLD, ImportNeeds(frozenset({"a", "c", "d"}), frozenset({"tmpdir", "x"}), frozenset({"slow"}))),
        (b"\xef\xbb\xbfimport bom\n", ImportNeeds(imports=frozenset({"bom"}))),
        (b"\x00\xff", ImportNeeds()),
        (b"", ImportNeeds()),
        (b"(" * 5000, ImportNeeds()),
    ],
    ids=["modern", "Python 2", "with a byte order mark", "binary", "empty", "nested too deeply"],
)
def test_what_test_code_needs(source: bytes, expected: ImportNeeds) -> None:
    assert import_needs([source]) == expected


async def test_facts_are_of_the_tree_before_and_the_tests_after_the_test_patch(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()

    def base_files(root: Path) -> None:
        writing({"setup.py": b"old", "tests/test_old.py": b"", "pkg/__init__.py": b"", "\udcff.py": b""})(
            root
        )
        (root / "pyproject.toml").symlink_to("/etc/passwd")
        (root / "README.md").symlink_to("/etc")

    def test_files(root: Path) -> None:
        writing({"setup.py": b"new", "tests/test_ünï x.py": b"import mock\n", "tests/d.txt": b"1"})(root)
        (root / "tests/test_old.py").unlink()
        (root / "tests/test_link.py").symlink_to("/etc/passwd")

    base, before = repository.commit(base_files), repository.commit(test_files)
    record = await harness.run_intake(harness.origin(repository, base), repository.diff(base, before))
    facts = Facts.model_validate(await harness.facts(record))
    assert [(file.path, file.text) for file in facts.manifests] == [("setup.py", "old")]
    assert facts.test_files == ["tests/test_ünï x.py"]
    assert facts.test_support_files == ["setup.py", "tests/d.txt"]
    assert facts.deleted_test_files == ["tests/test_old.py"]
    assert facts.test_imports == ["mock"]
    assert facts.package_dirs == ["pkg"]
    assert (record.language, record.test_files, record.fingerprint) == ("python", 1, facts.fingerprint)


async def test_manifests_of_npm_are_read_as_the_fix_leaves_them(
    harness: IntakeHarness, tmp_path: Path
) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"package.json": b"old", "lib/package.json": b"same", "a.js": b"1\n"}))
    before = repository.commit(writing({"test/a.js": b"1\n"}))
    after = repository.commit(writing({"package.json": b"new", "a.js": b"2\n"}))
    record = await harness.run_intake(
        harness.origin(repository, base), repository.diff(base, before), repository.diff(before, after)
    )
    facts = Facts.model_validate(await harness.facts(record))
    assert [(file.path, file.text) for file in facts.fixed_manifests or []] == [("package.json", "new")]
    assert [file.text for file in facts.manifests] == ["old", "same"]


def test_equal_facts_are_equal_bytes() -> None:
    assert encode_facts(facts_of({"a.py": b"", "setup.py": b"x"})) == encode_facts(
        facts_of({"setup.py": b"x", "a.py": b""})
    )


@pytest.mark.parametrize("message", ["x" * 9000, "ж" * 9000, '"\\\n' * 5000, "\udcff" * 5000])
def test_a_record_always_fits_a_termination_message(message: str) -> None:
    expected = truncate_to_fit(IntakeResult(nonce="n", code=11, message=message), Cut("message"))
    assert len(expected) <= 4096
    read = IntakeResult.model_validate_json(expected)
    assert (read.nonce, read.code, len(read.message) > 500) == ("n", 11, True)
