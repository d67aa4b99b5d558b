"""How a draft's test command becomes an evaluation's, and when it is too long for any shell."""

import pytest

from swefoundry.drafts.evaluation_command import (
    COMMAND_LIMIT_BYTES,
    NO_FILES_NOTE,
    command_length_problem,
    expand_files,
    no_files_note,
)


def test_test_files_are_quoted_and_other_braces_stay() -> None:
    assert (
        expand_files("pytest {files} -k '{a,b}'", ["t/a.py", "t/b c.py"])
        == "pytest t/a.py 't/b c.py' -k '{a,b}'"
    )


def test_a_command_of_usual_length_is_passed_on() -> None:
    assert (
        command_length_problem("pytest -q {files}", [f"tests/test_{number}.py" for number in range(1000)])
        == ""
    )


def test_a_command_too_long_for_a_shell_says_what_to_do() -> None:
    files = [f"tests/{'deep/' * 10}test_{number}.py" for number in range(2000)]
    size = len(expand_files("pytest {files}", files)) + 2
    assert size > COMMAND_LIMIT_BYTES
    assert command_length_problem("pytest {files}", files) == (
        f"The test command has {size} bytes with its 2000 test files, more than the 98304 that can be passed on; "
        "name their folders instead of {files}."
    )


def test_what_grows_when_it_is_escaped_counts_as_it_is_sent() -> None:
    assert command_length_problem('"' * (COMMAND_LIMIT_BYTES // 2), []).startswith(
        "The test command has 98306 bytes "
    )


def test_a_command_whose_placeholder_is_empty_gets_a_note() -> None:
    assert no_files_note("sh {files}", 0) == NO_FILES_NOTE


@pytest.mark.parametrize(("command", "files"), [("sh {files}", 1), ("sh tests/run.sh", 0)])
def test_a_command_with_files_gets_no_note(command: str, files: int) -> None:
    assert no_files_note(command, files) == ""
