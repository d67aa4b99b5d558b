"""Parse a Dockerfile into instructions.

A parser of our own, because the maintained alternative (dockerfile-parse) does not support heredocs and had its last
release in 2023. It reads what the policy and the builder need and rejects nothing: errors are for ``policy`` to report,
and in the end for buildah. Syntax: https://docs.docker.com/reference/dockerfile/
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

KEYWORDS = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"}
    | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)

_DIRECTIVE = re.compile(r"^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_HEREDOC = re.compile(r"(?:^|(?<=\s))\d*<<(-?)(['\"]?)([A-Za-z_][A-Za-z0-9_.]*)\2(?=$|[\s;|&)>])")
_VARIABLE = re.compile(r"\\\$|\$(?:\{(\w+)(?::?([-+])([^}]*))?\}|(\w+))")


@dataclass(frozen=True)
class Heredoc:
    """A heredoc of an instruction."""

    name: str
    body: str
    closed: bool = True


@dataclass(frozen=True)
class Instruction:
    """An instruction with its continuation lines joined."""

    line: int
    """First line, counted from 1."""
    last_line: int
    """Last line, heredocs included."""
    keyword: str
    """Upper case."""
    flags: tuple[str, ...]
    """``--from=x`` and the like, as written."""
    arguments: str
    """The rest of the joined line."""
    heredocs: tuple[Heredoc, ...] = ()

    def flag(self, name: str) -> str | None:
        """The value of the last ``--name=value``; the empty string for a bare ``--name``."""
        for flag in reversed(self.flags):
            key, _, value = flag[2:].partition("=")
            if key == name:
                return value
        return None

    def words(self) -> list[str]:
        """The arguments as a list, in JSON form or split at blanks."""
        if self.arguments.startswith("["):
            try:
                parsed = json.loads(self.arguments)
            except ValueError:
                parsed = None
            if isinstance(parsed, list) and all(isinstance(word, str) for word in parsed):
                return parsed
        return self.arguments.split()


def parse(text: str) -> tuple[Instruction, ...]:
    """Return the instructions of a Dockerfile in order; unknown keywords are kept."""
    lines = text.removeprefix("\ufeff").splitlines()
    return tuple(_instructions(lines, _escape_character(lines)))


def expand_variables(text: str, values: Mapping[str, str]) -> str | None:
    """``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME:+other}`` replaced; None when a name has no value."""
    unset = False

    def value(found: re.Match[str]) -> str:
        nonlocal unset
        if found[0] == "\\$":
            return "$"
        known = values.get(found[1] or found[4], "")
        if found[2] == "+":
            return found[3] if known else ""
        if found[2] == "-":
            return known or found[3]
        unset = unset or not known
        return known

    expanded = _VARIABLE.sub(value, text)
    return None if unset else expanded


def assignments(instruction: Instruction) -> dict[str, str]:
    """The names that an ARG or ENV instruction gives values to; quotes are removed, variables are not expanded."""
    words = re.findall(r"""(?:[^\s"']|"(?:\\.|[^"\\])*"|'[^']*')+""", instruction.arguments)
    if instruction.keyword == "ENV" and words and "=" not in words[0]:
        return {words[0]: instruction.arguments[len(words[0]) :].strip()}
    pairs = (word.split("=", 1) for word in words if "=" in word)
    return {name: re.sub(r"""["']""", "", value) for name, value in pairs}


def _escape_character(lines: list[str]) -> str:
    """Read the `escape` directive from the comments ``# name=value`` at the beginning."""
    for line in lines:
        directive = _DIRECTIVE.match(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
            return directive[2]
    return "\\"


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    at = 0
    while at < len(lines):
        if _is_comment(lines[at]):
            at += 1
            continue
        joined, after = _joined(lines, at, escape)
        if not joined:  # a lone continuation character
            at = after
            continue
        heredocs, end = _heredocs(joined, lines, after)
        yield _instruction(joined, (at + 1, end), heredocs)
        at = end


def _is_comment(line: str) -> bool:
    stripped = line.strip()
    return not stripped or stripped.startswith("#")


def _joined(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """Return the logical line that starts at ``at`` and the index of the next; comments inside it are dropped."""
    parts: list[str] = []
    while at < len(lines):
        line, at = lines[at].rstrip(), at + 1
        if parts and _is_comment(line):
            continue
        if not line.endswith(escape):
            parts.append(line)
            break
        parts.append(line[: -len(escape)])
    return "".join(parts).strip(), at


def _heredocs(joined: str, lines: list[str], at: int) -> tuple[tuple[Heredoc, ...], int]:
    if joined.split(None, 1)[0].upper() not in ("RUN", "COPY", "ADD"):
        return (), at
    found: list[Heredoc] = []
    for opening in _HEREDOC.finditer(joined):
        body: list[str] = []
        closed = False
        while at < len(lines) and not closed:
            line, at = lines[at].lstrip("\t") if opening[1] else lines[at], at + 1
            closed = line == opening[3]
            if not closed:
                body.append(line)
        found.append(Heredoc(opening[3], "\n".join(body), closed))
    return tuple(found), at


def _instruction(joined: str, span: tuple[int, int], heredocs: tuple[Heredoc, ...]) -> Instruction:
    keyword, rest = _first_word(joined)
    flags: list[str] = []
    while rest.startswith("--"):
        flag, rest = _first_word(rest)
        flags.append(flag)
    return Instruction(span[0], span[1], keyword.upper(), tuple(flags), rest, heredocs)


def _first_word(text: str) -> tuple[str, str]:
    word, *rest = text.split(None, 1)
    return word, rest[0] if rest else ""
