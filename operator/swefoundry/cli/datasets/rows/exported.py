"""Export formats: a validated instance as a SWE-bench row, all verdicts as SWE-Factory's status file. Pure."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swefoundry.contracts.controls import ControlName
from swefoundry.contracts.models import MICRO, Usage
from swefoundry.grading.verdict_bundle import VerdictBundle

FACTORY_CATEGORIES = ("fail2pass", "fail2fail", "pass2pass", "pass2fail", "error")
SWEFOUNDRY_ONLY_VERDICTS = ("error2pass", "flaky", "inconclusive")
"""Verdicts that SWE-Factory does not have. Its readers train on `fail2pass`, so none of these may be listed there."""

RESULT_COLUMNS = frozenset(
    {
        "FAIL_TO_PASS",
        "PASS_TO_PASS",
        "ERROR_TO_PASS",
        "image",
        "stage_images",
        "evidence",
        "verdict",
        "controls",
        "test_strength",
    }
)
MEASURED_COLUMNS = RESULT_COLUMNS | {
    "experiment",
    "tolerated_failures",
    "run_as_user",
    "date_dependent",
    "strategy",
    "reused_from",
    "llm_usage",
}
"""Columns with our measurements; values that an imported row has in them are not exported."""


class NotExportable(Exception):
    """The instance cannot be a row of the format; the message says why."""


@dataclass(frozen=True)
class ExportPolicy:
    """Which rows are written, and what counts as FAIL_TO_PASS."""

    allow_empty: bool = False
    """Write rows whose FAIL_TO_PASS is empty."""
    count_error_to_pass: bool = False
    """Count tests of files that cannot be collected without the fix as FAIL_TO_PASS."""
    require_controls: Sequence[ControlName] = ()
    """Controls that must have passed."""
    include_leaks: bool = False
    """Write rows whose image shows the solution."""


@dataclass(frozen=True)
class ValidatedInstance:
    """Everything that a row is made of."""

    spec: Mapping[str, Any]
    bundle: VerdictBundle
    evidence: str
    """Digest of the verdict bundle."""
    gold: bytes
    tests: bytes
    problem: str
    base_commit: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Columns that the import kept."""
    experiment: str = ""
    build_status: Mapping[str, Any] = field(default_factory=dict)
    """Status of the EnvBuild; empty when it was deleted."""


def swe_bench_row(instance: ValidatedInstance, policy: ExportPolicy = ExportPolicy()) -> dict[str, Any]:
    """A classic row, then the columns that the import kept, then ours. Lists are JSON text, as in SWE-bench.

    Raises :class:`NotExportable`.
    """
    _require_controls(instance.bundle, policy)
    _refuse_leaks(instance.bundle, policy)
    fail_to_pass = _fail_to_pass(instance.bundle, policy)
    spec = instance.spec
    kept = {name: value for name, value in instance.extra.items() if name not in MEASURED_COLUMNS}
    classic = {
        "repo": spec["repo"],
        "instance_id": spec["instanceId"],
        "base_commit": spec.get("baseCommit") or instance.base_commit,
        **_patch_columns("patch", instance.gold),
        **_patch_columns("test_patch", instance.tests),
        "problem_statement": instance.problem,
        "hints_text": kept.pop("hints_text", ""),
        "created_at": spec.get("createdAt", ""),
        "version": spec.get("version", ""),
        "FAIL_TO_PASS": json.dumps(fail_to_pass),
        "PASS_TO_PASS": json.dumps(instance.bundle.tests.get("PASS_TO_PASS", [])),
        "environment_setup_commit": kept.pop("environment_setup_commit", None),
    }
    error_to_pass = instance.bundle.tests.get("ERROR_TO_PASS", [])
    ours = {
        "ERROR_TO_PASS": json.dumps(error_to_pass)
        if error_to_pass and not policy.count_error_to_pass
        else None,
        "tolerated_failures": instance.bundle.tolerated_failures,
        "run_as_user": instance.bundle.run_as_user,
        "date_dependent": instance.bundle.date_dependent,
        "language": spec.get("language"),
        "source": spec.get("source"),
        "image": instance.bundle.image,
        "stage_images": {str(stage): digest for stage, digest in instance.bundle.stages.items()},
        "evidence": instance.evidence,
        "verdict": instance.bundle.verdict,
        "controls": {control.name.value: control.result for control in instance.bundle.controls},
        **_origin_columns(instance),
    }
    written = {key: value for key, value in ours.items() if value}
    return {**classic, **kept, **written, **_strength_column(instance.bundle)}


def _require_controls(bundle: VerdictBundle, policy: ExportPolicy) -> None:
    results = {control.name: control for control in bundle.controls}
    for name in policy.require_controls:
        control = results.get(name)
        if control is None:
            raise NotExportable(f"the control {name} was not run; name it in spec.validation.controls")
        if control.result != "Passed":
            raise NotExportable(f"the control {name} is {control.result}: {control.message}")


def _refuse_leaks(bundle: VerdictBundle, policy: ExportPolicy) -> None:
    for control in bundle.controls:
        if control.name is ControlName.LEAKS and control.result == "Failed" and not policy.include_leaks:
            raise NotExportable(f"{control.message}. Give --include-leaks to export the row anyway")


def _fail_to_pass(bundle: VerdictBundle, policy: ExportPolicy) -> list[str]:
    tests = bundle.swe_bench_fail_to_pass(policy.count_error_to_pass)
    if tests or policy.allow_empty:
        return tests
    hidden = len(bundle.tests.get("ERROR_TO_PASS", ()))
    if hidden:
        why = (
            f"all {hidden} tests that pass only with the fix are in files that cannot be collected without it "
            "(ERROR_TO_PASS). Give --count-error-to-pass to count them as FAIL_TO_PASS"
        )
    elif bundle.tests_unknown:
        why = f"its sets of tests are not known ({bundle.tests_unknown}). Give --allow-empty to export the row anyway"
    else:
        why = "no test fails before the fix and passes after it. Give --allow-empty to export the row anyway"
    raise NotExportable(f"{why}. An empty FAIL_TO_PASS counts as resolved by any patch.")


def _strength_column(bundle: VerdictBundle) -> dict[str, float]:
    """The test strength as a fraction; 0 is a value, too."""
    return {} if bundle.test_strength is None else {"test_strength": bundle.test_strength / 100}


def _origin_columns(instance: ValidatedInstance) -> dict[str, Any]:
    """Columns about the origin of the environment, and the model usage for it."""
    status = instance.build_status
    accepted = [each for each in status.get("rounds") or () if each.get("image") == status.get("image")]
    parent = (accepted[-1].get("parent") or {}) if accepted else {}
    usage = Usage.model_validate(status.get("usage") or {})
    return {
        "experiment": instance.experiment,
        "strategy": status.get("strategy"),
        "reused_from": parent.get("image"),
        "llm_usage": usage.model_dump(exclude={"micro_usd"}) | {"usd": usage.micro_usd / MICRO}
        if usage.turns
        else None,
    }


def _patch_columns(name: str, content: bytes) -> dict[str, str]:
    """The patch as text; a patch that is not UTF-8 additionally as base64, so that no byte is lost."""
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {name: content.decode(errors="replace"), f"{name}_base64": base64.b64encode(content).decode()}


def swe_factory_status(verdicts: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """Content of fail2pass_status.json, from instance ids and verdicts; None for an instance without a verdict."""
    categories: dict[str, list[str]] = {category: [] for category in FACTORY_CATEGORIES}
    additional: dict[str, list[str]] = {}
    total = 0
    for instance_id, verdict in verdicts:
        total += 1
        categories[verdict if verdict in categories else "error"].append(instance_id)
        if verdict in SWEFOUNDRY_ONLY_VERDICTS:
            additional.setdefault(verdict, []).append(instance_id)
    listed = {category: sorted(ids) for category, ids in categories.items()}
    return {
        "total": total,
        "categories": listed,
        "swefoundry": {key: sorted(ids) for key, ids in additional.items()},
    }
