"""Evaluations of controls that need pods of their own. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from swefoundry.api.taskinstance import ControlEvaluation
from swefoundry.contracts.controls import ControlName
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.grading.verdict import Verdict, pair_verdict
from swefoundry.workloads.attempt import Work, control_work
from swefoundry.workloads.evaluation.launch import Variation

NUMBERS: Mapping[ControlName, Sequence[int]] = {
    ControlName.SHUFFLED: (0,),
    ControlName.CPU: (1, 2, 4),
}
"""Numbers of the works of each control with pods of its own, but for `MutatedGold`: it has one per mutant."""


def missing_control_works(observed: Observation) -> list[Work]:
    """Evaluations that the controls still need; none unless exit codes of the matrix say `fail2pass`."""
    status = observed.task.status
    if not can_be_valid(observed):
        return []
    ended = {control_work(item.control, item.number) for item in status.control_evaluations}
    mutants = status.prepared.mutants if status.prepared else None
    works = control_works(observed.task.spec.validation.controls, mutants.count if mutants else 0)
    return [work for work in works if work not in ended]


def control_works(names: Iterable[ControlName], mutants: int = 0) -> tuple[Work, ...]:
    """Every evaluation of the controls."""
    numbers = {**NUMBERS, ControlName.MUTATED_GOLD: range(mutants)}
    return tuple(control_work(name, number) for name in names for number in numbers.get(name, ()))


def control_variation(work: Work, instance_id: str) -> Variation:
    """What the work changes; the same for each attempt at it."""
    if work.control is ControlName.SHUFFLED:
        seed = int.from_bytes(hashlib.sha256(instance_id.encode()).digest()[:4]) or 1
        return Variation(shuffle_seed=seed)
    if work.control is ControlName.CPU:
        return Variation(cpus=work.number)
    return Variation()


def with_control_evaluation(
    evaluations: Sequence[ControlEvaluation], evaluation: ControlEvaluation
) -> list[ControlEvaluation]:
    """Add an evaluation, in place of the one of the same work."""
    key = (evaluation.control, evaluation.number)
    others = [item for item in evaluations if (item.control, item.number) != key]
    return sorted([*others, evaluation], key=lambda item: (item.control, item.number))


def can_be_valid(observed: Observation) -> bool:
    """Whether exit codes of the matrix say `fail2pass`; the verdict also looks at single tests."""
    codes: dict[Stage, list[int]] = {stage: [] for stage in Stage}
    for item in observed.task.status.evaluations:
        if item.code is not None:
            codes[item.stage].append(item.code)
    return any(
        pair_verdict(before, after) is Verdict.FAIL2PASS
        for before in codes[Stage.BEFORE]
        for after in codes[Stage.AFTER]
    )
