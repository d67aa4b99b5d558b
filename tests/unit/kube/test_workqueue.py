"""Work queue, on a real event loop; nothing waits longer than a few milliseconds."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swefoundry import metrics
from swefoundry.kube.workqueue import (
    BASE_DELAY_SECONDS,
    LOW_SHARE,
    MAX_DELAY_SECONDS,
    Key,
    Priority,
    WorkQueue,
)

LOW, NORMAL = Priority.LOW, Priority.NORMAL

ONE, TWO = Key("Pod", "here", "one"), Key("Pod", "here", "two")


@pytest.fixture
def queue():
    return WorkQueue()


async def ready(queue):
    """Everything that a worker would get now, without working on it."""
    return [await queue.get() for _ in range(len(queue))]


async def test_keys_come_out_in_the_order_in_which_they_came_in(queue):
    queue.add(TWO)
    queue.add(ONE)
    assert await ready(queue) == [TWO, ONE]


async def test_a_key_that_waits_is_not_added_twice(queue):
    queue.add(ONE)
    queue.add(ONE)
    assert await ready(queue) == [ONE]


async def test_a_key_added_while_processed_is_processed_once_more_afterwards(queue):
    queue.add(ONE)
    await queue.get()
    queue.add(ONE)
    queue.add(ONE)
    assert len(queue) == 0
    queue.done(ONE)
    assert await ready(queue) == [ONE]
    queue.done(ONE)
    assert len(queue) == 0


async def test_a_worker_that_waits_gets_the_next_key(queue):
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(ONE)
    assert await worker == ONE


async def test_a_key_put_off_comes_when_its_time_is_over(queue):
    queue.add_after(ONE, 0.01)
    assert len(queue) == 0
    assert await queue.get() == ONE


async def test_of_two_plans_the_earlier_counts(queue):
    queue.add_after(ONE, 3600)
    queue.add_after(ONE, 0.005)
    queue.add_after(ONE, 7200)
    assert await queue.get() == ONE
    queue.done(ONE)
    # The plans are one: nothing is left of the others.
    assert not queue._timers


async def test_adding_at_once_does_not_wait_for_a_plan(queue):
    queue.add_after(ONE, 3600)
    queue.add(ONE)
    assert await ready(queue) == [ONE]


async def test_pauses_double_up_to_a_limit_and_vary(queue):
    pauses = []
    for _ in range(12):
        pauses.append(queue.add_rate_limited(ONE))
        queue._fire(ONE)
    for number, pause in enumerate(pauses):
        grown = min(BASE_DELAY_SECONDS * 2**number, MAX_DELAY_SECONDS)
        assert 0.75 * grown <= pause <= 1.25 * grown
    assert len(set(pauses)) == len(pauses)


async def test_errors_before_the_planned_retry_do_not_lengthen_the_pause(queue):
    for _ in range(9):
        assert queue.add_rate_limited(ONE) <= 1.25 * BASE_DELAY_SECONDS
    queue._fire(ONE)
    assert queue.add_rate_limited(ONE) >= 0.75 * 2 * BASE_DELAY_SECONDS


async def test_the_other_side_may_ask_for_a_longer_pause_but_not_for_a_shorter(queue):
    assert queue.add_rate_limited(ONE, after=77.0) == 77.0
    assert queue.add_rate_limited(TWO, after=0.001) > 0.1


async def test_success_shortens_the_next_pause(queue):
    for _ in range(9):
        queue.add_rate_limited(ONE)
        queue._fire(ONE)
    queue.forget(ONE)
    assert queue.add_rate_limited(ONE) <= 1.25 * BASE_DELAY_SECONDS


async def test_a_queue_of_which_no_key_is_taken_is_stalled_since_the_oldest_came_or_one_was_taken(queue):
    assert queue.stalled_seconds() == 0.0
    began = time.monotonic()
    queue.add(ONE)
    queue.add(TWO, LOW)
    await asyncio.sleep(0.01)
    assert 0.01 <= queue.stalled_seconds() <= time.monotonic() - began
    taken = time.monotonic()
    await queue.get()
    assert queue.stalled_seconds() <= time.monotonic() - taken
    await queue.get()
    assert queue.stalled_seconds() == 0.0


async def test_keys_of_low_priority_wait_for_the_others(queue):
    queue.add(TWO, LOW)
    queue.add(ONE)
    assert await ready(queue) == [ONE, TWO]


async def test_a_key_is_raised_and_never_lowered(queue):
    queue.add(ONE, LOW)
    queue.add(TWO, LOW)
    queue.add(TWO)
    queue.add(TWO, LOW)
    assert len(queue) == 2
    assert await ready(queue) == [TWO, ONE]


async def test_while_both_wait_one_key_of_eight_has_low_priority(queue):
    for number in range(20):
        queue.add(Key("Pod", "here", f"normal-{number}"))
        queue.add(Key("Pod", "here", f"low-{number}"), LOW)
    taken = [(await queue.get()).name.split("-")[0] for _ in range(2 * LOW_SHARE)]
    assert taken == ([*["normal"] * (LOW_SHARE - 1), "low"]) * 2


@pytest.mark.parametrize(("first", "second"), [(LOW, NORMAL), (NORMAL, LOW)])
async def test_of_two_priorities_the_stronger_counts_wherever_a_key_waits(queue, first, second):
    async def order():
        queue.add(ONE, NORMAL)
        return await ready(queue)

    queue.add(TWO)
    assert await queue.get() == TWO
    queue.add(TWO, first)
    queue.add(TWO, second)
    queue.done(TWO)
    assert await order() == [TWO, ONE], "added while it was processed"
    queue.done(ONE), queue.done(TWO)
    queue.add_after(TWO, 0.001, first)
    queue.add_after(TWO, 0.002, second)
    await asyncio.sleep(0.01)
    assert await order() == [TWO, ONE], "planned"
    queue.done(ONE), queue.done(TWO)
    queue.hold()
    queue.add(TWO, first)
    queue.add(TWO, second)
    queue.start()
    assert await order() == [TWO, ONE], "held"


async def test_the_queue_is_counted_in_metrics(queue):
    def counted(name):
        labels = {"priority": "normal"} if name.startswith("queue_duration") else {}
        return metrics.REGISTRY.get_sample_value(f"swefoundry_workqueue_{name}", labels) or 0

    names = ("adds_total", "retries_total", "queue_duration_seconds_count")
    before = [counted(name) for name in names]
    queue.add(ONE)
    queue.add(ONE)
    assert counted("depth") == 1
    await queue.get()
    queue.add_rate_limited(ONE)
    assert counted("depth") == 0
    assert [counted(name) - old for name, old in zip(names, before, strict=True)] == [1, 1, 1]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "add low", "get", "done"]), st.integers(0, 2)), max_size=40)
)
async def test_no_key_is_ever_with_two_workers_or_lost(moves):
    queue, keys = WorkQueue(), [Key("Pod", "here", str(number)) for number in range(3)]
    working, expected = set(), set()
    for move, number in moves:
        key = keys[number]
        if move.startswith("add"):
            queue.add(key, LOW if move == "add low" else NORMAL)
            expected.add(key)
        elif move == "get" and len(queue):
            got = await queue.get()
            assert got not in working and got in expected
            working.add(got)
            expected.discard(got)
        elif move == "done" and key in working:
            working.discard(key)
            queue.done(key)
    for key in working:
        queue.done(key)
    assert set(await ready(queue)) == expected


async def test_a_held_queue_keeps_its_keys_until_it_is_started_and_none_of_them_waits_meanwhile(queue):
    queue.hold()
    for key in (TWO, ONE, TWO):
        queue.add(key)
    assert (len(queue), queue.stalled_seconds(), queue.held) == (0, 0.0, True)
    queue.start()
    assert (await ready(queue), queue.held) == ([TWO, ONE], False)
