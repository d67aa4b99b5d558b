"""Which lines of tests show that the result may depend on being root, and to which test they belong."""

import pytest

from swefoundry.programs.intake.root_sensitive import root_sensitive_tests

FILE = b"""\
import os
from os import geteuid

@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_marked():
    pass

class TestA:
    async def test_inner(self):
        def helper():
            os.chmod(path, 0)

    @fixture
    def test_plain(self):
        os.chmod(path, 0o755)
"""


def test_a_sign_belongs_to_its_test_function_with_its_decorators() -> None:
    assert root_sensitive_tests({"tests/test_a.py": FILE}) == [
        "tests/test_a.py::test_inner",
        "tests/test_a.py::test_marked",
    ]


def test_a_sign_outside_of_a_test_function_belongs_to_the_file() -> None:
    files = {
        "tests/test_a.py": b"ROOT = os.getuid() == 0\n",
        "tests/conftest.py": b"@pytest.fixture\ndef closed(tmp_path):\n    tmp_path.chmod(0o500)\n",
        "tests/test_b.py": b"def test_b(): pass\n",
    }
    assert root_sensitive_tests(files) == ["tests/conftest.py", "tests/test_a.py"]


def test_files_that_cannot_be_parsed_are_read_as_text() -> None:
    assert root_sensitive_tests({"t.py": b"def test_a():\n    print 'x'\n    os.chmod(p, 0)\n"}) == ["t.py"]
    assert root_sensitive_tests({"t.py": b"\xff\xfe\x00\x00("}) == []


@pytest.mark.parametrize(
    "line",
    [
        "if os.geteuid() == 0:",
        "@skip_if_root",
        "@unittest.skipIf(os.getuid() == 0, 'x')",
        "if getpass.getuser() == 'root':",
        "with pytest.raises(PermissionError):",
        "assert error.errno == errno.EACCES",
        "pytest.raises(OSError, match='Permission denied')",
        "assert not os.access(path, os.W_OK)",
        "path.chmod(0)",
        "os.chmod(path, 0o000)",
        "path.chmod(0o444)",
        "os.chmod(path, stat.S_IRUSR)",
        "os.chmod(path, path.stat().st_mode & ~stat.S_IWUSR)",
        "os.chmod(path, mode)",
        "subprocess.run(['chmod', '000', path])",
        "open('/root/x', 'w')",
    ],
)
def test_signs(line: str) -> None:
    assert root_sensitive_tests({"t.py": line.encode()}) == ["t.py"]


@pytest.mark.parametrize(
    "line",
    [
        "path.chmod(0o755)",
        "os.chmod(path, 0o0644)",
        "os.chmod(path, os.stat(path).st_mode | stat.S_IEXEC)",
        "os.chmod(path, stat.S_IWRITE)",
        "from os import geteuid, chmod",
        "root = tree.root",
        "assert node.is_root",
        "user.getuidance()",
    ],
)
def test_no_signs(line: str) -> None:
    assert root_sensitive_tests({"t.py": line.encode()}) == []
