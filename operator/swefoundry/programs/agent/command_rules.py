"""Rules for test commands: the exit code is the verdict, so it has to be the test runner's own. Pure.

They catch mistakes, and commands that a hostile README talks a model into: a command that always succeeds would make it
look as if the tests passed without the fix.
"""

import re
import shlex
from collections.abc import Iterator

from swefoundry.drafts.evaluation_command import FILES_PLACEHOLDER

_SEPARATORS = frozenset({"|", "||", "|&", ";", ";;", "&"})
_COMMAND_STARTS = _SEPARATORS | {"&&", "("}
_COMMANDS_WITHOUT_TESTS = frozenset(
    {"true", ":", "echo", "printf", "cat", "ls", "test", "[", "exit", "sleep"}
)
_RUNS_NOTHING = re.compile(
    r"(?<!\S)(--collect-only|--co|--setup-only|--setup-plan|--passWithNoTests|--dry-run)\b"
)
_SKIPS_TESTS = re.compile(r"(?<!\S)(-k(?:\s|=|['\"])|--deselect\b|--ignore(?:-glob)?\b)")
_PYTEST = re.compile(r"\bpy\.?test\b")


def command_problem(command: str, requires_files: bool) -> str:
    """A sentence with the problem and its fix; empty when there is none."""
    if requires_files and FILES_PLACEHOLDER not in command:
        return (
            f"the test command must hold {FILES_PLACEHOLDER}, which stands for the test files that must run"
        )
    match = _RUNS_NOTHING.search(command)
    if match:
        return f"`{match[1]}` lets the command succeed without running a test; remove it"
    match = _SKIPS_TESTS.search(command) if _PYTEST.search(command) else None
    if match:
        return f"`{match[1].strip()}` leaves tests out; all tests of the files must run"
    return _exit_code_problem(command)


def _exit_code_problem(command: str) -> str:
    """The problem when something other than the test runner sets the exit code; else empty."""
    try:
        words = list(_shell_words(command))
    except ValueError as error:
        return f"the shell cannot read the command: {error}"
    index = max((number for number, (word, _) in enumerate(words) if FILES_PLACEHOLDER in word), default=None)
    if index is None:
        return ""
    word, substituted = words[index]
    if " " in word.strip():  # a quoted script, as in `sh -c "..."`
        return _exit_code_problem(word)
    after = next((each for each, inside in words[index:] if each in _SEPARATORS and not inside), None)
    if after:
        return (
            f"after {FILES_PLACEHOLDER} nothing but `&&` may follow, because `{after}` changes the exit code; "
            "remove it"
        )
    return "" if substituted else _missing_runner_problem([each for each, _ in words[:index]])


def _missing_runner_problem(before: list[str]) -> str:
    """The problem when the command that gets the files is not a test runner; else empty."""
    starts = (number + 1 for number, word in enumerate(before) if word in _COMMAND_STARTS)
    first = next((word for word in before[max(starts, default=0) :] if "=" not in word), "")
    return f"`{first}` runs no test" if first in _COMMANDS_WITHOUT_TESTS else ""


def _shell_words(command: str) -> Iterator[tuple[str, bool]]:
    """Words and operators, each with whether it is inside `$(…)` or `<(…)`; a line end counts as `;`."""
    joined = re.sub(r"\\\n", " ", command.strip())
    lexer = shlex.shlex(joined.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.commenters = ""
    lexer.whitespace_split = True
    opened: list[bool] = []
    before = ""
    for word in lexer:
        if set(word) <= set("()"):
            for sign in word:
                if sign == "(":
                    opened.append(before.endswith(("$", "<")))
                elif opened:
                    opened.pop()
        yield word, any(opened)
        before = word
