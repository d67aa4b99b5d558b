"""Read tests and their statuses from the output of ``cargo test``.

cargo names a target (``Running tests/api.rs (target/debug/deps/api-…)``), whose tests print a line each and in the end
how many they were. Each target stands for itself: one that cannot be built, or ends before that last line, is an error
of the target. A test that was started alone and has no end failed. Where the last line counts other results than were
read, output of the tests got between them. A command that builds target by target names each beforehand, without the
parentheses, with a path below the source; what cargo says of it then names it again, below its package.
``images/runner/cargotest.go`` reads the same.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from swefoundry.grading.report_text import lines
from swefoundry.grading.tap import UnknownFormat
from swefoundry.grading.testcase_ids import junit_id, plain_id
from swefoundry.grading.testcase_status import CaseResult, CaseStatus, Tally, worse_status

CARGO_BEGINNINGS = ("Compiling ", "Finished ", "Running ", "running ")
"""How the output begins, after spaces."""

NAMED_BEFOREHAND = re.compile(r" {3,}Running ([^ ()]+\.rs)")
NAMED_BY_CARGO = re.compile(
    r" {3,}(?:Running (?:unittests )?(?:([^ ()]+\.rs) )?\(?[^ ()]*deps/([^ ()]+)-[0-9a-f]{16}\)?|Doc-tests ([^ ()]+))"
)
TESTS_START = re.compile(r"running [0-9]+ tests?")
TEST_LINE = re.compile(r"test ([^ ].*?)(?: - should panic| - compile(?: fail)?)? \.\.\. (.*)")
TEST_END = re.compile(r"(ok|FAILED|ignored|bench:)(?:,? .*)?")
TESTS_END = re.compile(r"test result: (?:ok|FAILED)\. ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored;.*")

STATUSES = {
    "ok": CaseStatus.PASSED,
    "bench:": CaseStatus.PASSED,
    "FAILED": CaseStatus.FAILED,
    "ignored": CaseStatus.SKIPPED,
}


class MixedOutput(Exception):
    """A target whose results were not all read."""


@dataclass
class TargetOutput:
    """Output of one target."""

    name: str
    beforehand: bool = False
    """Not named by cargo yet."""
    tests: dict[str, CaseStatus] = field(default_factory=dict)
    counts: Counter[CaseStatus] = field(default_factory=Counter)
    """Results since the tests started."""
    running: str = ""
    """The test that was started alone and has no end yet."""
    started: bool = False
    ended: bool = False
    mixed: bool = False

    def see(self, line: str) -> None:
        if TESTS_START.fullmatch(line):
            self.mixed = self.mixed or (self.started and not self.ended)
            self.started, self.ended = True, False
            self.counts.clear()
        elif (end := TESTS_END.fullmatch(line)) is not None:
            statuses = (CaseStatus.PASSED, CaseStatus.FAILED, CaseStatus.SKIPPED)
            counted = {status: int(number) for status, number in zip(statuses, end.groups(), strict=True)}
            self.ended, self.running = True, ""
            self.mixed = self.mixed or any(self.counts[each] != counted[each] for each in statuses)
        elif self.started and not self.ended:
            self._see_test(line)

    def _see_test(self, line: str) -> None:
        test = TEST_LINE.fullmatch(line)
        if test is not None:
            self.running, line = test[1], test[2]
        if self.running and (end := TEST_END.fullmatch(line)) is not None:
            status = STATUSES[end[1]]
            self.counts[status] += 1
            self.tests[self.running] = worse_status(self.tests.get(self.running, status), status)
            self.running = ""

    def add_to(self, tally: Tally) -> None:
        if self.running:
            self.tests[self.running] = CaseStatus.FAILED
        for test, status in self.tests.items():
            tally.add(junit_id(self.name, test), CaseResult(status))
        if not self.ended:
            tally.add(
                plain_id(self.name or "cargo test"), CaseResult(CaseStatus.ERROR, uncollected=not self.tests)
            )


def read_cargo_test(pieces: Iterable[str], tally: Tally) -> None:
    """Add every test to the tally; raise ``MixedOutput`` afterwards when results are missing."""
    targets: list[TargetOutput] = []
    for line in lines(pieces):
        _read_line(line.rstrip("\r"), targets)
    if not targets:
        raise UnknownFormat("neither JUnit XML, TAP, go test -json nor cargo test")
    for target in targets:
        target.add_to(tally)
    mixed = sorted(target.name for target in targets if target.mixed)
    if mixed:
        raise MixedOutput(
            f"{', '.join(mixed)}: other results than the last line counts; output got between them"
        )


def _read_line(line: str, targets: list[TargetOutput]) -> None:
    if (beforehand := NAMED_BEFOREHAND.fullmatch(line)) is not None:
        targets.append(TargetOutput(beforehand[1], beforehand=True))
    elif (named := NAMED_BY_CARGO.fullmatch(line)) is not None:
        if targets and targets[-1].beforehand and not targets[-1].started:
            targets[-1].beforehand = False
        else:
            targets.append(TargetOutput(named[1] or named[2] or named[3]))
    elif TESTS_START.fullmatch(line) and not (targets and targets[-1].name):
        targets.append(TargetOutput(""))  # standard output alone has no names of targets
    if targets:
        targets[-1].see(line)
