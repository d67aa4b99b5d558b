"""Rules that a Dockerfile must pass before it is built.

The rules protect the content of a task image (the checked source, and nothing fetched in its place), the meaning of a
build's exit code (no failure hidden), and the cluster (known bases, nothing privileged). They find honest mistakes of
strategies and people; they are not a sandbox: the build pod is. `docs/building.md` lists them.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.build_stages import (
    BuildStage,
    build_stages,
    has_source,
    placements,
    pulled_images,
)
from swefoundry.dockerfile.image_names import LOCAL_TRANSPORT, is_allowed, normalized
from swefoundry.dockerfile.parser import KEYWORDS, Instruction, parse

DOCKERFILE_LIMIT_BYTES = 65_536
"""Longer Dockerfiles are not written by hand."""

ESCAPED_LIMIT_BYTES = 98_304
"""The same as a JSON string: the spec of a build is one environment variable, which Linux limits to 131,072 bytes
(MAX_ARG_STRLEN), and contains the commands, too.
"""


class PolicyRule(StrEnum):
    """Names of the rules."""

    SIZE = "size"
    SYNTAX = "syntax"
    BASE = "base"
    SOURCE = "source"
    CLONE = "clone"
    REMOTE_ADD = "remote-add"
    HIDDEN_FAILURE = "hidden-failure"
    PRIVILEGE = "privilege"


@dataclass(frozen=True)
class Violation:
    """A violation of a rule."""

    line: int
    rule: PolicyRule
    message: str
    """A sentence that names the line and the fix."""


@dataclass(frozen=True)
class PolicyInput:
    """Input of the rules."""

    instructions: tuple[Instruction, ...]
    stages: tuple[BuildStage, ...]
    allowed_bases: tuple[str, ...]
    composed: str | None = None
    """An image that swefoundry composed, with the source in it."""


def violations(dockerfile: str, allowed_bases: Sequence[str], composed: str | None = None) -> list[Violation]:
    """Return all violations in the order of lines; no allowed bases means that any base may be used.

    ``composed`` is the image that a rebuild starts from: it is allowed, and has the source under /testbed already.
    """
    too_long = _size_problem(dockerfile)
    if too_long:
        return [Violation(1, PolicyRule.SIZE, too_long)]
    instructions = parse(dockerfile)
    subject = PolicyInput(instructions, build_stages(instructions), tuple(allowed_bases), composed)
    broken = list(syntax_is_known(subject))
    if not broken:
        broken = [violation for rule in RULES for violation in rule(subject)]
    return sorted(broken, key=lambda each: each.line)


def _size_problem(dockerfile: str) -> str:
    size = len(dockerfile.encode())
    if size > DOCKERFILE_LIMIT_BYTES:
        return f"Line 1: the Dockerfile has {size} bytes; shorten it to {DOCKERFILE_LIMIT_BYTES}."
    quoted = len(json.dumps(dockerfile, ensure_ascii=False).encode())
    if quoted > ESCAPED_LIMIT_BYTES:
        return (
            f"Line 1: the Dockerfile has {quoted} bytes with its quotes, backslashes and control characters "
            f"escaped; shorten it to {ESCAPED_LIMIT_BYTES}."
        )
    return ""


def syntax_is_known(policy: PolicyInput) -> Iterator[Violation]:
    """Every keyword exists, every heredoc ends, and a FROM comes first. buildah reports other errors."""
    for each in policy.instructions:
        if each.keyword not in KEYWORDS:
            yield _violation(
                each,
                PolicyRule.SYNTAX,
                f"{each.keyword[:40]} is not a Dockerfile instruction; correct or remove it",
            )
        for heredoc in each.heredocs:
            if not heredoc.closed:
                fix = f"end it with a line that contains only {heredoc.name}"
                yield _violation(each, PolicyRule.SYNTAX, f"the heredoc {heredoc.name} never ends; {fix}")
    first = next((each for each in policy.instructions if each.keyword != "ARG"), None)
    if first is None:
        yield Violation(1, PolicyRule.SYNTAX, "Line 1: there is no FROM; begin with `FROM <image>`.")
    elif first.keyword != "FROM":
        yield _violation(
            first,
            PolicyRule.SYNTAX,
            f"{first.keyword} comes before the first FROM; begin with `FROM <image>`",
        )


def bases_are_allowed(policy: PolicyInput) -> Iterator[Violation]:
    """Images of FROM, COPY --from and RUN --mount=from= are known, on a registry, and on the list."""
    for instruction, image in pulled_images(policy.stages):
        if image is not None and image == policy.composed:
            continue
        if image is None:
            fix = "give its ARG a default before the first FROM"
            yield _violation(
                instruction,
                PolicyRule.BASE,
                f"the image `{instruction.arguments}` has an unset variable; {fix}",
            )
        elif LOCAL_TRANSPORT.match(image):
            fix = "name an image of a registry"
            yield _violation(
                instruction, PolicyRule.BASE, f"`{image}` is read from the builder's disk; {fix}"
            )
        elif image != "scratch" and policy.allowed_bases and not is_allowed(image, policy.allowed_bases):
            names = ", ".join(policy.allowed_bases)
            fix = f"use one that matches {names}"
            yield _violation(
                instruction, PolicyRule.BASE, f"{normalized(image)} is not among the allowed images; {fix}"
            )


def source_is_copied(policy: PolicyInput) -> Iterator[Violation]:
    """The last stage has the whole context under /testbed."""
    if policy.stages and not has_source(policy.stages):
        last = policy.stages[-1].from_instruction
        if policy.composed is not None and policy.stages[-1].image == policy.composed:
            return
        what = f"the last stage does not copy the source to {SOURCE_ROOT}"
        yield _violation(
            last, PolicyRule.SOURCE, f"{what}; add `COPY . {SOURCE_ROOT}` after installing dependencies"
        )


CLONE_COMMAND = re.compile(
    r"""\b(?: git (?:\s+-\S+(?:\s+[^-\s]\S*)?){0,8}? \s+ (?:clone|fetch|pull|submodule\s+(?:add|update))
        | gh\s+repo\s+clone | hg\s+clone | svn\s+(?:checkout|co|export) | bzr\s+branch )\b""",
    re.VERBOSE,
)


def nothing_is_cloned(policy: PolicyInput) -> Iterator[Violation]:
    """No clone replaces the checked source. `pip install git+…` is allowed."""
    for each in _run_instructions(policy):
        found = CLONE_COMMAND.search(_shell_text(each))
        if found:
            what = f"`{' '.join(found[0].split())}` fetches a repository"
            yield _violation(
                each, PolicyRule.CLONE, f"{what}; the source is in the context, use `COPY . {SOURCE_ROOT}`"
            )


REMOTE_SOURCE = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|git@)|^[\w.-]+\.\w+/\S+\.git(?:#|$)", re.IGNORECASE)


def nothing_remote_is_added(policy: PolicyInput) -> Iterator[Violation]:
    """ADD copies files of the context only: its downloads are neither pinned nor cached."""
    for stage in policy.stages:
        for placed in placements(stage):
            remote = next((source for source in placed.sources if REMOTE_SOURCE.match(source)), None)
            if placed.instruction.keyword == "ADD" and remote:
                fix = "download it in a RUN step and check its sha256, or install a package"
                yield _violation(
                    placed.instruction, PolicyRule.REMOTE_ADD, f"ADD downloads `{remote[:120]}`; {fix}"
                )


INSTALL_COMMAND = re.compile(
    r"""\b(?: pip[0-9.]*\s+(?:\S+\s+){0,6}?install | uv\s+(?:pip\s+)?(?:install|sync|add)
        | (?:poetry|pdm|pipenv)\s+(?:install|sync|add) | (?:conda|mamba|micromamba)\s+(?:install|create|env)
        | apt(?:-get)?\s+(?:\S+\s+){0,6}?(?:install|update|build-dep) | apk\s+add
        | (?:npm|pnpm|yarn)\s+(?:ci|install|add|i)\b | (?:bundle|gem|composer)\s+install
        | go\s+(?:mod\s+download|get|install|build) | cargo\s+(?:fetch|build|install)
        | mvnw?\s | gradlew?\s | make\b | python[0-9.]*\s+setup\.py\s+(?:install|develop|build_ext) )""",
    re.VERBOSE,
)
"""Commands whose failure leaves the environment incomplete."""

HIDDEN_FAILURE = re.compile(
    r"""\|\|\s*(?:true|:|exit\s+0|/bin/true|echo\b[^&|;]*)(?=\s*(?:$|[;&|)}"']))
        | ;\s*(?:true|:|exit\s+0)\s*(?:$|["'])""",
    re.VERBOSE,
)
COMMAND_END = re.compile(r"&&|\n|(?<!\|)\|(?!\|)")


def failures_are_not_hidden(policy: PolicyInput) -> Iterator[Violation]:
    """A failed install must fail the build: otherwise the tests fail for a reason that no log shows."""
    for each in _run_instructions(policy):
        for command in COMMAND_END.split(_shell_text(each)):
            install, hiding = INSTALL_COMMAND.search(command), HIDDEN_FAILURE.search(command)
            if install and hiding and install.start() < hiding.start():
                what = f"`{hiding[0].strip()}` hides a failed `{' '.join(install[0].split())}`"
                fix = "remove it so that the build fails where the fault is"
                yield _violation(each, PolicyRule.HIDDEN_FAILURE, f"{what}; {fix}")
                break


def heredocs_stop_at_failures(policy: PolicyInput) -> Iterator[Violation]:
    """A heredoc script continues after a failed command, unlike lines joined by &&."""
    for each in _run_instructions(policy):
        if not each.arguments.startswith("<<") or len(each.arguments.split()) > 1:
            continue
        body = "\n".join(heredoc.body for heredoc in each.heredocs)
        exits_on_error = re.search(
            r"^\s*set\s+-(?:[a-zA-Z]*e|o\s+errexit)", body, re.MULTILINE
        ) or body.startswith("#!")
        if INSTALL_COMMAND.search(body) and not exits_on_error and len(body.strip().splitlines()) > 1:
            fix = "make `set -e` its first line"
            yield _violation(
                each, PolicyRule.HIDDEN_FAILURE, f"a heredoc script continues after a failed command; {fix}"
            )


def nothing_is_privileged(policy: PolicyInput) -> Iterator[Violation]:
    """No privileged steps and no SSH agent: the build pod has neither."""
    for each in _run_instructions(policy):
        if each.flag("security") == "insecure":
            yield _violation(
                each, PolicyRule.PRIVILEGE, "builds run without privileges; remove `--security=insecure`"
            )
        if any("type=ssh" in flag for flag in each.flags):
            yield _violation(
                each, PolicyRule.PRIVILEGE, "builds have no SSH agent; remove `--mount=type=ssh`"
            )


RULES: tuple[Callable[[PolicyInput], Iterator[Violation]], ...] = (
    bases_are_allowed,
    source_is_copied,
    nothing_is_cloned,
    nothing_remote_is_added,
    failures_are_not_hidden,
    heredocs_stop_at_failures,
    nothing_is_privileged,
)


def _run_instructions(policy: PolicyInput) -> Iterable[Instruction]:
    return (each for each in policy.instructions if each.keyword == "RUN")


def _shell_text(instruction: Instruction) -> str:
    """Return the shell text of a RUN, heredocs included, comment lines dropped."""
    command = (
        " ".join(instruction.words()) if instruction.arguments.startswith("[") else instruction.arguments
    )
    text = "\n".join([command, *(heredoc.body for heredoc in instruction.heredocs)])
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _violation(instruction: Instruction, rule: PolicyRule, message: str) -> Violation:
    return Violation(instruction.line, rule, f"Line {instruction.line}: {message}.")
