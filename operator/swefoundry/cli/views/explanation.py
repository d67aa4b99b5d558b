"""Page that explains one TaskInstance: what was tried, what failed, log excerpts, what to do. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from swefoundry.api.reasons import ENVIRONMENT_FAILED, PENDING, PREPARING
from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.cli.views.build_history import UNFINISHED, build_history
from swefoundry.cli.views.page import PageSection
from swefoundry.cli.views.progress import INITIAL_PHASE, leading_condition
from swefoundry.cli.views.remediation import remediation_for
from swefoundry.cli.views.resources_table import resources_section
from swefoundry.text.plurals import pluralize

MAX_TESTS_LISTED = 12
"""Test names shown per set; all of them are in the verdict bundle."""


@dataclass(frozen=True)
class Explanation:
    """Content of the page."""

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
            "sections": [section.to_json_dict() for section in self.sections],
        }


@dataclass(frozen=True)
class RegistryEvidence:
    """Evidence from the registry, as far as it could be read."""

    logs: Mapping[str, str] = field(default_factory=dict)
    """Log excerpts by evaluation, such as ``after #0``."""
    tests: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Sets of tests from the verdict bundle."""
    note: str = ""
    """Why some of it could not be read."""


def build_explanation(
    task: KubernetesObject, build: KubernetesObject | None, evidence: RegistryEvidence
) -> Explanation:
    """Page for a task, its EnvBuild if there is one, and the evidence."""
    spec, status = task.get("spec") or {}, status_of(task)
    build_status = status_of(build or {})
    reason, message = leading_condition(status.get("conditions") or ())
    sections = (
        _overview_section(spec, status),
        *build_history(build or {}),
        _matrix_section(status, evidence),
        _tests_section(evidence),
        _controls_section(status),
        resources_section(status, build_status),
        _pods_section(status, build_status),
    )
    verdict = status.get("verdict")
    phase = f"{status.get('phase') or INITIAL_PHASE}{f' ({verdict})' if verdict else ''}"
    return Explanation(
        name=task["metadata"]["name"],
        headline=f"{phase}: {message or reason or 'the operator has not seen it yet'}",
        reason=reason,
        sections=tuple(section for section in sections if section is not None),
        remediation=remediation_for(_reason_to_act_on(reason, build_status)),
    )


def _reason_to_act_on(reason: str, build_status: KubernetesObject) -> str:
    """The EnvBuild's reason while or after the environment is made, because it is more specific."""
    inner, _ = leading_condition(build_status.get("conditions") or ())
    return inner if reason in (ENVIRONMENT_FAILED, PREPARING) and inner else reason or PENDING


def _overview_section(spec: KubernetesObject, status: KubernetesObject) -> PageSection:
    prepared, image = status.get("prepared") or {}, status.get("image") or {}
    facts = {
        "instance": spec.get("instanceId"),
        "repository": spec.get("repo"),
        "source": _source_text(spec),
        "created at": spec.get("createdAt"),
        "language": spec.get("language") or prepared.get("language"),
        "test files": prepared.get("testFiles"),
        "image": f"{image['name']}@{image['digest']}" if image else None,
        "evidence": status.get("evidence"),
        "duration": status.get("duration"),
    }
    lines = [f"{key}: {value}" for key, value in facts.items() if value not in (None, "")]
    return PageSection("Overview", (*lines, *(f"note: {note}" for note in prepared.get("notes") or ())))


def _source_text(spec: KubernetesObject) -> str:
    source = spec.get("source") or {}
    if archive := source.get("archive"):
        return str(archive.get("url", ""))
    if artifact := source.get("artifact"):
        return f"{artifact.get('digest', '')} in the registry"
    url = (source.get("git") or {}).get("url", "git")
    return f"{url} at {spec.get('baseCommit', '?')}"


def _matrix_section(status: KubernetesObject, evidence: RegistryEvidence) -> PageSection | None:
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
    lines = tuple(
        f"{each.get('stage')} #{each.get('repeat')}: {each['note']}"
        for each in evaluations
        if each.get("note")
    )
    lines += (f"The logs could not be read: {evidence.note}",) if evidence.note else ()
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


def _controls_section(status: KubernetesObject) -> PageSection | None:
    controls = status.get("controls") or []
    if not controls:
        return None
    rows = tuple((each.get("name"), each.get("result"), each.get("message")) for each in controls)
    strength = status.get("testStrength")
    lines = () if strength is None else (f"test strength: {strength} %",)
    return PageSection("Controls", lines, ("control", "result", "found"), rows)


def _pods_section(status: KubernetesObject, build_status: KubernetesObject) -> PageSection | None:
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
            each.get("outcome") or UNFINISHED,
            each.get("reason") or "",
            " ".join(str(each.get("message") or "").split())[:160],
        )
        for each in attempts
    )
    retries = (status.get("infraRetries") or 0) + (build_status.get("infraRetries") or 0)
    lines = (f"{pluralize(retries, 'pod')} replaced after infrastructure faults",) if retries else ()
    return PageSection("Pods", lines, ("work", "attempt", "pod", "outcome", "reason", "message"), rows)
