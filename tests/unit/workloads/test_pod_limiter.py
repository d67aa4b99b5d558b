"""Limit on active pods per role, and the order of those who wait."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_limiter import PodLimiter

A, B, C = (Key("TaskInstance", "here", name) for name in "abc")
EVALUATION = Role.EVALUATION


@pytest.fixture
def woken():
    return []


@pytest.fixture
def slots(woken):
    """One place for evaluations."""
    return PodLimiter(dict.fromkeys(Role, 1), wake=woken.append)


def test_there_are_as_many_places_as_the_limit_says(slots):
    assert slots.acquire(EVALUATION, "pod-a", A)
    assert not slots.acquire(EVALUATION, "pod-b", B)
    assert slots.active(EVALUATION) == 1


def test_a_pod_that_has_a_place_may_take_it_again(slots):
    assert slots.acquire(EVALUATION, "pod-a", A)
    assert slots.acquire(EVALUATION, "pod-a", A)
    assert slots.active(EVALUATION) == 1


def test_roles_have_their_own_places(slots):
    assert slots.acquire(EVALUATION, "pod-a", A)
    assert slots.acquire(Role.BUILD, "pod-b", B)


def test_the_key_that_waits_longest_is_woken_first_and_once(slots, woken):
    slots.acquire(EVALUATION, "pod-a", A)
    for key in (B, C, B):
        slots.acquire(EVALUATION, f"pod-{key.name}", key)
    slots.release(EVALUATION, "pod-a")
    assert woken == [B]
    assert slots.acquire(EVALUATION, "pod-b", B)
    slots.release(EVALUATION, "pod-b")
    assert woken == [B, C]


def test_releasing_a_place_that_was_not_taken_wakes_nobody(slots, woken):
    slots.acquire(EVALUATION, "pod-a", A)
    slots.acquire(EVALUATION, "pod-b", B)
    slots.release(EVALUATION, "pod-z")
    assert woken == [] and slots.active(EVALUATION) == 1


def test_restored_pods_count_even_over_the_limit_and_nobody_is_woken_above_it(slots, woken):
    slots.restore(EVALUATION, "one")
    slots.restore(EVALUATION, "two")
    assert slots.active(EVALUATION) == 2
    assert not slots.acquire(EVALUATION, "pod-a", A)
    slots.release(EVALUATION, "one")
    assert woken == []
    slots.release(EVALUATION, "two")
    assert woken == [A]


def test_a_place_that_its_waiter_does_not_take_goes_to_the_next(slots, woken):
    slots.acquire(EVALUATION, "pod-a", A)
    slots.acquire(EVALUATION, "pod-b", B)
    slots.acquire(EVALUATION, "pod-c", C)
    slots.release(EVALUATION, "pod-a")
    # B was deleted: it is looked at, and takes nothing.
    slots.wake_waiters()
    assert woken == [B, C]
    slots.wake_waiters()
    assert woken == [B, C]


def test_a_place_that_is_taken_is_not_passed_on(slots, woken):
    slots.acquire(EVALUATION, "pod-a", A)
    slots.acquire(EVALUATION, "pod-b", B)
    slots.wake_waiters()
    assert woken == []


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(0, 5), max_size=30))
def test_no_key_starves(limit, order):
    """Each key wants one pod; pods end in any order; a woken key takes its place at its next look."""
    awake = [Key("TaskInstance", "here", str(number)) for number in range(6)]
    slots = PodLimiter(dict.fromkeys(Role, limit), wake=lambda key: awake.append(key))
    holding, served = [], set()
    for pick in [*order, *range(40)]:
        while awake:
            key = awake.pop(0)
            if key not in served and slots.acquire(EVALUATION, key.name, key):
                holding.append(key)
                served.add(key)
            slots.wake_waiters()
        assert slots.active(EVALUATION) == len(holding) <= limit
        if holding:
            slots.release(EVALUATION, holding.pop(pick % len(holding)).name)
    assert len(served) == 6
