"""Token bucket. Times are compared with each other, never with a clock."""

import asyncio

from swefoundry.kube.rate_limit import TokenBucket


async def test_a_full_bucket_allows_a_burst():
    bucket = TokenBucket(rate=0.001, burst=3)
    assert [await bucket.acquire() for _ in range(3)] == [0.0, 0.0, 0.0]


async def test_an_empty_bucket_delays_by_its_rate():
    bucket = TokenBucket(rate=20, burst=1)
    # A machine that stands still may find a token once, but hardly every time.
    waited = [await bucket.acquire() for _ in range(10)]
    assert 0 < max(waited) <= 1 / 20


async def test_waiters_are_served_in_order():
    bucket, served = TokenBucket(rate=200, burst=1), []

    async def acquire_token(number):
        await bucket.acquire()
        served.append(number)

    await asyncio.gather(*(acquire_token(number) for number in range(5)))
    assert served == [0, 1, 2, 3, 4]


async def test_a_cancelled_waiter_takes_no_token():
    bucket = TokenBucket(rate=50, burst=1)
    await bucket.acquire()
    cancelled = asyncio.create_task(bucket.acquire())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert await bucket.acquire() <= 1 / 50
