"""Read tests and their statuses from a TAP stream (version 12, 13 or 14).

A subtest's points are indented and come *before* the point of the test they belong to::

    # Subtest: parser
        ok 1 - reads
        not ok 2 - writes
        1..2
    not ok 1 - parser

The leaves count (``parser > reads``); the parent counts only when it failed and none of its leaves did. A failed point
without a parent or children that is named like a script is a file that ended before its first test.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from swefoundry.grading.report_text import UnreadableReport, lines
from swefoundry.grading.testcase_ids import IdForms, limited, plain_id, without_duration
from swefoundry.grading.testcase_status import CaseResult, CaseStatus, Tally

TEST_POINT = re.compile(
    r"^(?P<bad>not )?ok\b(?:[ \t]+(?P<number>[0-9]+)\b)?(?:[ \t]*-(?:[ \t]+|\Z))?[ \t]*(?P<rest>.*)\Z",
    re.ASCII,
)
TAP_TIME = re.compile(r"(^|[^\\])#[ \t]*time=[^ \t]*")
TEST_PLAN = re.compile(r"^1\.\.(?P<count>[0-9]{1,9})[ \t]*(?:#(?P<comment>.*))?\Z")
BAIL_OUT = re.compile(r"^Bail out!(?P<why>.*)\Z", re.IGNORECASE)
VERSION_LINE = re.compile(r"^TAP version [0-9]+\Z", re.IGNORECASE)
TAP_ESCAPE = re.compile(r"\\([\\#])")
BLANK = " \t\r"

SCRIPT_NAME = re.compile(r"[^ \t]+\.[cm]?[jt]sx?\Z", re.ASCII)
"""How runners of JavaScript name the point of a file."""

MISSING_TESTS = "(planned tests that did not run)"
BAILED_OUT = "(bailed out)"
"""Ids of what is missing in a stream. No test is named like this, and neither is ever in an exported list."""

MAX_SUBTEST_DEPTH = 32
"""Deepest level of subtests that is kept apart; no report written by people has more."""


@dataclass
class SubtestLevel:
    """Points of one level whose parent has not come yet."""

    results: list[tuple[IdForms, CaseResult]] = field(default_factory=list)
    points: int = 0
    planned: int | None = None


def read_tap(pieces: Iterable[str], tally: Tally) -> None:
    """Add every leaf to the tally."""
    reader = _Reader()
    for line in lines(pieces):
        reader.line(line.rstrip("\r"))
    if not reader.known:
        raise UnknownFormat("neither JUnit XML, TAP, go test -json nor cargo test")
    results = reader.close()
    for test, result in results:
        tally.add(test, result)
    for problem in reader.problems:
        tally.problem(problem)
    if not reader.planned:
        raise Planless("no plan: the stream may have been cut off")


class UnknownFormat(Exception):
    """A text without a version and a plan; a line that starts with ``ok`` may also come from ``go test``."""


class Planless(UnreadableReport):
    """A stream that does not say how many tests it has. What is in it counts, and more may be missing."""


class _Reader:
    def __init__(self) -> None:
        self.known = False
        """A version or a plan was seen."""
        self.planned = False
        self.problems: list[str] = []
        self._missing = self._bailed = False
        self._levels: list[SubtestLevel] = [SubtestLevel()]
        self._yaml: str | None = None
        """Indentation of the YAML block that is being skipped."""

    def line(self, raw: str) -> None:
        end = raw.rstrip(BLANK)
        self.known = self.known or bool(VERSION_LINE.match(end) or TEST_PLAN.match(end))
        text = raw.lstrip(" \t")
        indent = raw[: len(raw) - len(text)].replace("\t", "    ")
        if self._skips_yaml(text, indent):
            return
        level = min(len(indent) // 4, MAX_SUBTEST_DEPTH)
        if point := TEST_POINT.match(text):
            self._point(point, level)
        elif plan := TEST_PLAN.match(text):
            self._plan(plan, level)
        elif (bail := BAIL_OUT.match(text)) is not None:
            self._bailed = True
            self.problems.append(f"the tests bailed out:{bail['why'] or ' no reason given'}")

    def _skips_yaml(self, text: str, indent: str) -> bool:
        if self._yaml is not None:
            if text.rstrip(BLANK) == "..." and indent == self._yaml:
                self._yaml = None
            return True
        if text.rstrip(BLANK) == "---" and indent:
            self._yaml = indent
            return True
        return False

    def _point(self, point: re.Match[str], level: int) -> None:
        self._open(level)
        self._close_down_to(level + 1)
        children = self._levels.pop().results if len(self._levels) > level + 1 else []
        block = self._levels[level]
        block.points += 1
        name, status = _name_and_status(point, block.points)
        block.results.extend((_below(name, child), result) for child, result in children)
        if not children:
            block.results.append((name, _leaf_result(name, status, level)))
        elif _is_broken(status) and not any(_is_broken(result.status) for _, result in children):
            block.results.append((name, CaseResult(status)))

    def _plan(self, plan: re.Match[str], level: int) -> None:
        self._open(level)
        self._levels[level].planned = int(plan["count"])
        self.planned = self.planned or level == 0
        comment = (plan["comment"] or "").strip()
        if level == 0 and plan["count"] == "0" and comment.lower().startswith("skip"):
            self.problems.append(f"all tests were skipped: {comment}")

    def _open(self, level: int) -> None:
        while len(self._levels) <= level:
            self._levels.append(SubtestLevel())

    def _close_down_to(self, level: int) -> None:
        """Move up points that are deeper than the next parent and whose own parents never came."""
        while len(self._levels) > level + 1:
            orphans = self._levels.pop()
            self._check(orphans)
            self._levels[-1].results.extend(orphans.results)
        if len(self._levels) == level + 1:
            self._check(self._levels[-1])

    def _check(self, block: SubtestLevel) -> None:
        if block.planned is not None and block.planned != block.points:
            self._missing = self._missing or block.planned > block.points
            self.problems.append(f"the plan says {block.planned} tests and {block.points} were reported")

    def close(self) -> list[tuple[IdForms, CaseResult]]:
        self._close_down_to(0)
        missing = [MISSING_TESTS] * self._missing + [BAILED_OUT] * self._bailed
        return [
            *self._levels[0].results,
            *((plain_id(name), CaseResult(CaseStatus.ERROR)) for name in missing),
        ]


def _is_broken(status: CaseStatus) -> bool:
    return status in (CaseStatus.FAILED, CaseStatus.ERROR)


def _leaf_result(name: IdForms, status: CaseStatus, level: int) -> CaseResult:
    if status is CaseStatus.FAILED and level == 0 and SCRIPT_NAME.match(name.raw):
        return CaseResult(CaseStatus.ERROR, uncollected=True)
    return CaseResult(status)


def _below(parent: IdForms, leaf: IdForms) -> IdForms:
    return IdForms(limited(f"{parent.raw} > {leaf.raw}"), limited(f"{parent.stable} > {leaf.stable}"))


def _name_and_status(point: re.Match[str], position: int) -> tuple[IdForms, CaseStatus]:
    text, word = _without_directive(TAP_TIME.sub(r"\1", point["rest"]))
    passed = point["bad"] is None
    name = _point_id(text, point["number"] or str(position))
    if word == "skip":
        return name, CaseStatus.SKIPPED
    if word == "todo" and not passed:
        return name, CaseStatus.XFAILED
    return name, CaseStatus.PASSED if passed else CaseStatus.FAILED


def _point_id(text: str, number: str) -> IdForms:
    name = plain_id(TAP_ESCAPE.sub(r"\1", text))
    stable = without_duration(name.stable)
    return IdForms(name.raw, stable) if stable else IdForms(number, number)


def _without_directive(text: str) -> tuple[str, str]:
    """Take off what follows the last ``#``, when that is not escaped and begins with skip or todo."""
    rest, hash_sign, tail = text.rpartition("#")
    escapes = len(rest) - len(rest.rstrip("\\"))
    word = tail.lstrip(" \t")[:4].lower()
    if hash_sign and escapes % 2 == 0 and word in ("skip", "todo"):
        return rest, word
    return text, ""
