"""Read what any Dockerfile installs: from its last stage and the stages that this one is built from."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from packaging.utils import canonicalize_name

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.build_stages import BuildStage, build_stages
from swefoundry.dockerfile.parser import Instruction, assignments, parse

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,.-]*\])?\s*(?:[<>=!~;].*)?")
_SOURCE_ARGUMENT = re.compile(r"(?:\.(?:/[\w./-]*)?|/testbed(?:/[\w./-]*)?)(?:\[[\w,.-]*\])?")
_TAKES_A_VALUE = re.compile(
    r"-[rcifCtp]|--(?:requirements?|constraints?|(?:extra-|default-)?index(?:-url)?|find-links|target|prefix|python"
    r"|timeout|trusted-host|config-settings?|no-binary|only-binary|retries|root|resolution|prerelease|upgrade-strategy)"
)
"""Options of pip and uv whose next word is not a requirement."""


@dataclass
class DockerfileInstalls:
    """The parts of a Dockerfile that matter to a Python environment."""

    base: str | None = None
    apt: frozenset[str] = frozenset()
    requirements: list[str] = field(default_factory=list)
    """As written."""
    until: date | None = None
    """Resolution date (`uv pip install --exclude-newer`)."""
    package_dates: list[tuple[str, date]] = field(default_factory=list)
    """Distributions that are resolved as of another day."""
    editable: bool = False
    installer_resolves: bool = False
    """The installer resolved the project's own requirements."""
    python_path: tuple[str, ...] = ()
    """Folders of the source on PYTHONPATH, relative to its root."""


def read_dockerfile_installs(dockerfile: str) -> DockerfileInstalls:
    """Parse a Dockerfile; what is not understood is ignored."""
    installs = DockerfileInstalls()
    chain = _stage_chain(build_stages(parse(dockerfile)))
    if chain:
        installs.base = chain[0].image
    for each in (instruction for stage in chain for instruction in stage.body):
        if each.keyword == "ENV":
            _read_env(each, installs)
        if each.keyword == "RUN":
            for words in _shell_commands(each):
                _read_command(words, installs)
    return installs


def _stage_chain(all_stages: Sequence[BuildStage]) -> list[BuildStage]:
    """Return the stages that the last one is built from, and the last one."""
    chain: list[BuildStage] = []
    index: int | None = len(all_stages) - 1 if all_stages else None
    while index is not None:
        chain.insert(0, all_stages[index])
        index = all_stages[index].parent
    return chain


def _read_env(instruction: Instruction, installs: DockerfileInstalls) -> None:
    for folder in assignments(instruction).get("PYTHONPATH", "").split(":"):
        if folder == SOURCE_ROOT or folder.startswith(SOURCE_ROOT + "/"):
            installs.python_path += (folder.removeprefix(SOURCE_ROOT).strip("/"),)


def _shell_commands(instruction: Instruction) -> Iterator[list[str]]:
    shell = " ".join(instruction.words()) if instruction.arguments.startswith("[") else instruction.arguments
    lines = (line for heredoc in instruction.heredocs for line in heredoc.body.splitlines())
    for line in (shell, *(line for line in lines if not line.lstrip().startswith("#"))):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            words = list(lexer)
        except ValueError:
            continue
        for ends, command in groupby(words, key=lambda word: not word.strip(";&|")):
            if not ends:
                yield list(command)


def _read_command(words: list[str], installs: DockerfileInstalls) -> None:
    if "install" in words:
        at = words.index("install")
        program, arguments = words[:at], words[at + 1 :]
        if any(word in ("apt-get", "apt") for word in program):
            names = (word.partition("=")[0] for word in arguments if not word.startswith("-"))
            installs.apt |= {name for name in names if _PACKAGE.fullmatch(name)}
        elif any(re.fullmatch(r"pip[\d.]*", word.rpartition("/")[2]) for word in program):
            _read_pip_arguments(arguments, installs)
    elif "setup.py" in words and "develop" in words:
        installs.editable = True


def _read_pip_arguments(arguments: list[str], installs: DockerfileInstalls) -> None:
    own = False
    for before, word in zip(["", *arguments], arguments, strict=False):
        name, _, day = word.partition("=")
        if before == "--exclude-newer":
            installs.until = _parse_day(word) or installs.until
        elif before == "--exclude-newer-package" and _parse_day(day) is not None:
            installs.package_dates.append((str(canonicalize_name(name)), _parse_day(day) or date.max))
        elif _SOURCE_ARGUMENT.fullmatch(word):
            own = True
            installs.editable |= before in ("-e", "--editable")
        elif not _TAKES_A_VALUE.fullmatch(before) and _REQUIREMENT.fullmatch(word):
            installs.requirements.append(word)
    installs.installer_resolves |= own and "--no-deps" not in arguments


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
