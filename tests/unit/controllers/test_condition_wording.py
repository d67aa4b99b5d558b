"""Reason and message of conditions, compared with a golden file: its cases name every reason."""

from datetime import datetime

import pytest
from pydantic import ValidationError

from builders import NOW, task_body
from golden_files import assert_golden
from swefoundry.api import conditions, reasons
from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.api.resource import parse_task_instance
from swefoundry.api.taskinstance import TaskInstanceStatus
from swefoundry.api.validation.invalid_status import invalid_status
from unit.controllers import build_condition_cases, task_condition_cases

Statuses = dict[str, TaskInstanceStatus] | dict[str, EnvBuildStatus]


def status_of_an_invalid_spec(now: datetime) -> TaskInstanceStatus:
    """The status of an object that the API server accepted and the operator rejects."""
    body = task_body(baseCommit="main")
    with pytest.raises(ValidationError) as rejected:
        parse_task_instance(body)
    return TaskInstanceStatus.model_validate(invalid_status(body, rejected.value, now))


def cases() -> dict[str, Statuses]:
    """Statuses by case, by kind."""
    invalid = {"a spec that is invalid": status_of_an_invalid_spec(NOW)}
    return {
        "TaskInstance": task_condition_cases.statuses() | invalid,
        "EnvBuild": build_condition_cases.statuses(),
    }


def test_messages_of_conditions() -> None:
    lines = []
    for kind, statuses in cases().items():
        lines.append(f"# {kind}")
        for what, status in statuses.items():
            reason, message = conditions.reason_of(status.conditions, conditions.READY)
            lines.append(f"{what}: {status.phase}, {reason}: {message}".rstrip(": "))
        lines.append("")
    assert_golden("conditions.txt", "\n".join(lines))


def test_every_reason_has_a_case() -> None:
    shown = {
        conditions.reason_of(status.conditions, conditions.READY)[0]
        for statuses in cases().values()
        for status in statuses.values()
    }
    declared = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert shown == declared - {reasons.PENDING}  # the command line's own, for an object without a status
