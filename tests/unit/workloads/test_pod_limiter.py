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
def limiter(woken):
    """One place for evaluations."""
    return PodLimiter(dict.fromkeys(Role, 1), wake=woken.append)


def test_there_are_as_many_places_as_the_limit_says(limiter):
    assert limiter.acquire(EVALUATION, "pod-a", A)
    assert not limiter.acquire(EVALUATION, "pod-b", B)
    assert limiter.active(EVALUATION) == 1


def test_a_pod_that_has_a_place_may_take_it_again(limiter):
    assert limiter.acquire(EVALUATION, "pod-a", A)
    assert limiter.acquire(EVALUATION, "pod-a", A)
    assert limiter.active(EVALUATION) == 1


def test_roles_have_their_own_places(limiter):
    assert limiter.acquire(EVALUATION, "pod-a", A)
    assert limiter.acquire(Role.BUILD, "pod-b", B)


def test_the_key_that_waits_longest_is_enqueued_first_and_once(limiter, woken):
    limiter.acquire(EVALUATION, "pod-a", A)
    for key in (B, C, B):
        limiter.acquire(EVALUATION, f"pod-{key.name}", key)
    limiter.release(EVALUATION, "pod-a")
    assert woken == [B]
    assert limiter.acquire(EVALUATION, "pod-b", B)
    limiter.release(EVALUATION, "pod-b")
    assert woken == [B, C]


def test_releasing_a_place_that_was_not_taken_enqueues_no_key(limiter, woken):
    limiter.acquire(EVALUATION, "pod-a", A)
    limiter.acquire(EVALUATION, "pod-b", B)
    limiter.release(EVALUATION, "pod-z")
    assert woken == [] and limiter.active(EVALUATION) == 1


def test_restored_pods_count_even_over_the_limit_and_no_key_is_enqueued_above_it(limiter, woken):
    limiter.restore(EVALUATION, "one")
    limiter.restore(EVALUATION, "two")
    assert limiter.active(EVALUATION) == 2
    assert not limiter.acquire(EVALUATION, "pod-a", A)
    limiter.release(EVALUATION, "one")
    assert woken == []
    limiter.release(EVALUATION, "two")
    assert woken == [A]


def test_a_place_that_its_waiter_does_not_take_goes_to_the_next(limiter, woken):
    limiter.acquire(EVALUATION, "pod-a", A)
    limiter.acquire(EVALUATION, "pod-b", B)
    limiter.acquire(EVALUATION, "pod-c", C)
    limiter.release(EVALUATION, "pod-a")
    # B was deleted: it is looked at, and takes nothing.
    limiter.wake_waiters()
    assert woken == [B, C]
    limiter.wake_waiters()
    assert woken == [B, C]


def test_a_place_that_is_taken_is_not_passed_on(limiter, woken):
    limiter.acquire(EVALUATION, "pod-a", A)
    limiter.acquire(EVALUATION, "pod-b", B)
    limiter.wake_waiters()
    assert woken == []


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(0, 5), max_size=30))
def test_no_key_starves(limit, order):
    """Each key wants one pod; pods end in any order; a woken key takes its place at its next look."""
    ready = [Key("TaskInstance", "here", str(number)) for number in range(6)]
    limiter = PodLimiter(dict.fromkeys(Role, limit), wake=lambda key: ready.append(key))
    holding, served = [], set()
    for pick in [*order, *range(40)]:
        while ready:
            key = ready.pop(0)
            if key not in served and limiter.acquire(EVALUATION, key.name, key):
                holding.append(key)
                served.add(key)
            limiter.wake_waiters()
        assert limiter.active(EVALUATION) == len(holding) <= limit
        if holding:
            limiter.release(EVALUATION, holding.pop(pick % len(holding)).name)
    assert len(served) == 6
