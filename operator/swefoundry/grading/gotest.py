"""Read tests and their statuses from the events of ``go test -json``.

Each package stands for itself. One that cannot be built, or ends before its first test, is an error of the package, as
a Python file that cannot be imported is. A test without an end (its process ended, in Go before 1.14 by a panic)
failed. A package that fails although its tests pass (``TestMain``, a data race) is an error that is no test's.
``images/runner/gotest.go`` reads the same.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from swefoundry.grading.report_text import SPACE, lines
from swefoundry.grading.tap import UnknownFormat
from swefoundry.grading.testcase_ids import junit_id, plain_id
from swefoundry.grading.testcase_status import CaseResult, CaseStatus, Tally, worse_status

BEGINNINGS = ("{", "FAIL\t")
"""How a stream begins."""

UNBUILT = re.compile(r"FAIL\t([^\t ]+) \[(?:build|setup) failed\]")
"""What Go before 1.20 prints, outside of the events, for a package that it could not build."""

ENDS = {"pass": CaseStatus.PASSED, "skip": CaseStatus.SKIPPED, "fail": CaseStatus.FAILED}
"""Actions that end a test or a package."""

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class UnendedPackage(Exception):
    """A stream without the end of a package: tests may be missing."""


@dataclass
class PackageEvents:
    """Events of one package."""

    tests: dict[str, CaseStatus] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """Tests that have an end."""
    closed: bool = False
    """The package has an end."""
    failed: bool = False

    def see(self, action: str, test: str) -> None:
        status = ENDS.get(action)
        if not test and status is not None:
            self.closed, self.failed = True, self.failed or status is CaseStatus.FAILED
        elif test and action == "run" and test not in self.ended:
            self.tests[test] = CaseStatus.FAILED
        elif test and status is not None:
            known = test in self.ended
            self.tests[test] = worse_status(self.tests[test], status) if known else status
            self.ended.add(test)

    def add_to(self, tally: Tally, name: str) -> None:
        for test, status in self.tests.items():
            tally.add(junit_id(name, test), CaseResult(status))
        if self.failed and CaseStatus.FAILED not in self.tests.values():
            tally.add(plain_id(name), CaseResult(CaseStatus.ERROR, uncollected=not self.tests))


def read_go_test(pieces: Iterable[str], tally: Tally) -> None:
    """Add every test to the tally; raise ``UnendedPackage`` afterwards when the stream was cut off."""
    packages: dict[str, PackageEvents] = {}
    known = False
    for line in lines(pieces):
        text = line.strip(SPACE)
        if (unbuilt := UNBUILT.fullmatch(text)) is not None:
            known = True
            packages.setdefault(unbuilt[1], PackageEvents()).see("fail", "")
            continue
        event = _event(text)
        action, name = _text(event, "Action"), _text(event, "Package")
        known = known or bool(action and (name or _text(event, "ImportPath")))
        if name:
            packages.setdefault(name, PackageEvents()).see(action, _text(event, "Test"))
    if not known:
        raise UnknownFormat("neither JUnit XML, TAP, go test -json nor cargo test")
    for name, events in packages.items():
        events.add_to(tally, name)
    if not all(events.closed for events in packages.values()):
        raise UnendedPackage("a package has no end: the stream may have been cut off")


def _event(line: str) -> dict[str, Any]:
    """Return the object of a line; an empty one for other output."""
    try:
        event = json.loads(line, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _text(event: dict[str, Any], key: str) -> str:
    value = event.get(key)
    return LONE_SURROGATE.sub("\ufffd", value) if isinstance(value, str) else ""
