"""Agents in the life of an EnvBuild, through the real handlers and reconcilers: called when the others have nothing,
told what came of every draft, paid within every budget, and never asked twice for one draft.

What agent pods write is a script here; operator and registry are real. See `simulated/`.
"""

import random

import pytest

from simulated.api_server import running_api_server
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.seeded_registry import REPOSITORY
from simulated.stepping_operator import SETTINGS, Crash
from swefoundry.api import labels
from swefoundry.contracts.draft import Draft
from swefoundry.controllers.envbuild.agent_rounds import BUDGET_REQUEUE_SECONDS
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.pod_snapshot import read_snapshot
from unit.controllers.agents_simulation import (
    BUILD,
    HERE,
    MODELS,
    USED,
    a_simulation,
    agent_specs,
    attempts,
    build,
    why,
    written,
)


async def test_a_draft_of_agents_is_built_probed_and_accepted(server, proxy, seeded):
    script = ScriptedPods(seeded, agent_records={"agent-0": [await written(proxy)]})
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    status = build(simulation)
    assert (status["phase"], status["acceptedOn"], status["strategy"]) == ("Ready", "fail2pass", "agents")
    assert (status["usage"], status["cost"]) == (USED.to_json_dict(), "$0.0025")
    state = script.agent_records["agent-0"][0]["state"]
    assert status["agents"] == {
        "draftsRequested": 1,
        "modelIndex": 0,
        "state": state,
        "transcript": state,
        "overclaimed": 0,
        "underclaimed": 0,
    }
    assert (status["rounds"][0]["claimed"], status["rounds"][0]["usage"]) == (True, USED.to_json_dict())
    assert status["rounds"][0]["label"] == "small: draft 0"
    assert server.get(HERE)["status"]["phase"] == "Validated"


async def test_the_next_agents_get_the_outcome_of_every_draft(server, proxy, seeded):
    first, second = await written(proxy, 0), await written(proxy, 1, claimed=False)
    script = ScriptedPods(
        seeded, agent_records={"agent-0": [first], "agent-1": [second]}, probe_codes={"after-0": 1}
    )
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    specs = agent_specs(simulation)
    assert [len(spec["rounds"]) for spec in specs] == [0, 1]
    past = specs[1]["rounds"][0]
    assert (past["outcome"], past["codes"]) == ("AfterFailed", {"before": 1, "after": 1})
    assert (past["strategy"], past["draft"], set(past["probes"])) == (
        "agents",
        first["draft"],
        {"before", "after"},
    )
    assert "some output" in past["message"] or past["message"] == ""
    assert (specs[0].get("state"), specs[1]["state"]) == (None, first["state"])
    assert specs[1]["conversation"] == server.get(BUILD)["metadata"]["uid"]
    status = build(simulation)
    assert (status["phase"], status["round"], status["usage"]["turns"]) == ("Ready", 2, 8)
    assert (status["agents"]["overclaimed"], status["agents"]["underclaimed"]) == (1, 1)


async def test_tests_that_pass_before_the_fix_do_not_end_the_agents_search(server, proxy, seeded):
    script = ScriptedPods(
        seeded,
        agent_records={"agent-0": [await written(proxy, 0)], "agent-1": [await written(proxy, 1)]},
        probe_codes={"before-0": 0},
    )
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    assert [item["outcome"] for item in build(simulation)["rounds"]] == ["BothPassed", "Accepted"]


async def test_the_analysts_reason_is_the_objects_and_the_best_round_gives_the_verdict(server, proxy, seeded):
    no_draft = {"code": 50, "message": "the tests need a GPU", "usage": USED.to_json_dict()}
    script = ScriptedPods(
        seeded,
        agent_records={"agent-0": [await written(proxy)], "agent-1": [no_draft]},
        exit_codes={"base": 0, "before": 1, "after": 1},
    )
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    assert why(simulation)[0] == "AgentsGaveUp"
    assert why(simulation)[1].startswith("the tests need a GPU; 1 draft tried; the last: AfterFailed")
    assert build(simulation)["usage"]["turns"] == 8
    assert server.get(HERE)["status"]["verdict"] == "fail2fail"


async def test_a_refused_key_gives_no_verdict_on_what_was_built_before(server, proxy, seeded):
    refused = {"code": 53, "message": "401: the key has expired", "usage": USED.to_json_dict()}
    script = ScriptedPods(
        seeded,
        agent_records={"agent-0": [await written(proxy)], "agent-1": [refused]},
        exit_codes={"base": 0, "before": 1, "after": 1},
    )
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    assert why(simulation)[0] == "ModelRefused"
    assert "image" not in build(simulation)
    task = server.get(HERE)["status"]
    assert (task["phase"], task.get("verdict")) == ("Failed", None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (22, "AgentsTimeLimit"),
        (51, "BudgetSpent"),
        (53, "ModelRefused"),
        (54, "AgentsRepeated"),
        (55, "AgentsMalformed"),
    ],
)
async def test_agents_that_end_otherwise_have_a_message(server, proxy, seeded, code, reason):
    script = ScriptedPods(seeded, agent_records={"agent-0": [{"code": code, "message": "the reason for it"}]})
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    assert why(simulation) == (reason, "the reason for it")
    task = server.get(HERE)["status"]
    assert (task["phase"], task["conditions"][0]["reason"]) == ("Failed", "EnvironmentNotBuilt")
    assert f"{reason}: the reason for it" in task["conditions"][0]["message"]


async def test_strategies_after_the_agents_have_their_turn_when_these_end(server, proxy, seeded):
    spec = {
        "environment": {
            "strategies": ["agents", "fixed"],
            "draft": {"dockerfile": "FROM python:3.11-slim\nCOPY . /testbed\n", "testCommand": "pytest"},
        }
    }
    simulation = a_simulation(server, proxy, seeded, spec=spec)
    await simulation.run()
    assert (build(simulation)["strategy"], build(simulation)["agents"]["endReason"]) == (
        "fixed",
        "AgentsGaveUp",
    )
    assert len(agent_specs(simulation)) == 1


async def test_a_command_of_agents_that_tests_nothing_disproves_no_row(server, proxy, seeded):
    spec = {
        "environment": {
            "strategies": ["agents", "fixed"],
            "draft": {"dockerfile": "FROM python:3.11-slim\nCOPY . /testbed\n", "testCommand": "pytest"},
        }
    }
    script = ScriptedPods(
        seeded, agent_records={"agent-0": [await written(proxy)]}, probe_codes={"before-0": 0}
    )
    simulation = a_simulation(server, proxy, seeded, script, spec=spec)
    await simulation.run()
    assert [(item["strategy"], item["outcome"]) for item in build(simulation)["rounds"]] == [
        ("agents", "BothPassed"),
        ("fixed", "Accepted"),
    ]


async def test_strategies_before_the_agents_are_not_asked_again(server, proxy, seeded):
    spec = {
        "environment": {
            "strategies": ["fixed", "agents"],
            "draft": {"dockerfile": "FROM python:3.11-slim\nCOPY . /testbed\n", "testCommand": "pytest"},
        }
    }
    script = ScriptedPods(
        seeded, agent_records={"agent-1": [await written(proxy)]}, probe_codes={"after-0": 1}
    )
    simulation = a_simulation(server, proxy, seeded, script, spec=spec)
    await simulation.run()
    assert [item["strategy"] for item in build(simulation)["rounds"]] == ["fixed", "agents"]
    assert [item["strategy"] for item in agent_specs(simulation)[0]["rounds"]] == ["fixed"]


async def test_without_a_model_agents_by_name_are_refused_and_by_default_left_out(server, proxy, seeded):
    simulation = a_simulation(server, proxy, seeded, settings=SETTINGS)
    await simulation.run()
    assert why(simulation)[0] == "AgentsNotConfigured"
    assert "agents.models" in why(simulation)[1]
    async with running_api_server() as other:
        simulation = a_simulation(
            other,
            proxy,
            seeded,
            settings=SETTINGS.model_copy(update={"strategies": ["agents"]}),
            spec={"environment": {}},
        )
        await simulation.run()
        assert why(simulation)[0] == "DraftsExhausted"


async def test_a_draft_that_was_tried_already_is_not_built_again(server, proxy, seeded):
    same = await written(proxy)
    script = ScriptedPods(
        seeded,
        agent_records={"agent-0": [same], "agent-1": [same]},
        exit_codes={"base": 0, "before": 1, "after": 21},
    )
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    assert why(simulation)[0] == "AgentsRepeated"
    assert len(build(simulation)["rounds"]) == 1


async def test_a_persons_word_wins_over_the_agents(server, proxy, seeded):
    script = ScriptedPods(seeded, agent_records={"agent-0": [await written(proxy)]})
    environment = {"strategies": ["agents"], "overrides": {"testCommand": "pytest -x"}}
    simulation = a_simulation(server, proxy, seeded, script, spec={"environment": environment})
    await simulation.run()
    async with RegistryClient(proxy.behind, insecure=True) as registry:
        blob = await registry.get_blob(REPOSITORY, build(simulation)["draft"], 1 << 20)
    assert Draft.model_validate_json(blob).test_command == "pytest -x"


async def test_an_endpoint_that_comes_back_costs_an_attempt_and_nothing_else(server, proxy, seeded):
    away = {"code": 52, "message": "503"}
    script = ScriptedPods(seeded, agent_records={"agent-0": [away, away, await written(proxy)]})
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    status = build(simulation)
    assert (status["phase"], status["infraRetries"], status["usage"]) == ("Ready", 2, USED.to_json_dict())


async def test_an_endpoint_that_stays_away_ends_the_search_with_what_was_used(server, proxy, seeded):
    away = {"code": 52, "message": "503 for an hour", "usage": USED.to_json_dict()}
    script = ScriptedPods(seeded, agent_records={"agent-0": [away] * 9})
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    assert why(simulation) == (
        "InfrastructureFault",
        "agent-0: ModelUnavailable after 4 attempts: 503 for an hour",
    )
    assert build(simulation)["usage"] == USED.to_json_dict()


@pytest.mark.parametrize(
    ("settings", "budget", "field"),
    [
        ({}, {"llmTokens": 0}, "spec.budget.llmTokens"),
        ({}, {"llmUsd": "0"}, "spec.budget.llmUsd"),
        ({"namespace_llm_tokens": 0}, {}, "agents.budgets.namespace.tokens"),
    ],
)
async def test_a_spent_budget_makes_no_pod(server, proxy, seeded, settings, budget, field):
    limits = MODELS.model_copy(update=settings)
    simulation = a_simulation(server, proxy, seeded, settings=limits, spec={"budget": budget})
    await simulation.run()
    reason, message = why(simulation)
    assert (reason, field in message) == ("BudgetSpent", True)
    assert agent_specs(simulation) == []


async def test_the_next_pod_gets_the_rest_of_the_budget(server, proxy, seeded):
    script = ScriptedPods(
        seeded,
        agent_records={"agent-0": [await written(proxy, 0)], "agent-1": [await written(proxy, 1)]},
        probe_codes={"after-0": 1},
    )
    budget = {"llmTokens": 50_000, "llmUsd": "0.01", "turnsPerRole": 9}
    simulation = a_simulation(server, proxy, seeded, script, spec={"budget": budget})
    await simulation.run()
    allowed = [spec["allowance"] for spec in agent_specs(simulation)]
    assert [(item["tokens"], item["microUsd"], item["turnsPerRole"]) for item in allowed] == [
        (50_000, 10_000, 9),
        (40_000, 7_500, 9),
    ]


async def test_agents_share_a_budget_one_after_the_other(server, proxy, seeded):
    """Two that might both spend all that is left: the second waits, and gets what the first has left."""
    limits = MODELS.model_copy(update={"operator_llm_tokens": 1_200_000})
    script = ScriptedPods(seeded, agent_records={"agent-0": [await written(proxy)]})
    simulation = a_simulation(server, proxy, seeded, script, settings=limits)
    body = manifest("task-two", environment={"strategies": ["agents"]}, instanceId="owner__name-2")
    server.create("taskinstances", "here", body)
    at_once, began = [], server.now

    def count():
        pods = map(read_snapshot, server.bodies("pods"))
        at_once.append(sum(pod.role == "agent" and not pod.ended for pod in pods))

    simulation.check = count
    await simulation.run()
    phases = {
        server.get(("taskinstances", "here", name))["status"]["phase"] for name in ("task-one", "task-two")
    }
    assert phases == {"Validated"}
    assert max(at_once) == 1
    assert (server.now - began).total_seconds() < BUDGET_REQUEUE_SECONDS, (
        "it was woken, and need not look again by itself"
    )
    assert [spec["allowance"]["tokens"] for spec in agent_specs(simulation)] == [1_000_000, 1_000_000]


async def test_an_experiment_is_on_everything_that_was_made_for_it(server, proxy, seeded):
    script = ScriptedPods(seeded, agent_records={"agent-0": [await written(proxy)]})
    meta = {"labels": {labels.EXPERIMENT: "no-explorer"}}
    environment = {"strategies": ["agents"], "ablations": ["NoExplorer"]}
    simulation = a_simulation(server, proxy, seeded, script, meta=meta, spec={"environment": environment})
    await simulation.run()
    created = [body for body in server.created if body["kind"] in ("Pod", "EnvBuild")]
    assert {body["metadata"]["labels"][labels.EXPERIMENT] for body in created} == {"no-explorer"}
    assert agent_specs(simulation)[0]["ablation"] == {"noExplorer": True, "noFeedback": False}


@pytest.mark.parametrize("seed", range(8))
async def test_an_operator_killed_at_any_request_asks_for_no_draft_twice(proxy, seeded, seed):
    chance = random.Random(seed)
    crashes = [Crash(chance.randint(1, 8), chance.random() < 0.5, writes_only=True) for _ in range(8)]
    async with running_api_server() as server:
        records = {f"agent-{number}": [await written(proxy, number)] for number in range(3)}
        script = ScriptedPods(seeded, agent_records=records, probe_codes={"after-0": 1, "before-1": 0})
        simulation = a_simulation(server, proxy, seeded, script, seed=seed, crashes=crashes)
        await simulation.run()
        status = build(simulation)
        assert [item["outcome"] for item in status["rounds"]] == ["AfterFailed", "BothPassed", "Accepted"]
        assert (status["agents"]["draftsRequested"], status["usage"]["turns"]) == (3, 12)
        assert set(attempts(simulation).values()) == {1}
        assert simulation.crash_count >= 3


def downgraded(status):
    """A merge patch that makes a status that of the release before."""
    agents = status["agents"]
    former = {"draftsRequested": "asked", "modelIndex": "rung", "endReason": "ended"}
    patch = {former[name]: agents[name] for name in former if name in agents} | dict.fromkeys(former)
    if "drafting" in agents:
        patch["drafting"] = agents["drafting"] - 1
    rounds = [item | {"number": item["number"] - 1} for item in status.get("rounds", [])]
    return {"status": {"agents": patch, "rounds": rounds}}


@pytest.mark.parametrize("rounds", [0, 1, 2])
async def test_a_status_of_the_release_before_is_taken_over_in_the_middle(server, proxy, seeded, rounds):
    records = {f"agent-{number}": [await written(proxy, number)] for number in range(3)}
    script = ScriptedPods(seeded, agent_records=records, probe_codes={"after-0": 1, "before-1": 0})
    simulation = a_simulation(server, proxy, seeded, script)

    def drafts():
        status = server.get(BUILD)["status"] if ("envbuilds", "here", "task-one") in server.objects else {}
        return "drafting" in status.get("agents", {}) and len(status.get("rounds", [])) == rounds

    simulation.user_actions = [
        (drafts, lambda: server.patch(BUILD, downgraded(server.get(BUILD)["status"]), "status"))
    ]
    await simulation.run()
    status = build(simulation)
    assert [item["outcome"] for item in status["rounds"]] == ["AfterFailed", "BothPassed", "Accepted"]
    assert [item["number"] for item in status["rounds"]] == [1, 2, 3]
    assert (status["agents"]["draftsRequested"], "asked" in status["agents"]) == (3, False)
    assert set(attempts(simulation).values()) == {1}


async def test_an_ended_status_of_the_release_before_is_rewritten_once(server, proxy, seeded):
    script = ScriptedPods(seeded, agent_records={"agent-0": [await written(proxy)]})
    simulation = a_simulation(server, proxy, seeded, script)
    await simulation.run()
    before = build(simulation)
    server.patch(BUILD, downgraded(before), "status")
    assert build(simulation)["rounds"][0]["number"] == 0
    await simulation.run()
    assert build(simulation) == before
