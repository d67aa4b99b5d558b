"""The layer of the control `Clock`: that of `after`, with the library that shifts clocks beside the runner."""

from swefoundry.contracts.stages import Stage
from swefoundry.oci.deterministic_tar import RegularFile
from unit.oci import layer_rules
from unit.programs.intake.intake_harness import CLOCK_LIBRARY, IntakeHarness
from unit.programs.intake.repositories import writing


async def test_the_layer_is_that_of_after_with_the_library(harness: IntakeHarness) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"a.py": b"wrong\n"}))
    gold = repository.diff(base, repository.commit(writing({"a.py": b"right\n"})))
    record = await harness.run_intake(harness.origin(repository, base), gold=gold, later_clock=True)
    assert record.clock_layer is not None, record
    with_library, after = [
        layer_rules.apply(await harness.registry.get_blob(harness.repo, layer.digest, layer.size), {})
        for layer in (record.clock_layer, record.layers[Stage.AFTER])
    ]
    assert with_library == after | {b".swefoundry/libfaketime.so.1": RegularFile(CLOCK_LIBRARY)}
    assert with_library[b"testbed/a.py"] == RegularFile(b"right\n")


async def test_without_the_control_there_is_no_such_layer(harness: IntakeHarness) -> None:
    repository = harness.repository()
    base = repository.commit(writing({"a.py": b"a\n"}))
    record = await harness.run_intake(harness.origin(repository, base))
    assert (record.code, record.clock_layer) == (0, None)
