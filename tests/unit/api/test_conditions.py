"""Conditions, and the status of an object that the models reject."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from builders import NOW, task_body
from swefoundry.api.conditions import condition, merge_conditions, reason_of, status_of
from swefoundry.api.resource import parse_task_instance
from swefoundry.api.validation.invalid_status import invalid_status

LATER = NOW + timedelta(minutes=1)


def ready(status, now=NOW, message=""):
    return condition("Ready", status, "Reason", message, (1, now))


def test_a_condition_keeps_its_time_while_its_status_stays():
    (kept,) = merge_conditions([ready("False")], [ready("False", LATER, "new words")])
    assert (kept.last_transition_time, kept.message) == (NOW, "new words")
    (moved,) = merge_conditions([ready("False")], [ready("True", LATER)])
    assert moved.last_transition_time == LATER


def test_conditions_of_others_are_kept_and_absent_ones_are_removed():
    other = condition("TheirOwn", "True", "Reason", "", (1, NOW))
    stalled = condition("Stalled", "True", "Reason", "", (1, NOW))
    assert [
        item.type for item in merge_conditions([other, stalled], [ready("True")], absent=["Stalled"])
    ] == [
        "Ready",
        "TheirOwn",
    ]


def test_long_messages_are_cut():
    assert len(ready("True", message="x" * 5000).message) == 2000


def test_an_absent_condition_is_unknown():
    assert status_of([], "Ready") == "Unknown"
    assert reason_of([], "Ready") == ("", "")
    assert reason_of([ready("True", message="m")], "Ready") == ("Reason", "m")


def test_a_rejected_object_names_its_first_wrong_field_and_keeps_the_rest_of_its_status():
    body = task_body({"verdict": "fail2pass"}, repo="nonsense", validation={"repeats": 99})
    with pytest.raises(ValidationError) as caught:
        parse_task_instance(body)
    status = invalid_status(body, caught.value, NOW)
    assert status["verdict"] == "fail2pass"
    assert {item["type"]: item["message"].split(":")[0] for item in status["conditions"]} == {
        "Ready": "spec.repo",
        "Stalled": "spec.repo",
    }
    again = invalid_status(body | {"status": status}, caught.value, LATER)
    assert again == status, "saying it again changes nothing"
