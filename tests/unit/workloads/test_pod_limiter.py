"""Limits on active pods, the order of those who wait, and pods that have no node."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW
from swefoundry import metrics
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.place_requests import PlaceRequest, QueuePosition
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.role_places import PodPlacement

BUILD, EVALUATION = Role.BUILD, Role.EVALUATION
AWAITS_CAPACITY, CREATED = PodPlacement.AWAITS_CAPACITY, PodPlacement.CREATED
PLACED, UNSCHEDULABLE = PodPlacement.PLACED, PodPlacement.UNSCHEDULABLE


def a_request(name, steps=0, age=0, namespace="here", role=EVALUATION):
    """A request of the object ``name``, made for an instance that is ``age`` seconds older than others."""
    key = Key("TaskInstance", namespace, name)
    return PlaceRequest(steps, NOW - timedelta(seconds=age), name, f"{namespace}/{name}-pod", key, role)


def key_of(name, namespace="here"):
    return Key("TaskInstance", namespace, name)


class Limited:
    """A limiter with a clock that the test sets, and the keys that it has woken."""

    def __init__(self, limit=1, **limits):
        self.woken = []
        self.now = NOW
        places = PlaceLimits(dict.fromkeys(Role, limit), **limits)
        self.limiter = PodLimiter(places, self.woken.append, lambda: self.now)

    def ask(self, *names, **fields):
        """Ask for places; the answers in this order."""
        return [self.limiter.acquire(a_request(name, **fields)) for name in names]

    def place(self, *names, placement=PLACED, role=EVALUATION):
        """The pods get a node."""
        for name in names:
            self.limiter.observe(role, f"here/{name}-pod", placement, self.now)

    def end(self, name, role=EVALUATION, namespace="here"):
        """A pod's container has ended."""
        self.limiter.release(role, f"{namespace}/{name}-pod")

    def names_woken(self):
        return [key.name for key in self.woken]


def test_free_places_are_those_that_no_pod_and_no_request_has():
    limited = Limited(4)
    limited.ask("a")
    assert [limited.limiter.free_places(EVALUATION, awaited) for awaited in (0, 1, 9)] == [3, 2, 0]
    limited.ask("b", "c", "d", "e")
    assert limited.limiter.free_places(EVALUATION) == 0


def test_no_place_is_free_over_the_limit_of_all_roles_or_while_pods_wait_for_nodes():
    total = Limited(4, total=2)
    total.ask("a")
    assert (total.limiter.free_places(EVALUATION), total.limiter.free_places(BUILD)) == (1, 1)
    crowded = Limited(4, unplaced=1)
    crowded.place("a", placement=UNSCHEDULABLE)
    assert crowded.limiter.free_places(EVALUATION) == 0


def test_the_position_that_a_request_would_have_is_known_before_it_is_made():
    limited = Limited()
    assert limited.limiter.expected_position(a_request("young")) is None
    limited.ask("running")
    assert limited.limiter.expected_position(a_request("young")) == QueuePosition(1, 1, EVALUATION)
    limited.ask("old", age=9)
    assert limited.limiter.expected_position(a_request("young")) == QueuePosition(2, 2, EVALUATION)
    assert limited.ask("other", age=30) == [False], "nothing was requested for the others"
    assert limited.limiter.position(a_request("other", age=30)) == QueuePosition(1, 2, EVALUATION)


def test_there_are_as_many_places_as_the_limit_says():
    limited = Limited()
    assert limited.ask("a", "b") == [True, False]
    assert limited.limiter.active(EVALUATION) == 1


def test_a_pod_that_has_a_place_may_take_it_again():
    limited = Limited()
    assert limited.ask("a", "a") == [True, True]
    assert limited.limiter.active(EVALUATION) == 1


def test_roles_have_their_own_places():
    limited = Limited()
    assert limited.ask("a") + limited.ask("b", role=BUILD) == [True, True]


def test_a_free_place_goes_to_the_pod_nearest_to_its_verdict_then_to_the_oldest_instance():
    limited = Limited()
    limited.ask("running")
    limited.ask("young-probe", steps=1)
    limited.ask("old-probe", steps=1, age=60)
    limited.ask("young-matrix", age=1)
    limited.ask("old-matrix", age=30)
    order = []
    for ended in ("running", "old-matrix", "young-matrix", "old-probe"):
        limited.end(ended)
        order.append(limited.woken.pop().name)
        assert limited.ask(order[-1]) == [True]
    assert order == ["old-matrix", "young-matrix", "old-probe", "young-probe"]


def test_instances_of_the_same_second_are_served_by_name():
    limited = Limited()
    limited.ask("running", "c", "b")
    limited.end("running")
    assert limited.names_woken() == ["b"]


def test_a_place_that_was_given_is_not_taken_by_who_asks_first():
    limited = Limited()
    limited.ask("running", "first")
    limited.end("running")
    assert limited.ask("first-to-ask", age=99) == [False]
    assert limited.ask("first") == [True]


def test_a_place_that_is_given_and_not_taken_goes_to_the_next():
    limited = Limited()
    limited.ask("running", "b", "c")
    limited.end("running")
    limited.limiter.settle(key_of("b"))  # it was suspended: it is reconciled, and takes nothing
    assert limited.names_woken() == ["b", "c"]
    limited.limiter.settle(key_of("b"))
    assert limited.names_woken() == ["b", "c"]


def refills():
    """How many pods were created in a place that had become free for them."""
    name = "swefoundry_place_refill_duration_seconds_count"
    return metrics.REGISTRY.get_sample_value(name, {"role": "evaluation"}) or 0


def test_only_a_pod_that_waited_for_its_place_counts_as_a_refill_and_once():
    limited = Limited()
    before = refills()
    limited.ask("a", "b")
    limited.limiter.note_creation(a_request("a"))
    limited.end("a")
    assert (limited.ask("b"), refills() - before) == ([True], 0)
    limited.limiter.note_creation(a_request("b"))
    limited.limiter.note_creation(a_request("b"))
    assert refills() - before == 1


def test_a_place_that_was_not_taken_is_no_refill():
    limited = Limited()
    before = refills()
    limited.ask("a", "b")
    limited.end("a")
    limited.limiter.settle(key_of("b"))
    limited.ask("b")
    limited.limiter.note_creation(a_request("b"))
    assert refills() - before == 0


def test_a_place_that_is_taken_is_not_passed_on():
    limited = Limited()
    limited.ask("a", "b")
    limited.limiter.settle(key_of("a"))
    assert limited.woken == []


def test_requests_of_a_deleted_object_wait_no_longer_and_its_places_are_given_on():
    limited = Limited()
    limited.ask("running", "a", "b", "c")
    limited.limiter.forget(key_of("b"))
    limited.end("running")
    limited.limiter.forget(key_of("a"))
    assert limited.names_woken() == ["a", "c"]


def test_releasing_a_place_that_was_not_taken_wakes_nobody():
    limited = Limited()
    limited.ask("a", "b")
    limited.end("z")
    assert limited.woken == [] and limited.limiter.active(EVALUATION) == 1


def test_pods_of_before_a_restart_count_even_over_the_limit():
    limited = Limited()
    limited.place("one", "two")
    assert limited.limiter.active(EVALUATION) == 2
    assert limited.ask("a") == [False]
    limited.end("one")
    assert limited.woken == []
    limited.end("two")
    assert limited.names_woken() == ["a"]


def test_a_pod_that_has_no_node_holds_no_place():
    limited = Limited()
    limited.ask("too-big")
    limited.place("too-big", placement=UNSCHEDULABLE)
    assert limited.limiter.active(EVALUATION) == 0
    assert limited.ask("b", "c") == [True, False]


def test_no_pod_is_created_while_as_many_as_allowed_have_no_node():
    limited = Limited(limit=9, unplaced=2)
    assert limited.ask("a", "b", "c") == [True, True, False]
    limited.place("a", "b", placement=UNSCHEDULABLE)
    assert limited.woken == []
    assert limited.limiter.position(a_request("c")) == QueuePosition(1, 1, EVALUATION, unplaced=True)
    limited.place("a")
    assert limited.names_woken() == ["c"]


def test_pods_without_a_node_of_one_role_hold_back_no_other():
    limited = Limited(limit=9, unplaced=1)
    limited.ask("a")
    assert limited.ask("b", role=BUILD) == [True]


@pytest.mark.parametrize(("placement", "unplaced"), [(UNSCHEDULABLE, 1), (AWAITS_CAPACITY, 3)])
def test_pods_without_a_node_count_for_five_minutes_from_their_creation(placement, unplaced):
    """As those from before a restart, too."""
    limited = Limited(limit=9, unplaced=unplaced)
    limited.place("a", placement=placement)
    limited.now += timedelta(seconds=299)
    assert limited.ask("b") == [False]
    limited.limiter.settle(key_of("z"))
    assert limited.woken == []
    limited.now += timedelta(seconds=1)
    limited.limiter.settle(key_of("z"))
    assert limited.names_woken() == ["b"]


def test_a_pod_that_waits_for_full_nodes_for_a_minute_holds_back_all_new_ones_until_it_has_one():
    limited = Limited(limit=9, unplaced=3)
    limited.place("a", placement=AWAITS_CAPACITY)
    limited.now += timedelta(seconds=59)
    assert limited.ask("b") == [True]
    limited.place("b")
    limited.now += timedelta(seconds=1)
    assert limited.ask("c") == [False]
    assert limited.limiter.position(a_request("c")) == QueuePosition(1, 1, EVALUATION, unplaced=True)
    limited.place("a")
    assert limited.names_woken() == ["c"]


def test_a_pod_that_few_nodes_would_do_for_does_not_hold_back_others():
    limited = Limited(limit=9, unplaced=3)
    limited.place("a", placement=UNSCHEDULABLE)
    limited.now += timedelta(seconds=61)
    assert limited.ask("b") == [True]


def test_with_one_limit_for_all_roles_a_place_goes_to_the_pod_nearest_to_its_verdict():
    limited = Limited(limit=9, total=1)
    assert limited.ask("running") == [True]
    assert limited.ask("intake", steps=4, age=99, role=Role.INTAKE) == [False]
    assert limited.ask("build", steps=2, role=BUILD) == [False]
    limited.end("running")
    assert limited.names_woken() == ["build"]


def test_the_namespace_furthest_below_its_share_is_served_first():
    limited = Limited(limit=4, weights={"big": 3})
    limited.ask("a0", "a1", "a2", "a3", namespace="small", age=99)
    limited.ask("s0", "s1", "s2", "s3", namespace="small", age=50)
    limited.ask("b0", "b1", "b2", "b3", namespace="big")
    for number in range(4):
        limited.limiter.observe(EVALUATION, f"small/a{number}-pod", PLACED, NOW)
    for number in range(4):
        limited.end(f"a{number}", namespace="small")
        limited.limiter.acquire(a_request(limited.woken[-1].name, namespace=limited.woken[-1].namespace))
    assert sorted(limited.names_woken()) == ["b0", "b1", "b2", "s0"]


def test_the_position_is_that_among_the_requests_of_the_namespace():
    limited = Limited()
    limited.ask("running", "d", "b", "c")
    limited.ask("z", namespace="elsewhere")
    assert limited.limiter.position(a_request("c")) == QueuePosition(2, 3, EVALUATION)


def test_the_snapshot_lists_who_waits_in_the_order_of_the_places():
    limited = Limited()
    limited.ask("running")
    limited.ask("b", "a", steps=1)
    limited.ask("matrix")
    limited.place("too-big", placement=UNSCHEDULABLE)
    assert limited.limiter.snapshot(2)["evaluation"] == {
        "limit": 1,
        "active": 1,
        "waiting": 3,
        "heldBy": ["here/running-pod"],
        "unplaced": ["here/too-big-pod"],
        "waitingKeys": [str(key_of("matrix")), str(key_of("a"))],
    }


class CountedInt(int):
    """A number that counts how often two of its kind are compared."""

    comparisons = 0

    def __lt__(self, other):
        CountedInt.comparisons += 1
        return int(self) < int(other)


def test_one_of_ten_thousand_requests_is_found_by_few_comparisons():
    limited = Limited()
    limited.ask("running")
    for number in range(10_000):
        limited.limiter.acquire(replace(a_request(f"{number}"), steps=CountedInt(number * 7919 % 10_000)))
    CountedInt.comparisons = 0
    limited.end("running")
    limited.limiter.settle(limited.woken[0])
    limited.limiter.acquire(replace(a_request("new"), steps=CountedInt(5_000)))
    assert CountedInt.comparisons < 200


@pytest.mark.parametrize("placements", [(), (CREATED,), (CREATED, UNSCHEDULABLE), (UNSCHEDULABLE, PLACED)])
@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(0, 5), max_size=30))
def test_no_key_starves(placements, limit, order):
    """Each key wants one pod; pods end in any order; a woken key takes its place when it is reconciled."""
    limited = Limited(limit=limit)
    names, holding, served = [str(number) for number in range(6)], [], set()
    limited.woken.extend(key_of(name) for name in names)
    for pick in [*order, *range(40)]:
        while limited.woken:
            name = limited.woken.pop(0).name
            if name not in served and limited.ask(name) == [True]:
                holding.append(name)
                served.add(name)
                for placement in placements:
                    limited.place(name, placement=placement)
            limited.limiter.settle(key_of(name))
        if holding:
            limited.end(holding.pop(pick % len(holding)))
    assert served == set(names)
