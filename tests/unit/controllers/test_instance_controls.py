"""Controls of an instance, from its manifest to the status and the verdict bundle. See `simulated/`."""

import json

import pytest

from simulated.kubelet import Kubelet, spec_of
from simulated.scripted_pods import FAIL2PASS, ScriptedPods, manifest
from simulated.seeded_registry import REPOSITORY
from simulated.stepping_operator import Simulation
from swefoundry.api import labels
from swefoundry.oci.artifacts import pull_artifact, push_file
from swefoundry.oci.registry_client import RegistryClient

TASK = ("taskinstances", "here", "task-one")


async def finished(server, proxy, seeded, script=None, **spec):
    """The status of an instance whose pods have all ended, and its verdict bundle."""
    server.create("taskinstances", "here", manifest(**spec))
    await Simulation(server, proxy, Kubelet(server, script or ScriptedPods(seeded))).run()
    status = server.get(TASK)["status"]
    async with RegistryClient(proxy.behind, insecure=True) as registry:
        files = await pull_artifact(registry, REPOSITORY, status["evidence"], 1 << 20)
    return status, json.loads(files["verdict.json"])


def evidence_of(status, stage):
    return next(item["evidence"] for item in status["evaluations"] if item["stage"] == stage)


async def test_the_default_controls_are_in_the_status_and_in_the_bundle(server, proxy, seeded):
    script = ScriptedPods(seeded, intake={"goldDifference": ""})
    status, bundle = await finished(server, proxy, seeded, script)
    assert status["controls"] == [
        {
            "name": "NullPatch",
            "result": "Passed",
            "message": "2 runs of `before` agree on 2 tests",
            "evidence": evidence_of(status, "before"),
        },
        {
            "name": "ReversedGold",
            "result": "Passed",
            "message": "`after` without the gold patch is the tree of `before`",
        },
        {
            "name": "BaseTests",
            "result": "Passed",
            "message": "no test of 2 failed in `base`",
            "evidence": evidence_of(status, "base"),
        },
        {
            "name": "Leaks",
            "result": "Passed",
            "message": "3 layers searched",
            "evidence": seeded.source,
        },
    ]
    assert bundle["controls"] == status["controls"]


async def test_controls_that_fail_do_not_change_the_verdict(server, proxy, seeded):
    script = ScriptedPods(seeded, exit_codes=FAIL2PASS | {"base": 1}, intake={"goldDifference": "a.py"})
    status, _ = await finished(server, proxy, seeded, script)
    assert status["verdict"] == "fail2pass"
    assert {item["name"]: (item["result"], item["message"]) for item in status["controls"]} == {
        "NullPatch": ("Passed", "2 runs of `before` agree on 2 tests"),
        "ReversedGold": ("Failed", "a.py"),
        "BaseTests": ("Failed", "1 test (t::test_fix) failed in `base`, where neither patch is applied"),
        "Leaks": ("Passed", "3 layers searched"),
    }


async def test_a_leak_is_named_and_does_not_change_the_verdict(server, proxy, seeded):
    leak = {"kind": "PatchLines", "path": "opt/fix.diff", "layer": 3, "digest": "0123456789ab"}
    script = ScriptedPods(seeded, leaks={"findings": [leak], "counts": {"PatchLines": 2}})
    status, bundle = await finished(server, proxy, seeded, script, validation={"controls": ["Leaks"]})
    assert (status["verdict"], status["controls"]) == (
        "fail2pass",
        [
            {
                "name": "Leaks",
                "result": "Failed",
                "message": "LeakFound: PatchLines opt/fix.diff in layer 3 (+1 more)",
                "evidence": seeded.source,
            }
        ],
    )
    assert bundle["controls"] == status["controls"]


async def test_a_search_that_ends_with_a_fault_leaves_the_verdict_and_says_so(server, proxy, seeded):
    script = ScriptedPods(seeded, oom_killed={"leaks-0"})
    status, _ = await finished(server, proxy, seeded, script, validation={"controls": ["Leaks"]})
    [control] = status["controls"]
    assert (status["verdict"], control["name"], control["result"]) == ("fail2pass", "Leaks", "Unknown")
    assert "OOMKilled" in control["message"]


@pytest.mark.parametrize(
    ("codes", "validation"),
    [
        (FAIL2PASS, {"controls": []}),
        (FAIL2PASS | {"after": 1}, {}),
    ],
    ids=["none is asked for", "the verdict is another one"],
)
async def test_no_control_is_run_in_vain(server, proxy, seeded, codes, validation):
    script = ScriptedPods(seeded, exit_codes=codes)
    status, bundle = await finished(server, proxy, seeded, script, validation=validation)
    assert (status.get("controls", []), bundle["controls"]) == ([], [])


async def test_an_intake_of_an_older_release_leaves_the_trees_uncompared(server, proxy, seeded):
    status, _ = await finished(server, proxy, seeded, validation={"controls": ["ReversedGold"]})
    assert status["controls"] == [
        {"name": "ReversedGold", "result": "Unknown", "message": "intake did not compare the trees"}
    ]


PODS = {"controls": ["Shuffled", "Cpu"]}


async def test_controls_with_pods_of_their_own_run_after_the_matrix(server, proxy, seeded):
    status, bundle = await finished(server, proxy, seeded, validation=PODS)
    evidence = {(item["control"], item["number"]): item["evidence"] for item in status["controlEvaluations"]}
    assert evidence.keys() == {("Shuffled", 0), ("Cpu", 1), ("Cpu", 2), ("Cpu", 4)}
    assert status["controls"] == [
        {
            "name": "Shuffled",
            "result": "Passed",
            "message": "2 tests in another order: the outcome is that of `after`",
            "evidence": evidence["Shuffled", 0],
        },
        {
            "name": "Cpu",
            "result": "Passed",
            "message": "with 1, 2 CPUs: the outcome is that of `after`",
            "evidence": evidence["Cpu", 1],
        },
    ]
    assert bundle["controls"] == status["controls"]


async def test_a_control_whose_tests_fail_does_not_change_the_verdict(server, proxy, seeded):
    script = ScriptedPods(seeded, probe_codes={"cpu-1": 1}, pytest=False)
    status, _ = await finished(server, proxy, seeded, script, validation=PODS)
    assert status["verdict"] == "fail2pass"
    assert {item["name"]: item["result"] for item in status["controls"]} == {
        "Shuffled": "Unknown",
        "Cpu": "Failed",
    }


async def test_a_control_whose_pod_gives_no_result_is_unknown(server, proxy, seeded):
    script = ScriptedPods(seeded, oom_killed={"shuffled-0"})
    status, _ = await finished(server, proxy, seeded, script, validation={"controls": ["Shuffled"]})
    assert (status["verdict"], status["controls"]) == (
        "fail2pass",
        [{"name": "Shuffled", "result": "Unknown", "message": "a pod gave no result (OOMKilled)"}],
    )


async def test_an_instance_that_is_not_valid_costs_no_pod_of_a_control(server, proxy, seeded):
    script = ScriptedPods(seeded, exit_codes=FAIL2PASS | {"after": 1})
    status, _ = await finished(server, proxy, seeded, script, validation=PODS)
    assert "controlEvaluations" not in status or status["controlEvaluations"] == []
    works = {body["metadata"]["labels"][labels.WORK] for body in server.created if body["kind"] == "Pod"}
    assert not {work for work in works if work.startswith(("shuffled", "cpu"))}


async def store_mutants(proxy, seeded, lines):
    """Mutants with the layer of `after`, as intake records them."""
    mutants = [{"path": "a.py", "line": line, "layer": seeded.layers["after"]} for line in lines]
    content = json.dumps({"v": 1, "mutants": mutants}).encode()
    async with RegistryClient(proxy.behind, insecure=True) as registry:
        blob = await push_file(registry, REPOSITORY, "mutants", "mutants.json", content)
    return {"blob": blob, "count": len(lines), "hunks": len(lines)}


MUTATED = {"controls": ["MutatedGold"]}


async def test_the_tests_run_without_each_hunk_of_the_fix(server, proxy, seeded):
    mutants = await store_mutants(proxy, seeded, [3, 70, 90])
    script = ScriptedPods(seeded, intake={"mutants": mutants}, probe_codes={"mutant-0": 1, "mutant-2": 21})
    status, bundle = await finished(server, proxy, seeded, script, validation=MUTATED)
    evidence = {item["number"]: item["evidence"] for item in status["controlEvaluations"]}
    assert status["controls"] == [
        {
            "name": "MutatedGold",
            "result": "Failed",
            "message": "3 of 3 hunks left out one at a time: the tests pass without that of a.py:70",
            "evidence": evidence[1],
        }
    ]
    assert (status["verdict"], status["prepared"]["mutants"]) == ("fail2pass", mutants)
    assert (status["testStrength"], bundle["testStrength"]) == (66, 66)
    assert bundle["controls"] == status["controls"]


async def test_an_intake_without_mutants_leaves_the_test_strength_unknown(server, proxy, seeded):
    status, bundle = await finished(server, proxy, seeded, validation=MUTATED)
    assert (status["verdict"], status["controls"][0]["result"]) == ("fail2pass", "Unknown")
    assert "testStrength" not in status and "testStrength" not in bundle


@pytest.mark.parametrize(("controls", "requested"), [(MUTATED, True), ({}, None)])
async def test_intake_is_asked_for_mutants_when_the_control_is(server, proxy, seeded, controls, requested):
    await finished(server, proxy, seeded, validation=controls)
    [intake] = [
        body
        for body in server.created
        if body["kind"] == "Pod" and body["metadata"]["labels"][labels.WORK] == "intake"
    ]
    assert spec_of(intake).get("mutants") is requested


CLOCK = {"controls": ["Clock"]}


async def test_the_tests_run_one_year_later_in_a_layer_of_their_own(server, proxy, seeded):
    # That of `base` stands for it, so that it is none of the matrix's stage images of `after`.
    layer = seeded.layers["base"]
    script = ScriptedPods(seeded, intake={"clockLayer": layer}, probe_codes={"clock-0": 1})
    status, bundle = await finished(server, proxy, seeded, script, validation=CLOCK)
    [evaluation] = status["controlEvaluations"]
    assert status["controls"] == [
        {
            "name": "Clock",
            "result": "Failed",
            "message": "one year later: code 1 instead of 0",
            "evidence": evaluation["evidence"],
        }
    ]
    assert (status["verdict"], status["prepared"]["clockLayer"]) == ("fail2pass", layer)
    assert bundle["controls"] == status["controls"]
    images = {
        body["metadata"]["labels"][labels.WORK]: body["spec"]["containers"][0]["image"]
        for body in server.created
        if body["kind"] == "Pod" and body["metadata"]["labels"][labels.ROLE] == "evaluation"
    }
    assert images["clock-0"] == images["base-0"] != images["after-0"]


async def test_an_intake_without_the_layer_of_the_clock_costs_no_pod(server, proxy, seeded):
    status, _ = await finished(server, proxy, seeded, validation=CLOCK)
    assert (status["verdict"], status["controls"][0]["result"]) == ("fail2pass", "Unknown")
    assert status.get("controlEvaluations", []) == []


@pytest.mark.parametrize(("controls", "requested"), [(CLOCK, True), ({}, None)])
async def test_the_later_clock_is_asked_for_when_the_control_is(server, proxy, seeded, controls, requested):
    script = ScriptedPods(seeded, intake={"clockLayer": seeded.layers["base"]})
    await finished(server, proxy, seeded, script, validation=controls)
    found = {
        body["metadata"]["labels"][labels.WORK]: spec_of(body).get("laterClock")
        for body in server.created
        if body["kind"] == "Pod" and body["metadata"]["labels"][labels.ROLE] in ("intake", "evaluation")
    }
    assert {work: value for work, value in found.items() if work in ("intake", "clock-0")} == (
        {"intake": True, "clock-0": True} if requested else {"intake": None}
    )
    assert found["after-0"] is None
