"""Rule that decides, from the samples of a status alone, whether another pair of evaluations is run. Pure.

Samples that agree end the work. Where they differ, pairs (`before`, `after`) are run one at a time until there are at
least five samples of each stage, and the last two gave nothing that an earlier one had not given.

Confidence: a test that passes with probability p, in both stages alike, gets into FAIL_TO_PASS only when it fails in
all samples of `before` and passes in all of `after`. The probe does not count here: its draft was accepted because of
what it showed. In n other samples of each stage that happens with probability (p (1 - p))^n, which is at most (1/4)^n.
For n = 4 it is 1/256 = 0.39 %, below 1 %: the confidence is 99 %. `validation.minRepeats` 4 gives it also where the
first samples agree.
"""

from collections.abc import Sequence

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.stages import PROBE
from swefoundry.grading.samples import Sample

ENOUGH_SAMPLES = 5
"""The probe, and four samples of each stage that bound the probability above at 0.39 %."""
QUIET_SAMPLES = 2
"""Last samples that must have given nothing new."""

MENDABLE_CODES = frozenset({ExitCode.OK, ExitCode.TESTS_FAILED})
"""Codes that may differ only because of unstable tests, which can be dropped."""


def needs_more_samples(samples: Sequence[Sample]) -> bool:
    """Whether another pair may change the verdict or the sets of tests; ``samples`` in the order of their runs."""
    stages = [[item for item in samples if item.stage is stage] for stage in PROBE]
    if not all(_can_be_mended(stage) for stage in stages) or all(_agree(stage) for stage in stages):
        return False
    return any(len(stage) < ENOUGH_SAMPLES or _is_news(stage) for stage in stages)


def _agree(stage: Sequence[Sample]) -> bool:
    return len(_codes(stage)) == 1 and len({item.outcomes for item in stage if item.outcomes}) <= 1


def _can_be_mended(stage: Sequence[Sample]) -> bool:
    """Whether dropping tests can make the samples agree; no number of runs mends a fault or a time limit."""
    codes = _codes(stage)
    if None in codes or not codes:
        return False
    return len(codes) == 1 or (codes <= MENDABLE_CODES and all(item.outcomes for item in stage))


def _codes(stage: Sequence[Sample]) -> set[int | None]:
    return {item.code for item in stage}


def _is_news(stage: Sequence[Sample]) -> bool:
    earlier = stage[:-QUIET_SAMPLES]
    return any(item not in earlier for item in stage[-QUIET_SAMPLES:])
