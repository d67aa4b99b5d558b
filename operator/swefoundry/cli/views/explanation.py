"""One page about one TaskInstance: what was tried, what failed, the telling lines, what to do. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swefoundry.api.reasons import ENVIRONMENT_FAILED, PENDING, PREPARING
from swefoundry.cli.views.build_history import build_history
from swefoundry.cli.views.page import PageSection
from swefoundry.cli.views.progress import INITIAL_PHASE, leading_condition
from swefoundry.cli.views.remediation import remediation_for
from swefoundry.text.plurals import pluralize

MAX_TESTS_LISTED = 12
"""Test names shown per set; all of them are in the verdict bundle."""


@dataclass(frozen=True)
class Explanation:
    """The page."""

    name: str
    headline: str
    reason: str
    sections: tuple[PageSection, ...]
    remediation: str

    def to_json_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "headline": self.headline,
            "reason": self.reason,
            "advice": self.remediation,
            "sections": [
                {
                    "title": section.title,
                    "lines": section.lines,
                    "rows": [dict(zip(section.columns, row, strict=True)) for row in section.rows],
                    "logs": [{"from": where, "text": text} for where, text in section.logs],
                }
                for section in self.sections
            ],
        }


@dataclass(frozen=True)
class RegistryEvidence:
    """What the registry has to say, as far as it could be read."""

    logs: Mapping[str, str] = field(default_factory=dict)
    """Telling lines by evaluation: ``after #0``."""
    tests: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The sets of the verdict bundle."""
    note: str = ""
    """Why it could not be read."""


def build_explanation(
    task: Mapping[str, Any], build: Mapping[str, Any] | None, evidence: RegistryEvidence
) -> Explanation:
    """The story of a task, of its EnvBuild if there is one, and of the evidence."""
    spec, status = task.get("spec") or {}, task.get("status") or {}
    made = (build or {}).get("status") or {}
    reason, message = leading_condition(status.get("conditions") or ())
    sections = (
        _overview_section(spec, status),
        *build_history(build or {}),
        _matrix_section(status, evidence),
        _tests_section(evidence),
        _pods_section(status, made),
    )
    verdict = status.get("verdict")
    phase = f"{status.get('phase') or INITIAL_PHASE}{f' ({verdict})' if verdict else ''}"
    return Explanation(
        name=task["metadata"]["name"],
        headline=f"{phase}: {message or reason or 'no operator has seen it yet'}",
        reason=reason,
        sections=tuple(section for section in sections if section is not None),
        remediation=remediation_for(_reason_to_act_on(reason, made)),
    )


def _reason_to_act_on(reason: str, build_status: Mapping[str, Any]) -> str:
    """Where the environment failed, or is being made, the EnvBuild's reason says more."""
    inner, _ = leading_condition(build_status.get("conditions") or ())
    return inner if reason in (ENVIRONMENT_FAILED, PREPARING) and inner else reason or PENDING


def _overview_section(spec: Mapping[str, Any], status: Mapping[str, Any]) -> PageSection:
    prepared, image = status.get("prepared") or {}, status.get("image") or {}
    said = {
        "instance": spec.get("instanceId"),
        "repository": spec.get("repo"),
        "source": _source_text(spec),
        "dated": spec.get("createdAt"),
        "language": spec.get("language") or prepared.get("language"),
        "test files": prepared.get("testFiles"),
        "image": f"{image['name']}@{image['digest']}" if image else None,
        "evidence": status.get("evidence"),
        "took": status.get("duration"),
    }
    return PageSection(
        "What", tuple(f"{key}: {value}" for key, value in said.items() if value not in (None, ""))
    )


def _source_text(spec: Mapping[str, Any]) -> str:
    source = spec.get("source") or {}
    if archive := source.get("archive"):
        return str(archive.get("url", ""))
    url = (source.get("git") or {}).get("url", "git")
    return f"{url} at {spec.get('baseCommit', '?')}"


def _matrix_section(status: Mapping[str, Any], evidence: RegistryEvidence) -> PageSection | None:
    evaluations = status.get("evaluations") or []
    if not evaluations:
        return None
    rows = tuple(
        (
            each.get("stage"),
            each.get("repeat"),
            each.get("fault") or each.get("code"),
            each.get("rawExit"),
            each.get("passed"),
            each.get("failed"),
            each.get("skipped"),
        )
        for each in evaluations
    )
    lines = (f"The logs could not be read: {evidence.note}",) if evidence.note else ()
    columns = ("stage", "repeat", "code", "exit", "passed", "failed", "skipped")
    return PageSection("Matrix", lines, columns, rows, tuple(evidence.logs.items()))


def _tests_section(evidence: RegistryEvidence) -> PageSection | None:
    lines: list[str] = []
    for name, ids in evidence.tests.items():
        lines.append(f"{name}: {len(ids)}")
        if name != "PASS_TO_PASS":
            lines += [f"  {test}" for test in ids[:MAX_TESTS_LISTED]]
            lines += [f"  … and {len(ids) - MAX_TESTS_LISTED} more"] if len(ids) > MAX_TESTS_LISTED else []
    return PageSection("Tests", tuple(lines)) if lines else None


def _pods_section(status: Mapping[str, Any], build_status: Mapping[str, Any]) -> PageSection | None:
    attempts = [
        each
        for where in (status, build_status)
        for kind in ("attempts", "running")
        for each in where.get(kind) or []
    ]
    if not attempts:
        return None
    rows = tuple(
        (
            each.get("work"),
            each.get("number"),
            each.get("pod"),
            each.get("outcome") or "under way",
            each.get("reason") or "",
            " ".join(str(each.get("message") or "").split())[:160],
        )
        for each in attempts
    )
    retries = (status.get("infraRetries") or 0) + (build_status.get("infraRetries") or 0)
    lines = (f"{pluralize(retries, 'pod')} replaced after faults of the cluster",) if retries else ()
    return PageSection("Pods", lines, ("work", "attempt", "pod", "outcome", "reason", "message"), rows)
