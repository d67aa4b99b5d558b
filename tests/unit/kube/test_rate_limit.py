"""How fast we may write. Times are compared with each other, never with a clock."""

import asyncio

from swefoundry.kube.rate_limit import TokenBucket


async def test_a_full_bucket_gives_its_burst_at_once():
    bucket = TokenBucket(rate=0.001, burst=3)
    assert [await bucket.acquire() for _ in range(3)] == [0.0, 0.0, 0.0]


async def test_an_empty_bucket_makes_wait_as_its_rate_says():
    bucket = TokenBucket(rate=20, burst=1)
    # A machine that stands still may find a token once, but hardly every time.
    waited = [await bucket.acquire() for _ in range(10)]
    assert 0 < max(waited) <= 1 / 20


async def test_those_who_wait_are_served_in_order():
    bucket, served = TokenBucket(rate=200, burst=1), []

    async def take(number):
        await bucket.acquire()
        served.append(number)

    await asyncio.gather(*(take(number) for number in range(5)))
    assert served == [0, 1, 2, 3, 4]


async def test_one_who_gives_up_waiting_takes_no_token_along():
    bucket = TokenBucket(rate=50, burst=1)
    await bucket.acquire()
    impatient = asyncio.create_task(bucket.acquire())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    assert await bucket.acquire() <= 1 / 50
