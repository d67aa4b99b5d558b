"""The pages that list things list all of them: reasons, codes, rules, outcomes, verdicts, metrics, settings."""

import re

import pytest

from cluster.test_exit_code_table import ROWS
from repository.pages import page
from swefoundry import metrics
from swefoundry.api import conditions, reasons
from swefoundry.api.codegen.settings_reference import field_descriptions
from swefoundry.api.codegen.settings_reference import settings_page as settings_page
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.grading.verdict import Verdict
from swefoundry.settings import Settings
from swefoundry.workloads import pod_status
from swefoundry.workloads.pod_outcomes import FaultCategory

VERDICTS = page("docs/verdicts.md")
REASONS = sorted(
    {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
)
CONDITIONS = sorted(
    value for name, value in vars(conditions).items() if name.isupper() and isinstance(value, str)
)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row of a page."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


RUNNER = page("images/runner/verdict.go")
RUNNER_CODES = dict(re.findall(r"^\t(code\w+) += (\d+)", RUNNER, re.MULTILINE))
RUNNER_TABLE = [
    (rule, RUNNER_CODES[code])
    for rule, code in re.findall(
        r'^\t\{"([^"]+)", func.*?[\s}], ?\s*(code\w+),', RUNNER, re.MULTILINE | re.DOTALL
    )
]
"""Names and codes of the rules of `verdict.go`, in their order."""
EXIT_CODE_TABLE = rows(VERDICTS.partition("### Exit code and report")[2].partition("###")[0])[2:]

FIRST_CELLS = {cells[0] for cells in rows(VERDICTS)}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_row(reason: str) -> None:
    assert f"`{reason}`" in FIRST_CELLS


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_has_a_row(condition: str) -> None:
    assert f"`{condition}`" in FIRST_CELLS


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: code.name)
def test_every_code_has_a_row(code: ExitCode) -> None:
    assert str(code.value) in FIRST_CELLS


@pytest.mark.parametrize("outcome", [*RoundOutcome, *Verdict, *FaultCategory], ids=str)
def test_every_outcome_has_a_row(outcome: str) -> None:
    assert f"`{outcome}`" in FIRST_CELLS


def test_the_table_of_pods_is_the_programs_table() -> None:
    written = [
        cells[1].strip("`") for cells in rows(VERDICTS) if re.fullmatch(r"\d+", cells[0]) and len(cells) == 6
    ]
    assert written == [rule.__name__ for rule in pod_status.RULES]


def test_the_table_of_exit_codes_and_reports_is_the_runners_table() -> None:
    written = [(cells[0], cells[3]) for cells in EXIT_CODE_TABLE]
    assert written == RUNNER_TABLE


def test_each_row_of_exit_codes_and_reports_has_a_sentence() -> None:
    assert [cells[0] for cells in EXIT_CODE_TABLE if not cells[4].endswith(".")] == []


def test_each_row_of_exit_codes_and_reports_is_run_in_a_pod() -> None:
    assert {(row.rule, str(row.code)) for row in ROWS.values()} == set(RUNNER_TABLE)


def test_every_metric_has_a_row() -> None:
    family = {
        f"{each.name}_total" if each.type == "counter" else each.name for each in metrics.REGISTRY.collect()
    }
    assert {f"`{name}`" for name in family | {"swefoundry_objects"}} <= {
        cells[0] for cells in rows(page("docs/metrics.md"))
    }


def test_every_setting_has_a_sentence() -> None:
    assert set(field_descriptions(Settings)) == set(Settings.model_fields)


def test_the_page_of_settings_has_a_row_for_each() -> None:
    written = [cells[0] for cells in rows(settings_page(Settings))[2:]]
    assert written == [f"`SWEFOUNDRY_{name.upper()}`" for name in Settings.model_fields]
