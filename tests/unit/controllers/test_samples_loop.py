"""Samples of an instance's stages, from its manifest to the verdict. See `simulated/`."""

import json

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.seeded_registry import REPOSITORY
from simulated.stepping_operator import Crash, Simulation
from swefoundry import metrics
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient

TASK = ("taskinstances", "here", "task-one")


async def finished(server, proxy, script, crashes=(), **validation):
    """The status of an instance whose pods have all ended, and its verdict bundle."""
    server.create("taskinstances", "here", manifest(validation=validation))
    await Simulation(server, proxy, Kubelet(server, script), crashes=list(crashes)).run()
    status = server.get(TASK)["status"]
    async with RegistryClient(proxy.behind, insecure=True) as registry:
        files = await pull_artifact(registry, REPOSITORY, status["evidence"], 1 << 20)
    return status, json.loads(files["verdict.json"])


def extra_evaluations():
    return metrics.REGISTRY.get_sample_value("swefoundry_extra_evaluations_total")


def repeats(status, stage):
    return [item["repeat"] for item in status["evaluations"] if item["stage"] == stage]


async def test_a_probe_and_an_evaluation_that_agree_are_enough(server, proxy, seeded):
    status, bundle = await finished(server, proxy, ScriptedPods(seeded))
    assert (status["verdict"], status["tests"]) == (
        "fail2pass",
        {"failToPass": 1, "errorToPass": 0, "passToPass": 1, "unstable": 0},
    )
    assert [repeats(status, stage) for stage in ("base", "before", "after")] == [[0], [0], [0]]
    assert [(item["stage"], item["code"]) for item in bundle["probes"]] == [("before", 1), ("after", 0)]


async def test_samples_that_disagree_are_followed_by_more_and_by_a_verdict_without_the_test(
    server, proxy, seeded
):
    evaluated = extra_evaluations()
    script = ScriptedPods(seeded, probe_codes={"after-1": 1})
    status, bundle = await finished(server, proxy, script, minRepeats=2)
    assert [repeats(status, stage) for stage in ("base", "before", "after")] == [
        [0],
        [0, 1, 2, 3],
        [0, 1, 2, 3],
    ]
    assert extra_evaluations() - evaluated == 4
    assert (status["verdict"], status["tests"]) == (
        "flaky",
        {"failToPass": 0, "errorToPass": 0, "passToPass": 1, "unstable": 1},
    )
    (ready,) = (item for item in status["conditions"] if item["type"] == "Ready")
    assert ready["message"] == (
        "repeated evaluations of one tree disagree; after ended with 0 and 1; "
        f"unstable and in no other set: 1 test ({bundle['tests']['UNSTABLE'][0]})"
    )


async def test_an_operator_killed_at_any_write_evaluates_nothing_twice(server, proxy, seeded):
    crashes = [Crash(number, after_request=number % 2 == 0, writes_only=True) for number in (9, 7, 8, 9, 10)]
    script = ScriptedPods(seeded, probe_codes={"after-1": 1})
    status, bundle = await finished(server, proxy, script, crashes, minRepeats=2)
    assert (status["verdict"], repeats(status, "before"), repeats(status, "after")) == (
        "flaky",
        [0, 1, 2, 3],
        [0, 1, 2, 3],
    )
    assert len(bundle["probes"]) == 2
