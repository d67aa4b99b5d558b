"""Labelled cases of verdicts; a unit test of the runner and `benchmarks/verdicts` evaluate them."""

from verdict_cases.labelled_case import LabelledCase
from verdict_cases.other_verdicts import OTHER_VERDICTS
from verdict_cases.turning import TURNING
from verdict_cases.uncollectable import UNCOLLECTABLE

LABELLED_CASES: tuple[LabelledCase, ...] = (*UNCOLLECTABLE, *TURNING, *OTHER_VERDICTS)
