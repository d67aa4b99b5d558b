"""Read tests and their statuses from a TAP stream (version 12, 13 or 14).

A subtest's points are indented and come *before* the point of the test they belong to::

    # Subtest: parser
        ok 1 - reads
        not ok 2 - writes
        1..2
    not ok 1 - parser

The leaves count (``parser > reads``); the parent counts only when it failed and none of its leaves did.
"""

import re
from dataclasses import dataclass, field

from swefoundry.grading.testcase_ids import stable_name, without_duration
from swefoundry.grading.testcase_status import CaseStatus, Tally

TEST_POINT = re.compile(
    r"^(?P<bad>not )?ok\b(?:[ \t]+(?P<number>\d+)\b)?(?:[ \t]*-(?=[ \t]|$))?[ \t]*(?P<rest>.*)$"
)
TAP_DIRECTIVE = re.compile(r"(?<!\\)(?:\\\\)*#[ \t]*(?P<word>skip|todo)(?P<tail>[^#]*)$", re.IGNORECASE)
TAP_TIME = re.compile(r"(?<!\\)#[ \t]*time=\S*", re.IGNORECASE)
TEST_PLAN = re.compile(r"^1\.\.(?P<count>\d+)[ \t]*(?:#(?P<comment>.*))?$")
BAIL_OUT = re.compile(r"^Bail out!(?P<why>.*)$", re.IGNORECASE)
VERSION_LINE = re.compile(r"^TAP version \d+$", re.IGNORECASE)
TAP_ESCAPE = re.compile(r"\\([\\#])")

MAX_SUBTEST_DEPTH = 32
"""Deepest level of subtests that is kept apart; no report written by people has more."""


@dataclass
class SubtestLevel:
    """Points of one level whose parent has not come yet."""

    results: list[tuple[str, CaseStatus]] = field(default_factory=list)
    points: int = 0
    planned: int | None = None


def looks_like_tap(text: str) -> bool:
    """Whether there is a version or a plan; a line that starts with `ok` may also come from `go test`."""
    lines = (line.rstrip() for line in text.split("\n"))
    return any(VERSION_LINE.match(line) or TEST_PLAN.match(line) for line in lines)


def read_tap(content: bytes, tally: Tally) -> int:
    """Add every leaf to the tally; return the number of leaves."""
    reader = _Reader()
    for line in content.decode("utf-8", "replace").split("\n"):
        reader.line(line.rstrip("\r"))
    results = reader.close()
    for test, status in results:
        tally.add(test, status)
    for problem in reader.problems:
        tally.problem(problem)
    return len(results)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self._levels: list[SubtestLevel] = [SubtestLevel()]
        self._yaml: str | None = None
        """Indentation of the YAML block that is being skipped."""

    def line(self, raw: str) -> None:
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
            self.problems.append(f"the tests bailed out:{bail['why'] or ' no reason given'}")

    def _skips_yaml(self, text: str, indent: str) -> bool:
        if self._yaml is not None:
            if text.rstrip() == "..." and indent == self._yaml:
                self._yaml = None
            return True
        if text.rstrip() == "---" and indent:
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
        block.results.extend((f"{name} > {child}", how) for child, how in children)
        broken = status in (CaseStatus.FAILED, CaseStatus.ERROR)
        if not children or (
            broken and not any(how in (CaseStatus.FAILED, CaseStatus.ERROR) for _, how in children)
        ):
            block.results.append((name, status))

    def _plan(self, plan: re.Match[str], level: int) -> None:
        self._open(level)
        self._levels[level].planned = int(plan["count"])
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
            self.problems.append(f"the plan says {block.planned} tests and {block.points} were reported")

    def close(self) -> list[tuple[str, CaseStatus]]:
        self._close_down_to(0)
        return self._levels[0].results


def _name_and_status(point: re.Match[str], position: int) -> tuple[str, CaseStatus]:
    text, passed = TAP_TIME.sub("", point["rest"]), point["bad"] is None
    directive = TAP_DIRECTIVE.search(text)
    if directive:
        text = text[: directive.start()]
    name = without_duration(stable_name(TAP_ESCAPE.sub(r"\1", text))) or point["number"] or str(position)
    word = directive["word"].lower() if directive else ""
    if word == "skip":
        return name, CaseStatus.SKIPPED
    if word == "todo" and not passed:
        return name, CaseStatus.XFAILED
    return name, CaseStatus.PASSED if passed else CaseStatus.FAILED
