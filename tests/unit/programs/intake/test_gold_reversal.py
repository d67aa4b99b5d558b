"""The gold patch is taken back from `after`, and what is left is compared with `before`."""

from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import writing

BLOCK = b"def f():\n    a\n    b\n    c\n    return 1\n\n\n"


async def test_a_hunk_that_fits_at_two_places_may_be_taken_out_at_the_wrong_one(
    harness: IntakeHarness,
) -> None:
    """The patch was made against a file without the block above: git finds its place by an offset."""
    repository = harness.repository()
    old = repository.commit(writing({"a.py": b"x\n" + BLOCK.replace(b"1", b"0")}))
    gold = repository.diff(old, repository.commit(writing({"a.py": b"x\n" + BLOCK})))
    base = repository.commit(writing({"a.py": b"x\n" + BLOCK + b"y\n" * 9 + BLOCK.replace(b"1", b"0")}))
    record = await harness.run_intake(harness.origin(repository, base), None, gold)
    assert record.gold_difference == "`after` without the gold patch differs from `before` in a.py"


async def test_without_a_gold_patch_nothing_is_compared(harness: IntakeHarness) -> None:
    repository = harness.repository()
    record = await harness.run_intake(harness.origin(repository, repository.commit(writing({"a": b"x"}))))
    assert record.gold_difference is None
