"""Which statuses are written at once, and for how long the others are kept."""

import pytest

from swefoundry.kube.workqueue import Key
from swefoundry.workloads.unwritten_statuses import UnwrittenStatuses, is_progress

KEY = Key("TaskInstance", "here", "task")
WRITTEN = {"phase": "Intake", "conditions": [{"type": "Ready", "reason": "Intake", "message": ""}]}


def ready(reason, message):
    return {"conditions": [{"type": "Ready", "reason": reason, "message": message}]}


@pytest.fixture
def seconds():
    return [100.0]


@pytest.fixture
def statuses(seconds):
    return UnwrittenStatuses(clock=lambda: seconds[0])


def postponed(statuses, change, repeated=False):
    return statuses.postpone(KEY, "1", WRITTEN, WRITTEN | change, repeated=repeated)


@pytest.mark.parametrize(
    "change",
    [
        {"finishedAt": "2026-01-01T12:00:00Z"},
        {"verdict": "fail2pass"},
        {"prepared": {}},
        {"evaluations": [{}]},
        {"controlEvaluations": [{}]},
        {"controls": [{}]},
        {"rounds": [{}]},
        {"agents": {"drafting": 0}},
        {"attempts": [{}]},
        {"infraRetries": 1},
        {"retried": "again"},
        {"firstAttempt": 1},
        {"podSeconds": 3.0},
        {"a field of a later release": True},
    ],
)
def test_results_and_plans_are_written_at_once(statuses, change):
    assert postponed(statuses, {"phase": "Preparing", **change}) == 0.0
    assert statuses.written(KEY, "1") is None


def test_a_field_that_is_removed_is_a_result_too():
    assert not is_progress({"phase": "Failed", "finishedAt": "x"}, {"phase": "Intake"})


@pytest.mark.parametrize(
    ("change", "pause"),
    [
        ({"phase": "Queued"}, 1.0),
        (ready("HostUnavailable", ""), 1.0),
        (ready("Intake", "1st of 9 waiting"), 10.0),
        ({"running": [{"work": "intake"}]}, 10.0),
    ],
)
def test_a_phase_or_reason_is_kept_for_a_second_and_a_detail_for_ten(statuses, change, pause):
    assert postponed(statuses, change) == pause
    assert statuses.written(KEY, "1") == WRITTEN


def test_the_second_counts_from_the_first_phase_that_is_not_written(statuses, seconds):
    postponed(statuses, {"phase": "Queued"})
    seconds[0] += 0.75
    assert postponed(statuses, {"phase": "Preparing"}) == 0.25
    seconds[0] += 0.25
    assert postponed(statuses, {"phase": "Preparing"}) == 0.0


def test_a_phase_that_comes_later_than_a_detail_has_its_own_second(statuses, seconds):
    postponed(statuses, {"running": [{}]})
    seconds[0] += 5.0
    assert postponed(statuses, {"running": [{}], "phase": "Queued"}) == 1.0
    seconds[0] += 0.5
    assert postponed(statuses, {"running": [{}]}) == 4.5


def test_a_phase_that_another_object_shows_is_kept_for_five_seconds(statuses, seconds):
    assert postponed(statuses, {"phase": "Queued"}, repeated=True) == 5.0
    seconds[0] += 4.0
    assert postponed(statuses, {"phase": "Queued"}, repeated=True) == 1.0
    seconds[0] += 1.0
    assert postponed(statuses, {"phase": "Queued"}, repeated=True) == 0.0


def test_a_phase_of_its_own_is_written_although_another_was_repeated_before(statuses, seconds):
    postponed(statuses, {"phase": "Queued"}, repeated=True)
    seconds[0] += 1.0
    assert postponed(statuses, {"phase": "Validating"}) == 0.0


def test_another_version_of_the_object_begins_anew(statuses, seconds):
    postponed(statuses, {"phase": "Queued"})
    seconds[0] += 5.0
    assert statuses.written(KEY, "2") is None
    assert statuses.postpone(KEY, "2", WRITTEN, WRITTEN | {"phase": "Queued"}) == 1.0


def test_what_is_written_or_gone_is_forgotten(statuses):
    postponed(statuses, {"phase": "Queued"})
    statuses.forget(KEY)
    statuses.forget(KEY)
    assert statuses.written(KEY, "1") is None
