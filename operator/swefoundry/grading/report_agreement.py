"""Agreement of the record and the reports of one evaluation. Pure.

The runner counts tests before anything leaves the pod; the operator reads them from the log afterwards. Where the two
differ, a report was cut or misread, and sets of tests made from it would name the wrong tests.
"""

from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.grading.testcase_status import CaseStatuses


def report_disagreement(record: EvaluationResult, statuses: CaseStatuses) -> str:
    """Return why the statuses are not all tests of the evaluation; empty when they are."""
    counted, found = record.tests.total if record.tests else 0, len(statuses)
    if record.unreadable_reports:
        noun = "report" if record.unreadable_reports == 1 else "reports"
        return f"{record.unreadable_reports} {noun} could not be read ({record.report_note})"
    if counted != found:
        return f"the runner counted {counted} tests, and {found} could be read from the log"
    return ""
