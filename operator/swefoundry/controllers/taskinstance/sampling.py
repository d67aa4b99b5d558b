"""Samples in the status of a TaskInstance and of its EnvBuild, and the evaluations that are still needed. Pure."""

from collections.abc import Sequence

from swefoundry.api.envbuild import ProbeResult
from swefoundry.api.taskinstance import Evaluation
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.grading.samples import Sample
from swefoundry.grading.stopping_rule import needs_more_samples
from swefoundry.workloads.attempt import Work, evaluation_work


def matrix_works(pairs: int) -> tuple[Work, ...]:
    """One evaluation of `base`, which decides nothing, and ``pairs`` of `before` and `after`."""
    paired = (evaluation_work(stage, repeat) for repeat in range(pairs) for stage in PROBE)
    return (evaluation_work(Stage.BASE, 0), *paired)


def missing_evaluations(observed: Observation) -> list[Work]:
    """Evaluations that the verdict still needs; empty when it can be given."""
    validation, evaluations = observed.task.spec.validation, observed.task.status.evaluations
    begun = max((item.repeat + 1 for item in evaluations if item.stage in PROBE), default=0)
    pairs = max(begun, validation.min_repeats)
    missing = _missing(pairs, evaluations)
    if not missing and pairs < validation.repeats and needs_more_samples(_samples(observed)):
        return _missing(pairs + 1, evaluations)
    return missing


def judged_probes(observed: Observation) -> list[ProbeResult]:
    """Probes of the task image with the draft that the matrix runs; none when the EnvBuild is gone."""
    if observed.build is None or observed.image is None:
        return []
    judged = (observed.image.digest, observed.build.status.draft)
    rounds = [item for item in observed.build.status.rounds if (item.image, item.draft) == judged]
    return [item for item in rounds[-1].probes if item.stage in PROBE] if rounds else []


def _missing(pairs: int, evaluations: Sequence[Evaluation]) -> list[Work]:
    ended = {evaluation_work(item.stage, item.repeat) for item in evaluations}
    return [work for work in matrix_works(pairs) if work not in ended]


def _samples(observed: Observation) -> list[Sample]:
    """The probes ran first. One that ended with a fault is none: the matrix has its own."""
    probes = [
        Sample(item.stage, item.code, item.outcomes)
        for item in judged_probes(observed)
        if item.code is not None
    ]
    evaluations = sorted(observed.task.status.evaluations, key=lambda item: item.repeat)
    return [*probes, *(Sample(item.stage, item.code, item.outcomes) for item in evaluations)]
