"""Hosts of sources that are away, through both real reconcilers in a simulated cluster."""

import pytest

from simulated.kubelet import HOST_AWAY, INDEX_AWAY, REGISTRY_AWAY, SOURCE_HOST, Kubelet, spec_of
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import Simulation
from swefoundry.api import labels
from swefoundry.contracts.draft import Draft
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import INTAKE_WORK, Owner, Work, WorkKind
from swefoundry.workloads.build.launch import BuildRequest, launch_build
from swefoundry.workloads.decide import StartPod, Wait
from swefoundry.workloads.intake.launch import IntakeRequest, launch_intake
from swefoundry.workloads.lifecycle import PodStarted, new_attempt_ref
from swefoundry.workloads.pod_outcomes import UnavailableHost

FAILURES = 7
"""More than the retries of other faults of the infrastructure, and less than what a few simulated minutes allow."""

MIRRORS = {f"https://{SOURCE_HOST}/": "https://git.example.org/github/"}


@pytest.fixture
def simulation(server, proxy, seeded):
    """A cluster with one task in it, whose host does not answer its first intakes."""
    server.create("taskinstances", "here", manifest())
    kubelet = Kubelet(server, ScriptedPods(seeded), faults={"intake": [HOST_AWAY] * FAILURES})
    return Simulation(server, proxy, kubelet)


def ready(server):
    conditions = server.one("taskinstances")["status"].get("conditions", [])
    return next(((item["reason"], item["message"]) for item in conditions if item["type"] == "Ready"), None)


def intakes(server):
    """Attempts of the intakes whose pods were created."""
    pods = (body["metadata"]["labels"] for body in server.created if body["kind"] == "Pod")
    return [int(tags[labels.ATTEMPT]) for tags in pods if tags[labels.WORK] == "intake"]


async def test_a_row_whose_host_was_away_gets_its_verdict(simulation):
    conditions = set()
    simulation.check = lambda: conditions.add(ready(simulation.server))
    await simulation.run()
    assert simulation.server.one("taskinstances")["status"]["verdict"] == "fail2pass"
    assert intakes(simulation.server) == list(range(FAILURES + 1))
    message = next(item[1] for item in conditions if item and item[0] == "HostUnavailable")
    assert message.startswith(f"intake: HostUnavailable ({HOST_AWAY}; asked again at ")
    assert simulation.context.hosts.snapshot(1) == {"away": 0, "hosts": {}}


async def test_no_pod_is_started_for_a_host_that_another_row_found_away(server, context):
    another, move = Key("TaskInstance", "here", "another"), StartPod(INTAKE_WORK)
    context.hosts.report_unavailable(another, UnavailableHost(SOURCE_HOST, "too many requests", 90.0))
    owner = Owner("TaskInstance", "here", "task-one", "uid-of-task")
    request = IntakeRequest("owner/name", "tasks/owner/name", None, "1" * 40, None)
    result = await launch_intake(context, new_attempt_ref(owner, move), move, request)
    assert isinstance(result, Wait)
    assert 60.0 < result.requeue_seconds <= 90.0
    assert (result.subject, result.reason) == ("intake", "HostUnavailable")
    assert result.message.startswith("too many requests; asked again at ")
    assert server.bodies("pods") == []


async def launched_with_a_mirror(context, away):
    """An intake of a repository on SOURCE_HOST, which has a mirror, while ``away`` does not answer."""
    context.settings = Settings(git_mirrors=MIRRORS)
    another, move = Key("TaskInstance", "here", "another"), StartPod(INTAKE_WORK)
    context.hosts.report_unavailable(another, UnavailableHost(away, "is busy", 90.0))
    owner = Owner("TaskInstance", "here", "task-one", "uid-of-task")
    request = IntakeRequest("owner/name", "tasks/owner/name", None, "1" * 40, None)
    return await launch_intake(context, new_attempt_ref(owner, move), move, request)


async def test_a_mirror_that_is_away_is_waited_for(server, context):
    assert isinstance(await launched_with_a_mirror(context, away="git.example.org"), Wait)
    assert server.bodies("pods") == []


async def test_with_a_mirror_the_host_itself_may_be_away(server, context):
    assert isinstance(await launched_with_a_mirror(context, away=SOURCE_HOST), PodStarted)
    assert spec_of(server.one("pods"))["origin"] == {
        "kind": "git",
        "url": f"https://{SOURCE_HOST}/owner/name.git",
        "commit": "1" * 40,
        "submodules": False,
        "lfs": False,
        "tokenNamed": "",
        "mirrors": MIRRORS,
    }


@pytest.mark.parametrize(
    ("work", "fault"), [("intake", REGISTRY_AWAY), ("build-0", REGISTRY_AWAY), ("build-0", INDEX_AWAY)]
)
async def test_an_outage_of_another_host_costs_no_row_either(server, proxy, seeded, work, fault):
    server.create("taskinstances", "here", manifest())
    simulation = Simulation(
        server, proxy, Kubelet(server, ScriptedPods(seeded), faults={work: [fault] * FAILURES})
    )
    messages = set()
    simulation.check = lambda: messages.update(
        item["message"]
        for body in (*server.bodies("envbuilds"), *server.bodies("taskinstances"))
        for item in body.get("status", {}).get("conditions", [])
        if item["reason"] == "HostUnavailable" and item["message"]
    )
    await simulation.run()
    assert server.one("taskinstances")["status"]["verdict"] == "fail2pass"
    assert any(f"{work}: HostUnavailable ({fault}; asked again at " in text for text in messages), messages
    assert simulation.context.hosts.snapshot(1) == {"away": 0, "hosts": {}}


@pytest.mark.parametrize(
    ("dockerfile", "arguments", "started"),
    [
        ("FROM a\nRUN pip install --index-url https://index.example/simple b\n", {}, False),
        ("FROM a\nRUN pip install b\n", {"PIP_INDEX_URL": "https://index.example/simple"}, False),
        ("FROM a\nRUN pip install b\n", {}, True),
    ],
    ids=["named by the Dockerfile", "named by a build argument", "not named"],
)
async def test_builds_wait_for_an_index_that_they_name(server, context, dockerfile, arguments, started):
    context.settings = context.settings.model_copy(update={"build_args": arguments})
    away = UnavailableHost("index.example", "index.example is busy (503)")
    context.hosts.report_unavailable(Key("EnvBuild", "here", "another"), away)
    owner, move = Owner("EnvBuild", "here", "task-one", "uid-of-build"), StartPod(Work(WorkKind.BUILD, 0))
    draft = Draft(dockerfile=dockerfile, test_command="make")
    request = BuildRequest("tasks/owner/name", "sha256:" + "0" * 64, draft, "tag")
    result = await launch_build(context, new_attempt_ref(owner, move), move, request)
    assert isinstance(result, PodStarted) is started
    assert len(server.bodies("pods")) == started
