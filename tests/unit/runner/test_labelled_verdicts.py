"""Verdict and sets of tests of each labelled case: recall and precision of error2pass are 1.00 when all hold."""

from pathlib import Path

import pytest

from verdict_cases import LABELLED_CASES
from verdict_cases.case_runner import evaluate
from verdict_cases.labelled_case import LabelledCase


@pytest.mark.parametrize("case", LABELLED_CASES, ids=str)
def test_the_product_finds_what_the_label_says(
    case: LabelledCase, runner_binary: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    outcome = evaluate(case, runner_binary, tmp_path)
    assert (outcome.verdict, outcome.sets, outcome.problems) == (case.verdict, case.sets, ())
