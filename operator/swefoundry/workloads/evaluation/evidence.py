"""Evidence of an evaluation: its log, reports and record, stored in the registry as one artifact."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from swefoundry import errors
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.evaluation import OUTPUT_FILE, EvaluationResult
from swefoundry.grading.report_agreement import report_disagreement
from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.samples import outcomes_hash
from swefoundry.grading.testcase_status import ParsedReports
from swefoundry.kube.resources import PODS
from swefoundry.oci.artifacts import push_artifact
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import (
    CollectResult,
)
from swefoundry.workloads.evaluation.log_frames import reports_digest, split_log

EVALUATION_LOG_LIMIT_BYTES = 16 << 20
"""The runner caps output at 1 MiB and reports at 6 MiB in the log; more than this was not written by it."""

EVIDENCE_LIMIT_BYTES = 96 << 20
"""Bytes of one evaluation's artifact: a 1 MiB log and reports of at most 64 MiB unpacked."""

RECORD_FILE = "record.json"

STATUSES_FILE = "tests.json"


@dataclass(frozen=True)
class Evidence:
    """What an evaluation left, and the artifact that holds it."""

    record: EvaluationResult
    digest: Digest
    reports: ParsedReports
    outcomes: str | None
    """Hash over what each test did; None when that is not known."""
    log: str
    """The test output (at most 1 MiB), for excerpts."""


async def store_evidence(
    context: ReconcileContext, namespace: str, repository: str, move: CollectResult
) -> Evidence | None:
    """Read an evaluation's log, store log, reports and record; None when the log is gone, and with it the evidence."""
    try:
        log = await context.kube.log(PODS, namespace, move.pod.name, EVALUATION_LOG_LIMIT_BYTES)
    except errors.ApiForbidden:
        raise
    except (errors.NotFound, errors.ApiRefused):
        return None
    except errors.ApiUnavailable:
        if move.pod.node_lost:
            return None
        raise
    framed = split_log(log, move.pod.nonce)
    reports = await asyncio.to_thread(read_reports, framed.reports)
    record = EvaluationResult.model_validate(move.result.record)
    problems = [*framed.problems, *reports.problems]
    if record.report_sha256 is not None and reports_digest(framed.reports) != record.report_sha256:
        problems.append("the reports in the log differ from those of the record: the log was cut")
    outcomes: str | None = None
    if disagreement := report_disagreement(record, reports.statuses):
        problems.append(disagreement)
    else:
        outcomes = await asyncio.to_thread(outcomes_hash, reports.statuses)
    statuses = {"statuses": reports.statuses, "uncollected": reports.uncollected, "problems": problems}
    files: dict[str, bytes] = {
        OUTPUT_FILE: framed.output,
        RECORD_FILE: _json(record.to_json_dict()),
        STATUSES_FILE: _json(statuses),
    }
    files |= {f"reports/{path}": data for path, data in framed.reports.items()}
    digest = await push_artifact(
        context.registry, repository, "evaluation", files, new=files.keys() - {STATUSES_FILE}
    )
    context.evidence_files.put(
        repository, digest, {name: files[name] for name in (RECORD_FILE, STATUSES_FILE)}
    )
    return Evidence(record, digest, reports, outcomes, framed.output.decode(errors="replace"))


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
