"""Evaluations of controls that need pods of their own. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from swefoundry.api.taskinstance import ControlEvaluation, Prepared
from swefoundry.contracts.controls import ControlName
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.workloads.attempt import Work, control_work
from swefoundry.workloads.evaluation.launch import Variation

FAILED_BEFORE = frozenset({ExitCode.TESTS_FAILED, ExitCode.ABORTED, ExitCode.TIME_LIMIT})
"""Codes of `before` that a valid instance can have."""

NUMBERS: Mapping[ControlName, Sequence[int]] = {
    ControlName.SHUFFLED: (0,),
    ControlName.CPU: (1, 2, 4),
}
"""Numbers of the works of each control that needs nothing of intake but the layer of `after`."""


def missing_control_works(observed: Observation) -> list[Work]:
    """Evaluations that the controls still need; none unless the matrix can give `fail2pass`."""
    status = observed.task.status
    if not can_be_valid(observed):
        return []
    ended = {control_work(item.control, item.number) for item in status.control_evaluations}
    works = control_works(observed.task.spec.validation.controls, status.prepared)
    return [work for work in works if work not in ended]


def control_works(names: Iterable[ControlName], prepared: Prepared | None) -> tuple[Work, ...]:
    """Every evaluation of the controls: one per mutant, and one with a later clock where intake left its layer."""
    mutants = prepared.mutants.count if prepared and prepared.mutants else 0
    clocks = 1 if prepared and prepared.clock_layer else 0
    numbers = {**NUMBERS, ControlName.MUTATED_GOLD: range(mutants), ControlName.CLOCK: range(clocks)}
    return tuple(control_work(name, number) for name in names for number in numbers.get(name, ()))


def control_variation(work: Work, instance_id: str) -> Variation:
    """What the work changes; the same for each attempt at it."""
    if work.control is ControlName.SHUFFLED:
        seed = int.from_bytes(hashlib.sha256(instance_id.encode()).digest()[:4]) or 1
        return Variation(shuffle_seed=seed)
    if work.control is ControlName.CPU:
        return Variation(cpus=work.number)
    if work.control is ControlName.CLOCK:
        return Variation(later_clock=True)
    return Variation()


def with_control_evaluation(
    evaluations: Sequence[ControlEvaluation], evaluation: ControlEvaluation
) -> list[ControlEvaluation]:
    """Add an evaluation, in place of the one of the same work."""
    key = (evaluation.control, evaluation.number)
    others = [item for item in evaluations if (item.control, item.number) != key]
    return sorted([*others, evaluation], key=lambda item: (item.control, item.number))


def can_be_valid(observed: Observation) -> bool:
    """Whether the matrix can give `fail2pass`, as far as the status tells; the verdict also looks at single tests.

    A time limit before the fix counts as a failure where a test hangs, and a failure after it does not where only
    unstable tests fail.
    """
    samples = {
        stage: [item for item in observed.task.status.evaluations if item.stage is stage] for stage in PROBE
    }
    before, after = ({item.code for item in samples[stage]} for stage in PROBE)
    unstable = len({item.outcomes for item in samples[Stage.AFTER] if item.outcomes}) > 1
    passed = ExitCode.OK in after or (ExitCode.TESTS_FAILED in after and unstable)
    return passed and not before.isdisjoint(FAILED_BEFORE)
