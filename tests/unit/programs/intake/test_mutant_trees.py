"""Mutants of a gold patch in the registry: each is the tree of `after` without one hunk."""

from typing import Any

from swefoundry.contracts.intake import IntakeResult
from swefoundry.contracts.mutants import Mutant, MutantList
from swefoundry.contracts.stages import Stage
from swefoundry.oci.deterministic_tar import RegularFile
from unit.programs.intake.intake_harness import IntakeHarness
from unit.programs.intake.repositories import Edit, both, mode, removing, renaming, writing

LINES = b"".join(b"%d\n" % number for number in range(30))
GONE = b"gone\n" * 9
EDITED = LINES.replace(b"2\n3\n", b"2\nadded\n3\n", 1).replace(b"19\n", b"")


async def an_intake(harness: IntakeHarness, gold: Edit, **options: Any) -> IntakeResult:
    repository = harness.repository()
    base = repository.commit(
        writing({"a.py": LINES, "gone.py": GONE, "old.py": LINES + b"old", "run.sh": LINES})
    )
    tested = repository.commit(writing({"test_a.py": b"test\n"}))
    test = repository.diff(base, tested)
    fix = repository.diff(tested, repository.commit(gold))
    return await harness.run_intake(harness.origin(repository, base), test, fix, **options)


async def listed(harness: IntakeHarness, record: IntakeResult) -> list[Mutant]:
    assert record.mutants is not None, record
    content = await harness.registry.get_blob(harness.repo, record.mutants.blob, 1 << 20)
    return MutantList.model_validate_json(content).mutants


async def test_each_mutant_differs_from_after_in_the_file_of_its_hunk(harness: IntakeHarness) -> None:
    gold = both(
        both(writing({"a.py": EDITED, "new.py": b"new\n"}), removing("gone.py")),
        both(
            renaming("old.py", "moved.py", LINES + b"moved"),
            both(writing({"run.sh": LINES + b"x"}), mode("run.sh", 0o755)),
        ),
    )
    record = await an_intake(harness, gold, mutants=True)
    after = await harness.stage(record, Stage.AFTER)
    found = {}
    for mutant in await listed(harness, record):
        tree = await harness.tree_with(record, mutant.layer)
        found[mutant.location] = {
            path: tree.get(path)
            for path in sorted(after.keys() | tree.keys())
            if after.get(path) != tree.get(path)
        }
    assert found == {
        "a.py:4": {b"a.py": RegularFile(LINES.replace(b"19\n", b""))},
        "a.py:20": {b"a.py": RegularFile(LINES.replace(b"2\n3\n", b"2\nadded\n3\n", 1))},
        "gone.py": {b"gone.py": RegularFile(GONE)},
        "moved.py:31": {b"moved.py": RegularFile(LINES + b"old")},
        "new.py": {b"new.py": None},
        "run.sh:31": {b"run.sh": RegularFile(LINES, executable=True)},
    }
    assert record.mutants and (record.mutants.count, record.mutants.hunks) == (6, 6)
    assert record.gold_difference == ""


async def test_at_most_eight_of_many_hunks_are_left_out(harness: IntakeHarness) -> None:
    gold = writing({f"{number}.py": b"new\n" for number in range(20)})
    record = await an_intake(harness, gold, mutants=True)
    assert record.mutants and (record.mutants.count, record.mutants.hunks) == (8, 20)
    assert len(record.to_json()) < 4096


async def test_a_patch_with_one_hunk_has_no_mutant(harness: IntakeHarness) -> None:
    record = await an_intake(harness, writing({"a.py": LINES + b"new\n"}), mutants=True)
    assert record.mutants and (record.mutants.count, record.mutants.hunks) == (0, 1)
    assert await listed(harness, record) == []


async def test_without_the_control_there_are_no_mutants(harness: IntakeHarness) -> None:
    assert (await an_intake(harness, writing({"a.py": EDITED}))).mutants is None
