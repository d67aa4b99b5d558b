"""Evaluate a labelled case as the operator does: the recipe's command, the real runner, the grading of the product."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.stages import Stage
from swefoundry.drafts.evaluation_command import expand_files
from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.pytest_settings import (
    REPORT_PATH,
    UNITTEST_COMMAND,
    configuration_folders,
    pytest_command,
    read_configuration,
)
from swefoundry.grading.report_agreement import report_disagreement
from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.result_sets import CaseSets, compare_stages
from swefoundry.grading.testcase_status import CaseStatuses
from swefoundry.grading.verdict import MatrixCell, Verdict, matrix_verdict
from swefoundry.programs.intake.fact_collector import collect_facts, with_test_facts
from unit.runner.runner_box import Box
from verdict_cases.labelled_case import LabelledCase, changed

ENVIRONMENT = {
    # The interpreter of this checkout, without the plugins that an image of the case would not have.
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


@dataclass(frozen=True)
class CaseOutcome:
    """Verdict and sets of tests that the product finds, and the code of each stage."""

    verdict: Verdict
    sets: CaseSets
    codes: tuple[int, ...]
    problems: tuple[str, ...] = ()
    """Why sets cannot be made, by stage; the product makes none then."""


def evaluate(case: LabelledCase, binary: Path, folder: Path) -> CaseOutcome:
    """Run all stages of a case and grade them."""
    base = case.tree_before_patches()
    before = changed(base, case.tests)
    trees = {Stage.BASE: base, Stage.BEFORE: before, Stage.AFTER: changed(before, case.fix)}
    facts = _facts(case)
    draft = _draft(case, facts)
    runs = {stage: _run(stage, trees[stage], draft, facts, Box(binary, folder / stage)) for stage in Stage}
    verdict = matrix_verdict(MatrixCell(stage, record.code) for stage, (record, _) in runs.items())
    problems = [
        f"{stage}: {report_disagreement(*run)}" for stage, run in runs.items() if report_disagreement(*run)
    ]
    statuses = {stage: [found] for stage, (_, found) in runs.items()}
    sets = compare_stages(statuses[Stage.BEFORE], statuses[Stage.AFTER], statuses[Stage.BASE])
    codes = tuple(record.code for record, _ in runs.values())
    return CaseOutcome(verdict, CaseSets() if problems else sets, codes, tuple(problems))


def _facts(case: LabelledCase) -> Facts:
    """The facts that an intake collects of the tree and the test patch."""
    base = case.tree_before_patches()
    before = changed(base, case.tests)
    facts = collect_facts(sorted(base), lambda path: base[path].encode(), None, None)
    written = [path for path, text in case.tests.items() if text is not None]
    return with_test_facts(facts, written, set(base), set(before), lambda path: before[path].encode())


def _draft(case: LabelledCase, facts: Facts) -> Draft:
    if case.unittest:
        return Draft(dockerfile="FROM python", test_command=UNITTEST_COMMAND, error_exit_codes=[2, 5])
    texts = {path: text for path, text in changed(case.base, case.tests).items() if not path.endswith(".py")}
    config = read_configuration(texts, configuration_folders(facts.test_files))
    return Draft(
        dockerfile="FROM python",
        test_command=pytest_command(config, Constraints()),
        reports=[REPORT_PATH],
        tolerated_failures=list(case.tolerated),
    )


def _run(
    stage: Stage, tree: dict[str, str], draft: Draft, facts: Facts, box: Box
) -> tuple[EvaluationResult, CaseStatuses]:
    box.workdir.mkdir(parents=True)
    for path, text in tree.items():
        target = box.workdir / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    spec = box.write_spec(
        expand_files(draft.test_command, facts.test_files_in(stage)),
        stage=stage,
        reports=draft.reports,
        error_exit_codes=draft.could_not_run_codes,
        tolerated_failures=draft.tolerated_failures or None,
    )
    ran = box.finish(box.start(spec, env=ENVIRONMENT))
    statuses = read_reports(ran.framed_output.reports).statuses
    shutil.rmtree(box.folder)
    return EvaluationResult.model_validate(ran.record), statuses
