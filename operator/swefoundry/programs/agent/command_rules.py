"""Does a test command say what the tests say? Rules that it must keep, because its exit code is the verdict; pure.

They find honest mistakes and what a hostile README talks a model into: a command that always succeeds would make a good
row look as if its tests passed without the fix.
"""

import re
import shlex
from collections.abc import Iterator

FILES = "{files}"
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
    """What is wrong, with the fix; empty when nothing is."""
    if requires_files and FILES not in command:
        return f"the test command must hold {FILES}, which stands for the test files that must run"
    nothing = _RUNS_NOTHING.search(command)
    if nothing:
        return f"`{nothing[1]}` lets the command succeed without running a test; remove it"
    out = _SKIPS_TESTS.search(command) if _PYTEST.search(command) else None
    if out:
        return f"`{out[1].strip()}` leaves tests out; all tests of the files must run"
    return _exit_code_problem(command)


def _exit_code_problem(command: str) -> str:
    """Whether anything but the test runner decides on the exit code."""
    try:
        words = list(_shell_words(command))
    except ValueError as error:
        return f"the shell cannot read the command: {error}"
    at = max((number for number, (word, _) in enumerate(words) if FILES in word), default=None)
    if at is None:
        return ""
    inner, substituted = words[at]
    if " " in inner.strip():
        return _exit_code_problem(inner)
    after = next((word for word, within in words[at:] if word in _SEPARATORS and not within), None)
    if after:
        return (
            f"after {FILES} nothing but `&&` may follow, because `{after}` changes the exit code; remove it"
        )
    return "" if substituted else _missing_runner_problem([word for word, _ in words[:at]])


def _missing_runner_problem(before: list[str]) -> str:
    """Whether the command that gets the files is one that always succeeds."""
    starts = (number + 1 for number, word in enumerate(before) if word in _COMMAND_STARTS)
    first = next((word for word in before[max(starts, default=0) :] if "=" not in word), "")
    return f"`{first}` runs no test" if first in _COMMANDS_WITHOUT_TESTS else ""


def _shell_words(command: str) -> Iterator[tuple[str, bool]]:
    """Words and operators, and whether they stand in a `$(…)`; a line end is a `;`."""
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
