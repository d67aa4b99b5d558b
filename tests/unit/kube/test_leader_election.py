"""Leader election: candidates with clocks of their own against one simulated API server.

Time passes where a candidate sleeps. The times of a Lease are 15 s, 10 s and 2 s.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from simulated.api_server import ApiServer
from swefoundry.kube.leader_election import RETRY_JITTER, ElectionClock, LeaderElector, LeaseConfig

CONFIG = LeaseConfig("swefoundry", "swefoundry-leader")
LEASE = ("leases", "swefoundry", "swefoundry-leader")
DURATION, DEADLINE, RETRY = 15, 10, 2


@dataclass
class FakeClock:
    """Seconds that pass only in ``sleep``. ``skew`` is the error of its time of day."""

    seconds: float = 1000.0
    skew: timedelta = timedelta()
    on_sleep: list = field(default_factory=list)
    """Called with the clock after each pause."""

    def monotonic(self):
        return self.seconds

    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds) + self.skew

    async def sleep(self, seconds):
        self.seconds += seconds
        for act in self.on_sleep:
            await act(self)


class Candidate:
    """An elector with the number of times that it was to end its process."""

    def __init__(self, server: ApiServer, identity: str, clock: FakeClock):
        self.clock = clock
        self.kube = server.client()
        self.ended = 0
        clocks = ElectionClock(clock.monotonic, clock.now, clock.sleep)
        self.elector = LeaderElector(self.kube, CONFIG, identity, self.end, clocks)

    def end(self):
        self.ended += 1


@pytest.fixture
async def candidate(server):
    candidates = []

    def make(identity, clock=None):
        candidates.append(Candidate(server, identity, clock or FakeClock()))
        return candidates[-1]

    yield make
    for each in candidates:
        await each.kube.close()


def holder(server):
    return server.get(LEASE)["spec"]["holderIdentity"]


async def test_the_first_candidate_leads_and_the_second_stands_by(server, candidate):
    first, second = candidate("first"), candidate("second")
    assert (await first.elector.try_to_hold(), await second.elector.try_to_hold()) == (True, False)
    assert (first.elector.leads, second.elector.leads) == (True, False)
    assert holder(server) == "first"


async def test_of_two_that_create_the_lease_at_the_same_moment_one_leads(server, candidate):
    first, second = candidate("first"), candidate("second")

    async def let_the_second_create_it(line):
        if line.startswith("POST"):
            server.request_hook = ApiServer.request_hook
            await second.elector.try_to_hold()

    server.request_hook = let_the_second_create_it
    assert (await first.elector.try_to_hold(), second.elector.leads) == (False, True)


async def test_of_two_that_take_an_expired_lease_at_the_same_moment_one_leads(server, candidate):
    dead, first, second = candidate("dead"), candidate("first"), candidate("second")
    await dead.elector.try_to_hold()
    for each in (first, second):
        await each.elector.try_to_hold()
        each.clock.seconds += DURATION

    async def let_the_second_take_it(line):
        if line.startswith("PATCH"):
            server.request_hook = ApiServer.request_hook
            await second.elector.try_to_hold()

    server.request_hook = let_the_second_take_it
    assert (await first.elector.try_to_hold(), second.elector.leads) == (False, True)
    assert holder(server) == "second"


@pytest.mark.parametrize("skew", [timedelta(), timedelta(days=-1), timedelta(days=1)])
async def test_a_standby_takes_the_lease_of_a_killed_leader_when_it_has_not_changed_for_its_duration(
    server, candidate, skew
):
    dead, standby = candidate("dead", FakeClock(skew=skew)), candidate("standby")
    await dead.elector.try_to_hold()
    started = standby.clock.seconds
    await standby.elector.acquire()
    assert DURATION <= standby.clock.seconds - started <= DURATION + RETRY * RETRY_JITTER
    assert holder(server) == "standby"
    assert server.get(LEASE)["spec"]["leaseTransitions"] == 1


async def test_a_renewal_that_a_standby_observes_restarts_its_wait(server, candidate):
    clock = FakeClock()
    leader, standby = candidate("leader", clock), candidate("standby", clock)
    await leader.elector.try_to_hold()
    renewals = []

    async def renew_ten_times(clock):
        if len(renewals) < 10 and await leader.elector.try_to_hold():
            renewals.append(clock.seconds)

    clock.on_sleep.append(renew_ten_times)
    await standby.elector.acquire()
    assert clock.seconds - renewals[-1] >= DURATION


async def test_a_released_lease_is_taken_at_the_next_look(server, candidate):
    leader, standby = candidate("leader"), candidate("standby")
    await leader.elector.try_to_hold()

    async def release(_):
        await leader.elector.release()

    standby.clock.on_sleep.append(release)
    started = standby.clock.seconds
    await standby.elector.acquire()
    assert standby.clock.seconds - started <= RETRY * RETRY_JITTER
    assert (leader.elector.leads, leader.ended, holder(server)) == (False, 0, "standby")


@pytest.mark.parametrize("arrives_before", ["GET", "PATCH"])
async def test_a_release_succeeds_though_a_cancelled_renewal_still_arrives(server, candidate, arrives_before):
    leader = candidate("leader")
    await leader.elector.try_to_hold()
    sent, arrives, arrived = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def delay_the_first_patch(line):
        if line.startswith("PATCH") and not sent.is_set():
            sent.set()
            await arrives.wait()
            return arrived.set
        if line.startswith(arrives_before):
            arrives.set()
            await arrived.wait()
        return None

    server.request_hook = delay_the_first_patch
    renewal = asyncio.create_task(leader.elector.try_to_hold())
    await sent.wait()
    renewal.cancel()
    await asyncio.wait([renewal])
    await leader.elector.release()
    assert (arrived.is_set(), holder(server)) == (True, "")


async def test_a_leader_that_cannot_renew_ends_before_a_standby_may_take_the_lease(server, candidate):
    leader = candidate("leader")
    await leader.elector.try_to_hold()
    started = leader.clock.seconds
    server.forced_errors["PATCH leases"] = (503, "busy")
    await leader.elector.renew()
    assert leader.clock.seconds - started == DEADLINE < DURATION
    assert leader.ended == 1


async def test_a_leader_survives_failures_that_end_before_the_deadline(server, candidate):
    leader = candidate("leader")
    await leader.elector.try_to_hold()
    server.forced_errors["PATCH leases"] = (503, "busy")

    async def end_the_outage_then_stop(clock):
        if clock.seconds == 1000.0 + DEADLINE - RETRY:
            server.forced_errors.clear()
        if clock.seconds >= 1000.0 + 3 * DEADLINE:
            server.forced_errors["PATCH leases"] = (503, "busy")

    leader.clock.on_sleep.append(end_the_outage_then_stop)
    await leader.elector.renew()
    assert leader.clock.seconds == 1000.0 + 4 * DEADLINE - RETRY


async def test_a_leader_that_was_suspended_and_replaced_ends_at_its_next_renewal(server, candidate):
    suspended, standby = candidate("suspended"), candidate("standby")
    await suspended.elector.try_to_hold()
    await standby.elector.acquire()
    suspended.clock.seconds += RETRY  # its clock stood still meanwhile
    await suspended.elector.renew()
    assert (suspended.ended, holder(server)) == (1, "standby")


async def test_no_write_follows_the_deadline_even_when_the_loop_was_blocked(candidate):
    leader = candidate("leader")
    await leader.elector.try_to_hold()
    leader.clock.seconds += DEADLINE - 1
    leader.elector.require_lead()
    assert leader.ended == 0
    leader.clock.seconds += 1
    leader.elector.require_lead()
    assert leader.ended == 1


async def test_a_container_that_is_restarted_in_its_pod_is_still_the_holder(server, candidate):
    await candidate("pod_uid").elector.try_to_hold()
    assert await candidate("pod_uid").elector.try_to_hold()
    assert server.get(LEASE)["spec"]["leaseTransitions"] == 0


async def test_a_leader_that_is_replaced_does_not_release_the_lease_of_its_successor(server, candidate):
    leader, standby = candidate("leader"), candidate("standby")
    await leader.elector.try_to_hold()
    await standby.elector.acquire()
    await leader.elector.release()
    assert holder(server) == "standby"


async def test_renewals_are_one_request_each(server, candidate):
    leader = candidate("leader")
    await leader.elector.try_to_hold()
    server.requests.clear()
    await leader.elector.try_to_hold()
    await leader.elector.try_to_hold()
    assert server.requests == ["PATCH leases/swefoundry-leader"] * 2
