"""`swefoundry status --cost`: what models cost, per attempted and per valid instance."""

import json
from typing import Any

from simulated.api_server import ApiServer
from swefoundry.api.labels import EXPERIMENT
from swefoundry.cli.views.costs import CostSum, cost_report
from swefoundry.contracts.models import Usage
from unit.cli.conftest import Run
from unit.cli.task_objects import Json, finished_status, task, validated_status
from unit.cli.transcript_objects import an_env_build

USED = {"turns": 4, "inputTokens": 1000, "cachedTokens": 600, "outputTokens": 200, "microUsd": 300_000}


def instance(name: str, status: Json, experiment: str = "", **build_fields: Any) -> tuple[Json, Json]:
    """A TaskInstance and its EnvBuild."""
    body = task(name, status | {"envBuild": name})
    if experiment:
        body["metadata"]["labels"] = {EXPERIMENT: experiment}
    owned = an_env_build(name, **build_fields)
    owned["metadata"]["ownerReferences"] = [{"kind": "TaskInstance", "name": name}]
    return body, owned


def a_batch() -> list[tuple[Json, Json]]:
    """One solved by agents, one by reuse of its image, one given up."""
    rounds = [{"strategy": "agents"}, {"strategy": "agents"}]
    lost = finished_status("Failed", None, "AgentsGaveUp", "it needs a database")
    return [
        instance("a", validated_status(strategy="agents"), "warm", usage=USED, rounds=rounds, podSeconds=600),
        instance(
            "b", validated_status(strategy="reuse"), "warm", rounds=[{"strategy": "reuse"}], podSeconds=60
        ),
        instance("c", lost, "cold", usage=USED, podSeconds=30),
    ]


def test_sums_are_per_attempted_and_per_valid_instance() -> None:
    tasks, builds = zip(*a_batch(), strict=True)
    found = cost_report([*tasks, task("d")], builds)

    used = Usage.model_validate(USED)
    assert found.total == CostSum("all instances", 3, 2, used.plus(used), 690)
    assert (found.total.per_attempted, found.total.per_valid) == (0.2, 0.3)
    assert found.by_experiment == [
        CostSum("cold", 1, 0, used, 30),
        CostSum("warm", 2, 2, used, 660),
        CostSum("(none)", 0, 0, Usage(), 0),
    ]
    assert [(each.name, each.usage.turns) for each in found.by_strategy] == [
        ("agents", 4),
        ("reuse", 0),
        ("(none yet)", 4),
    ]


def test_env_builds_without_a_task_are_counted_apart() -> None:
    tasks, builds = zip(*a_batch(), strict=True)
    alone = an_env_build("mine", usage=USED, rounds=[{"strategy": "agents"}])
    used = Usage.model_validate(USED)
    assert cost_report(tasks, [*builds, alone]).total_standalone == CostSum("EnvBuilds alone", 1, 0, used, 0)
    assert cost_report(tasks, [*builds, alone], include_standalone=False).standalone == ()


def test_nothing_is_divided_by_zero() -> None:
    found = cost_report([task("a")], [])
    assert (found.total.per_attempted, found.total.per_valid) == (None, None)


def test_the_table_and_the_json_have_sums_and_lines(run: Run, api: ApiServer) -> None:
    for body, build_fields in a_batch():
        api.put("taskinstances", body)
        api.put("envbuilds", build_fields)

    done = run("status", "--cost")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    all_of_them = [
        "all",
        "instances",
        "3",
        "2",
        "8",
        "2,000",
        "1,200",
        "400",
        "0.6000",
        "0.2000",
        "0.3000",
        "12m",
    ]
    assert all_of_them in lines
    assert [
        "experiment",
        "cold",
        "1",
        "0",
        "4",
        "1,000",
        "600",
        "200",
        "0.3000",
        "0.3000",
        "-",
        "0m",
    ] in lines
    assert ["a", "Validated", "agents", "2", "4", "1,000", "600", "200", "0.3000", "warm"] in lines
    assert "1 asked no model." in done.stdout

    report = json.loads(run("status", "a", "--cost", "-o", "json").stdout)["cost"]
    assert report["total"] == {
        "name": "all instances",
        "attempted": 1,
        "valid": 1,
        "pod_seconds": 600,
        "usage": Usage.model_validate(USED).model_dump(),
        "usd": 0.3,
        "usd_per_attempted": 0.3,
        "usd_per_valid": 0.3,
    }
    assert [each["name"] for each in report["instances"]] == ["a"]
