"""Transitions of a Lease's spec."""

from datetime import UTC, datetime

import pytest

from swefoundry.kube.lease import held_spec, is_free, released_spec

NOW = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)
NOW_TEXT = "2026-01-01T12:00:00.000005Z"
EARLIER = "2026-01-01T11:00:00.000000Z"
HELD_BY_OTHER = {
    "holderIdentity": "other",
    "leaseDurationSeconds": 15,
    "acquireTime": EARLIER,
    "renewTime": EARLIER,
    "leaseTransitions": 3,
}
HELD_BY_ME = {**HELD_BY_OTHER, "holderIdentity": "me"}


@pytest.mark.parametrize(
    ("spec", "unchanged_seconds", "free"),
    [
        pytest.param({}, 0, True, id="a Lease that does not exist"),
        pytest.param(HELD_BY_OTHER, 14.9, False, id="another's, which was renewed within its duration"),
        pytest.param(HELD_BY_OTHER, 15, True, id="another's, which was not"),
        pytest.param(
            {**HELD_BY_OTHER, "leaseDurationSeconds": 60}, 59, False, id="the holder sets the duration"
        ),
        pytest.param(HELD_BY_ME, 0, True, id="one's own, of the container before"),
        pytest.param(released_spec(HELD_BY_OTHER, NOW), 0, True, id="a released one"),
    ],
)
def test_a_lease_is_free(spec, unchanged_seconds, free):
    assert is_free(spec, "me", unchanged_seconds) is free


@pytest.mark.parametrize(
    ("old", "acquired", "transitions"),
    [
        pytest.param({}, NOW_TEXT, 0, id="the first holder"),
        pytest.param(HELD_BY_OTHER, NOW_TEXT, 4, id="another holder"),
        pytest.param(HELD_BY_ME, EARLIER, 3, id="a renewal"),
        pytest.param(released_spec(HELD_BY_ME, NOW), NOW_TEXT, 4, id="the same holder after a release"),
    ],
)
def test_the_holder_is_written_with_its_times(old, acquired, transitions):
    assert held_spec(old, "me", 15, NOW) == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": acquired,
        "renewTime": NOW_TEXT,
        "leaseTransitions": transitions,
    }


def test_a_release_keeps_the_number_of_transitions():
    assert released_spec(HELD_BY_ME, NOW) == {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "acquireTime": NOW_TEXT,
        "renewTime": NOW_TEXT,
        "leaseTransitions": 3,
    }
