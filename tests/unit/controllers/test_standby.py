"""A standby: what it does until it is elected, and what then."""

import kopf
import pytest

from builders import NOW
from simulated.scripted_pods import manifest
from simulated.stepping_operator import make_operator
from swefoundry import metrics
from swefoundry.kube.leader_election import LeaderElector, LeaseConfig
from unit.controllers.informer_inputs import send_event, until

LEASE = ("leases", "here", "leader")
CONFIG = LeaseConfig("here", "leader", retry_seconds=0.01)
SECONDS_LATER_OR_NEVER = 3600
OTHER = {"holderIdentity": "other", "leaseDurationSeconds": SECONDS_LATER_OR_NEVER, "leaseTransitions": 0}


@pytest.fixture
async def candidate(context, server):
    """An operator that takes part in an election, and is stopped after the test."""
    context.settings = context.settings.model_copy(update={"namespaces": ["here"]})
    operator = make_operator(context, clock=lambda: NOW)
    operator.ended = []
    operator.elector = LeaderElector(server.client(), CONFIG, "me", lambda: operator.ended.append(True))
    yield operator
    await operator.stop()
    await operator.elector.close()


def leader_metric():
    return metrics.REGISTRY.get_sample_value("swefoundry_leader")


def other_writes(server):
    return [line for line in server.writes() if "leases" not in line]


async def stand_by(operator, server):
    server.put("leases", {"metadata": {"name": "leader", "namespace": "here"}, "spec": OTHER})
    await operator.start(settings=kopf.OperatorSettings())


async def test_a_free_lease_is_taken_at_the_start(candidate, server):
    server.create("taskinstances", "here", manifest())
    await candidate.start(settings=kopf.OperatorSettings())
    await until(lambda: server.one("taskinstances")["status"])
    assert (server.get(LEASE)["spec"]["holderIdentity"], leader_metric()) == ("me", 1)


async def test_a_standby_is_healthy_keeps_its_cache_current_and_writes_nothing(candidate, server):
    server.create("taskinstances", "here", manifest())
    await stand_by(candidate, server)
    await send_event(candidate, server.create("taskinstances", "here", manifest("task-two")), "ADDED")
    looks = server.requests.count("GET leases/leader")
    await until(lambda: server.requests.count("GET leases/leader") >= looks + 2)
    assert sum(candidate.context.cache.count_by_phase().values()) == 2
    assert await candidate.healthz() == {"queueSeconds": 0.0, "watchSeconds": pytest.approx(0, abs=60)}
    assert (other_writes(server), leader_metric(), candidate.ended) == ([], 0, [])


async def test_an_elected_standby_lists_again_and_reconciles_everything(candidate, server):
    task = server.create("taskinstances", "here", manifest())
    await stand_by(candidate, server)
    unseen = server.create("taskinstances", "here", manifest("task-two"))  # no watch has delivered it
    server.patch(LEASE, {"spec": {"holderIdentity": ""}})
    await until(lambda: all(body["status"] for body in server.bodies("taskinstances")))
    assert {task["metadata"]["name"], unseen["metadata"]["name"]} <= {
        body["metadata"]["labels"]["swefoundry.dev/owner"] for body in server.bodies("pods")
    }
    assert leader_metric() == 1


async def test_an_operator_that_is_stopped_releases_the_lease_after_its_last_write(candidate, server):
    server.create("taskinstances", "here", manifest())
    await candidate.start(settings=kopf.OperatorSettings())
    await until(lambda: server.one("taskinstances")["status"])
    await candidate.stop()
    assert server.writes()[-1] == "PATCH leases/leader"
    assert server.get(LEASE)["spec"]["holderIdentity"] == ""
    assert candidate.ended == []


async def test_a_leader_whose_lease_was_taken_ends_its_process(candidate, server):
    await candidate.start(settings=kopf.OperatorSettings())
    server.patch(LEASE, {"spec": OTHER})
    await until(lambda: candidate.ended)
    assert leader_metric() == 0
