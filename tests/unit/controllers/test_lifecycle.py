"""A TaskInstance from manifest to verdict, through the real handlers and both real reconcilers.

No container runs here: the kubelet is a script that ends pods with the codes, records and logs that a test gives it,
and the API server is a small one in memory. The operator and the registry are real. See `simulated/`.
"""

import json
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulated.api_server import running_api_server
from simulated.kubelet import FAULTS, LOG_LOST, REGISTRY_DOWN, Kubelet
from simulated.scripted_pods import FAIL2PASS, ScriptedPods, manifest
from simulated.seeded_registry import REPOSITORY
from simulated.stepping_operator import SETTINGS, Crash, Simulation
from swefoundry.api import labels
from swefoundry.contracts.digests import Layer
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.stages import Stage
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.stage_images import compose_stage
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_limiter import PlaceLimits

few = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HERE = ("taskinstances", "here", "task-one")
BUILD = ("envbuilds", "here", "task-one")

SEEDS = st.integers(1, 2**32)
ANYWHERE = st.sampled_from(sorted(FAULTS))


@pytest.fixture
def simulation(server, proxy, seeded):
    """A cluster with one task in it, whose tests fail before the fix and pass after it."""
    return a_simulation(server, proxy, seeded)


def a_simulation(server, proxy, seeded, spec=None, **fields):
    server.create("taskinstances", "here", manifest(**(spec or {})))
    return Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded)), **fields)


def task(simulation):
    return simulation.server.get(HERE)


def conditions(body):
    return {item["type"]: (item["status"], item["reason"]) for item in body["status"]["conditions"]}


def outcome(body):
    """What must not depend on luck: all of a status but times, digests that cover nonces, and names of pods."""
    status = json.loads(json.dumps(body["status"]))
    for name in (
        "observedGeneration",
        "startedAt",
        "finishedAt",
        "duration",
        "evidence",
        "attempts",
        "infraRetries",
        "podSeconds",
        "environmentSeconds",
    ):
        status.pop(name, None)
    for item in [*status["conditions"], *status.get("evaluations", []), *status.get("controls", [])]:
        item.pop("lastTransitionTime", None)
        item.pop("observedGeneration", None)
        item.pop("evidence", None)
    for item in status.get("rounds", []):
        item["probes"] = [{k: v for k, v in probe.items() if k != "evidence"} for probe in item["probes"]]
    return status


def works(body):
    """The ended attempts."""
    return sorted((item["work"], item["number"], item["outcome"]) for item in body["status"]["attempts"])


def crashes_of(seed):
    """Lives of operators, in requests or in writes; a whole run takes about 140 requests, of which 35 are writes."""
    chance = random.Random(seed)

    def crash():
        writes = chance.random() < 0.5
        return Crash(chance.randint(1, 5 if writes else 40), chance.random() < 0.5, writes)

    return [crash() for _ in range(chance.randint(6, 12))]


def pods_per_attempt(server):
    created = [body["metadata"] for body in server.created if body["kind"] == "Pod"]
    return Counter(
        (meta["ownerReferences"][0]["uid"], meta["labels"][labels.WORK], meta["labels"][labels.ATTEMPT])
        for meta in created
    )


def active(server, role):
    return [
        body
        for body in server.bodies("pods")
        if body["metadata"]["labels"][labels.ROLE] == role
        and not any("terminated" in item["state"] for item in body["status"].get("containerStatuses", ()))
    ]


@pytest.fixture(scope="session")
def reference(registry_host):
    """Filled by the first run of a session, and compared with by all others."""
    return {}


async def reference_result(reference, proxy, seeded):
    if not reference:
        async with running_api_server() as server:
            simulation = a_simulation(server, proxy, seeded)
            await simulation.run()
            reference |= {"task": server.get(HERE), "build": server.get(BUILD)}
    return reference


async def assert_same_result(simulation, reference, proxy, seeded):
    expected = await reference_result(reference, proxy, seeded)
    assert outcome(task(simulation)) == outcome(expected["task"])
    assert outcome(simulation.server.get(BUILD)) == outcome(expected["build"])
    assert set(pods_per_attempt(simulation.server).values()) == {1}
    assert not simulation.server.bodies("pods")
    assert {simulation.context.pod_limiter.active(role) for role in Role} == {0}
    assert {result for _, result in simulation.reconciles} <= {"ok", "retry"}


@pytest.mark.parametrize(
    ("verdict", "before", "after"),
    [
        ("fail2pass", 1, 0),
        ("error2pass", 21, 0),
        ("pass2pass", 0, 0),
        ("fail2fail", 1, 1),
        ("pass2fail", 0, 1),
    ],
)
async def test_every_matrix_ends_in_its_verdict(simulation, seeded, verdict, before, after):
    simulation.kubelet.script = ScriptedPods(seeded, exit_codes={"base": 0, "before": before, "after": after})
    await simulation.run()
    valid = verdict == "fail2pass"
    reason = verdict.capitalize().replace("pass", "Pass").replace("fail", "Fail")
    assert task(simulation)["status"]["verdict"] == verdict
    assert task(simulation)["status"]["phase"] == ("Validated" if valid else "Rejected")
    assert conditions(task(simulation)) == {
        "Ready": ("True", reason),
        "Succeeded": ("True", reason),
        "Validated": ("True" if valid else "False", reason),
    }
    assert not simulation.server.bodies("pods")


async def test_the_verdict_holds_the_draft_and_the_digests_of_what_ran(simulation, seeded):
    await simulation.run()
    body = task(simulation)
    async with RegistryClient(simulation.proxy.behind, insecure=True) as registry:
        files = await pull_artifact(registry, REPOSITORY, body["status"]["evidence"], 1 << 20)
        ran = {
            stage.value: await compose_stage(
                registry, REPOSITORY, seeded.image, Layer(**seeded.layers[stage]), "composed-again"
            )
            for stage in Stage
        }
    assert json.loads(files["verdict.json"])["stages"] == ran
    assert json.loads(files["draft.json"]) == Draft(**body["spec"]["environment"]["draft"]).to_json_dict()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (10, "TestPatchDoesNotApply"),
        (11, "GoldPatchDoesNotApply"),
        (12, "SourceMismatch"),
        (13, "SourceUnreachable"),
    ],
)
async def test_an_invalid_row_fails_before_anything_is_spent(simulation, seeded, code, reason):
    simulation.kubelet.script = ScriptedPods(seeded, intake={"code": code, "message": "hunk 2 of a.py"})
    await simulation.run()
    assert conditions(task(simulation)) == {
        "Ready": ("False", reason),
        "Stalled": ("True", reason),
        "Succeeded": ("False", reason),
        "Validated": ("Unknown", reason),
    }
    assert [body["kind"] for body in simulation.server.created] == ["TaskInstance", "Pod", "Event"]


async def test_a_draft_that_does_not_build_names_its_failing_step(simulation, seeded):
    simulation.kubelet.script = ScriptedPods(
        seeded, build={"code": 42, "message": "step 2 ended with code 1", "image": None}
    )
    await simulation.run()
    status = task(simulation)["status"]
    assert (status["phase"], "verdict" in status) == ("Failed", False)
    assert "StepFailed: step 2 ended with code 1" in status["conditions"][0]["message"]


@settings(few, max_examples=7)
@given(seed=SEEDS)
async def test_an_operator_killed_at_any_request_ends_with_the_same_result(reference, proxy, seeded, seed):
    async with running_api_server() as server:
        simulation = a_simulation(server, proxy, seeded, seed=seed, crashes=crashes_of(seed))
        await simulation.run()
        await assert_same_result(simulation, reference, proxy, seeded)
        expected = reference["task"]
        assert works(task(simulation)) == works(expected)
        assert simulation.crash_count >= 3


@settings(few, max_examples=6)
@given(
    seed=SEEDS,
    faults=st.fixed_dictionaries(
        {},
        optional={
            "intake": st.lists(ANYWHERE | st.just(REGISTRY_DOWN), min_size=1, max_size=3),
            "build-0": st.lists(ANYWHERE | st.just(REGISTRY_DOWN), min_size=1, max_size=3),
            "before-0": st.lists(ANYWHERE | st.just(LOG_LOST), min_size=1, max_size=3),
            "after-0": st.lists(ANYWHERE | st.just(LOG_LOST), min_size=1, max_size=3),
        },
    ),
)
async def test_faults_of_the_cluster_change_no_result(reference, proxy, seeded, seed, faults):
    async with running_api_server() as server:
        simulation = a_simulation(server, proxy, seeded, seed=seed)
        simulation.kubelet.faults = faults
        await simulation.run()
        await assert_same_result(simulation, reference, proxy, seeded)
        count = {work: len(found) for work, found in faults.items()}
        matrix = sum(count.get(work, 0) for work in ("before-0", "after-0"))
        # Probes of the EnvBuild have the same names as the matrix's evaluations, and meet the same faults.
        assert task(simulation)["status"]["infraRetries"] == count.get("intake", 0) + matrix
        assert server.get(BUILD)["status"]["infraRetries"] == count.get("build-0", 0) + matrix


@settings(few, max_examples=6)
@given(seed=SEEDS, step=st.integers(1, 110))
async def test_a_task_deleted_at_any_moment_leaves_nothing_behind(proxy, seeded, seed, step):
    async with running_api_server() as server:
        simulation = a_simulation(server, proxy, seeded, seed=seed)
        steps = iter(range(step))
        simulation.user_actions = [(lambda: next(steps, None) is None, lambda: server.delete(HERE))]
        await simulation.run()
        assert [place for place in server.objects if place[0] != "events"] == []
        assert {simulation.context.pod_limiter.active(role) for role in Role} == {0}


async def test_exhausted_retries_fail_the_task_with_the_fault(simulation):
    simulation.kubelet.faults = {"intake": ["evicted"] * 9}
    await simulation.run()
    status = task(simulation)["status"]
    assert conditions(task(simulation))["Stalled"] == ("True", "InfrastructureFault")
    assert status["infraRetries"] == SETTINGS.max_infra_retries
    assert (
        status["conditions"][0]["message"]
        == "intake: NodePressure after 4 attempts: The node was low on memory"
    )
    assert not simulation.server.bodies("pods")


async def test_a_memory_kill_gets_twice_the_memory_once_and_is_no_infrastructure_fault(simulation, seeded):
    simulation.kubelet.script = ScriptedPods(seeded, oom_killed={"base-0"})
    await simulation.run()
    status = task(simulation)["status"]
    memory = [
        body["spec"]["containers"][0]["resources"]["limits"]["memory"]
        for body in simulation.server.created
        if body["kind"] == "Pod" and body["metadata"]["labels"][labels.WORK] == "base-0"
    ]
    assert memory == ["2Gi", "4Gi"]
    assert status["infraRetries"] == 0
    assert (status["evaluations"][0]["fault"], status["verdict"]) == ("OOMKilled", "fail2pass")


async def test_an_open_network_fails_the_task_and_releases_every_pod(simulation, seeded):
    simulation.settings = SETTINGS.model_copy(update={"canary": ["10.0.0.1:443"]})
    simulation.kubelet.script = ScriptedPods(seeded, network="open")
    await simulation.run()
    assert conditions(task(simulation))["Stalled"][0] == "True"
    assert "NetworkNotIsolated" in task(simulation)["status"]["conditions"][0]["message"]
    assert not simulation.server.bodies("pods")


async def test_a_suspended_task_starts_no_pod_until_it_is_resumed(server, proxy, seeded):
    simulation = a_simulation(server, proxy, seeded, {"suspend": True})
    await simulation.run()
    assert task(simulation)["status"]["phase"] == "Suspended"
    assert not pods_per_attempt(server)
    server.patch(HERE, {"spec": {"suspend": False}})
    await simulation.run()
    assert task(simulation)["status"]["verdict"] == "fail2pass"


@pytest.mark.parametrize("work", ["intake", "build-0", "before-0"])
async def test_a_task_suspended_while_pods_run_keeps_their_results_and_starts_no_other(
    simulation, reference, proxy, seeded, work
):
    server = simulation.server

    def suspend():
        server.patch(HERE, {"spec": {"suspend": True}})
        counted.append(len(server.changes))

    counted = []
    simulation.user_actions = [
        (lambda: any(work == name for _, name, _ in pods_per_attempt(server)), suspend)
    ]
    await simulation.run()
    # The operator may not have heard of it at once; what it started before that is all.
    late = [change for change in server.changes[counted[0] + 1 :] if change["type"] == "ADDED"]
    assert [change for change in late if change["object"]["kind"] == "Pod"][3:] == []
    assert "finishedAt" not in task(simulation)["status"]
    assert not active(server, "build") and not active(server, "evaluation")
    server.patch(HERE, {"spec": {"suspend": False}})
    await simulation.run()
    await assert_same_result(simulation, reference, proxy, seeded)


async def test_a_deleted_pod_is_retried(simulation, reference, proxy, seeded):
    server = simulation.server

    def delete():
        (body,) = active(server, "build")
        server.delete(("pods", "here", body["metadata"]["name"]))

    simulation.user_actions = [(lambda: bool(active(server, "build")), delete)]
    await simulation.run()
    await assert_same_result(simulation, reference, proxy, seeded)
    assert [item["reason"] for item in server.get(BUILD)["status"]["attempts"] if "reason" in item] == [
        "PodDeleted"
    ]


async def test_an_envbuild_deleted_before_its_end_is_created_again(simulation, reference, proxy, seeded):
    server = simulation.server
    simulation.user_actions = [(lambda: bool(active(server, "build")), lambda: server.delete(BUILD))]
    await simulation.run()
    await assert_same_result(simulation, reference, proxy, seeded)
    assert [body["kind"] for body in server.created].count("EnvBuild") == 2


async def test_a_task_whose_envbuild_was_deleted_after_the_image_was_built_fails_with_the_remedy(simulation):
    server = simulation.server
    simulation.settings = SETTINGS
    simulation.place_limits = PlaceLimits({Role.INTAKE: 1, Role.BUILD: 1, Role.EVALUATION: 1, Role.AGENT: 1})
    simulation.user_actions = [(lambda: "image" in task(simulation)["status"], lambda: server.delete(BUILD))]
    await simulation.run()
    status = task(simulation)["status"]
    assert conditions(task(simulation))["Stalled"] == ("True", "EnvironmentNotBuilt")
    assert status["conditions"][0]["message"].startswith("EnvBuild task-one was deleted before the verdict")
    assert not server.bodies("pods")


async def test_no_more_pods_of_a_kind_are_active_than_there_are_places(server, proxy, seeded):
    for number in range(3):
        server.create("taskinstances", "here", manifest(f"task-{number}", instanceId=f"owner__name-{number}"))
    simulation = Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded)))
    simulation.place_limits = PlaceLimits({Role.INTAKE: 2, Role.BUILD: 1, Role.EVALUATION: 2, Role.AGENT: 1})

    def check():
        for role, limit in simulation.place_limits.by_role.items():
            assert len(active(server, role.value)) <= limit

    simulation.check = check
    await simulation.run()
    assert {body["status"]["verdict"] for body in server.bodies("taskinstances")} == {"fail2pass"}


async def test_a_finished_task_is_deleted_after_its_ttl(server, proxy, seeded):
    simulation = a_simulation(server, proxy, seeded, {"ttlSecondsAfterFinished": 30})
    await simulation.run()
    assert [place for place in server.objects if place[0] != "events"] == []


async def test_base_alone_never_decides(simulation, seeded):
    simulation.kubelet.script = ScriptedPods(seeded, exit_codes=FAIL2PASS | {"base": 21})
    await simulation.run()
    assert task(simulation)["status"]["verdict"] == "fail2pass"
