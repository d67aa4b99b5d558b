"""Pod templates through both real reconcilers in a simulated cluster, with pods of every role."""

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import Simulation
from swefoundry.api import labels
from unit.controllers.agents_simulation import HERE, a_simulation, written

POOL = {"nodeSelector": {"pool": "sandbox"}}


async def test_every_pod_of_an_instance_has_its_template(server, proxy, seeded):
    script = ScriptedPods(seeded, agent_records={"agent-0": [await written(proxy)]})
    spec = {"podTemplate": POOL, "environment": {"strategies": ["agents"]}}
    await a_simulation(server, proxy, seeded, script, spec=spec).run()
    pods = [body for body in server.created if body["kind"] == "Pod"]
    roles = {body["metadata"]["labels"][labels.ROLE] for body in pods}
    assert roles == {"intake", "agent", "build", "evaluation"}
    assert [body["spec"]["nodeSelector"] for body in pods] == [POOL["nodeSelector"]] * len(pods)


async def test_an_instance_with_a_field_that_it_may_not_set_says_so_and_goes_on_without_it(
    server, proxy, seeded
):
    server.create("taskinstances", "here", manifest(podTemplate={"labels": {"team": "x"}}))
    simulation = Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded)))
    messages = []

    def is_refused():
        conditions = server.get(HERE).get("status", {}).get("conditions", [])
        messages.extend(item["message"] for item in conditions if item["type"] == "Ready")
        return any("refused: Misconfigured (spec.podTemplate.labels: " in message for message in messages)

    def remove_field():
        assert server.bodies("pods") == []
        server.patch(HERE, {"spec": {"podTemplate": None}})

    simulation.user_actions = [(is_refused, remove_field)]
    await simulation.run()
    assert server.get(HERE)["status"]["verdict"] == "fail2pass"
