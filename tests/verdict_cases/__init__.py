"""Labelled cases of verdicts, which `tests/unit/runner/test_labelled_verdicts.py` and `benchmarks/verdicts` evaluate."""

from verdict_cases.labelled_case import LabelledCase
from verdict_cases.other_verdicts import OTHER_VERDICTS
from verdict_cases.turning import TURNING
from verdict_cases.uncollectable import UNCOLLECTABLE

LABELLED_CASES: tuple[LabelledCase, ...] = (*UNCOLLECTABLE, *TURNING, *OTHER_VERDICTS)
