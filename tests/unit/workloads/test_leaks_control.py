"""The control that the result of a leaks pod amounts to."""

import pytest

from swefoundry.contracts.controls import ControlName, ControlResult
from swefoundry.contracts.leaks import LeakFinding, LeakKind, LeaksResult
from swefoundry.workloads.leaks.launch import leaks_control

EVIDENCE = "sha256:" + "e" * 64
LEAK = LeakFinding(kind=LeakKind.PATCH_LINES, path="opt/fix.diff", layer=7, digest="123456789abc")
HIDDEN = LEAK.model_copy(update={"hidden_by": 9})
BUNDLED = LeakFinding(
    kind=LeakKind.PATCH_LINES, path="site-packages/pip/_vendor/a.py", layer=2, of_tools=True
)
STATEMENT = LeakFinding(kind=LeakKind.STATEMENT, path="spec.problemStatement")

CASES: dict[str, tuple[LeaksResult, str, str]] = {
    "nothing was found": (LeaksResult(nonce="n", code=0, layers=8), "Passed", "8 layers searched"),
    "one leak": (
        LeaksResult(nonce="n", code=0, findings=[LEAK], counts={LeakKind.PATCH_LINES: 1}),
        "Failed",
        "LeakFound: PatchLines opt/fix.diff in layer 7",
    ),
    "several leaks, the first one hidden": (
        LeaksResult(
            nonce="n", code=0, findings=[HIDDEN], counts={LeakKind.PATCH_LINES: 2, LeakKind.TEST_IDS: 1}
        ),
        "Failed",
        "LeakFound: PatchLines opt/fix.diff in layer 7, hidden by layer 9 (+2 more)",
    ),
    "a leak in no layer": (
        LeaksResult(nonce="n", code=0, findings=[STATEMENT], counts={LeakKind.STATEMENT: 1}),
        "Failed",
        "LeakFound: Statement spec.problemStatement",
    ),
    "copies that tools bring": (
        LeaksResult(nonce="n", code=0, layers=1, findings=[BUNDLED], of_tools=2),
        "Passed",
        "1 layer searched; 2 copied files that tools bring, such as site-packages/pip/_vendor/a.py",
    ),
    "a layer that was not read": (
        LeaksResult(nonce="n", code=0, layers=1, unread="layer 2 (abc): too large"),
        "Unknown",
        "not read: layer 2 (abc): too large",
    ),
    "a leak beside a layer that was not read": (
        LeaksResult(nonce="n", code=0, findings=[LEAK], counts={LeakKind.PATCH_LINES: 1}, unread="layer 2"),
        "Failed",
        "LeakFound: PatchLines opt/fix.diff in layer 7",
    ),
}


@pytest.mark.parametrize(("record", "result", "message"), CASES.values(), ids=CASES.keys())
def test_a_search_ends_as_a_control(record: LeaksResult, result: str, message: str) -> None:
    found = leaks_control(record.model_copy(update={"evidence": EVIDENCE}))
    assert (found.name, found.result, found.message, found.evidence) == (
        ControlName.LEAKS,
        result,
        message,
        EVIDENCE,
    )


def test_a_search_that_could_not_begin_is_unknown() -> None:
    record = LeaksResult(nonce="n", code=12, message="the source is not in the registry")
    assert leaks_control(record) == ControlResult(
        name=ControlName.LEAKS, result="Unknown", message="the source is not in the registry"
    )
