"""Simulations of EnvBuilds whose drafts agents write, and what tests read of them."""

from collections import Counter

from simulated.kubelet import Kubelet, spec_of
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.seeded_registry import REPOSITORY
from simulated.stepping_operator import SETTINGS, Simulation
from swefoundry.api import labels
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.models import Model, Usage
from swefoundry.oci.registry_client import RegistryClient

HERE = ("taskinstances", "here", "task-one")
BUILD = ("envbuilds", "here", "task-one")
MODELS = SETTINGS.model_copy(update={"models": [Model(name="small"), Model(name="large")]})
USED = Usage(turns=4, input_tokens=9000, output_tokens=1000, micro_usd=2500)


def a_draft(number):
    return Draft(
        dockerfile=f"FROM python:3.11-slim\nCOPY . /testbed\nRUN echo {number}\n", test_command="pytest"
    )


async def written(proxy, number=0, **fields):
    """The record of an agent pod that wrote a draft, which is in the registry."""
    async with RegistryClient(proxy.behind, insecure=True) as registry:
        digest = await registry.put_blob(REPOSITORY, a_draft(number).to_bytes())
        state = await registry.put_blob(REPOSITORY, b"state %d" % number)
    record = {
        "draft": digest,
        "state": state,
        "transcript": state,
        "usage": USED.to_json_dict(),
        "claimed": True,
    }
    return {"code": 0, "label": f"small: draft {number}"} | record | fields


def a_simulation(server, proxy, seeded, script=None, strategies=("agents",), settings=MODELS, **fields):
    spec = fields.pop("spec", {})
    body = manifest(**({"environment": {"strategies": list(strategies)}} | spec))
    body["metadata"] |= fields.pop("meta", {})
    server.create("taskinstances", "here", body)
    return Simulation(
        server, proxy, Kubelet(server, script or ScriptedPods(seeded)), settings=settings, **fields
    )


def build(simulation):
    return simulation.server.get(BUILD)["status"]


def why(simulation):
    ready = {item["type"]: item for item in build(simulation)["conditions"]}["Ready"]
    return ready["reason"], ready["message"]


def agent_specs(simulation):
    """What agent pods were asked for, in order."""
    created = [body for body in simulation.server.created if body["kind"] == "Pod"]
    return [spec_of(body) for body in created if body["metadata"]["labels"][labels.ROLE] == "agent"]


def attempts(simulation):
    created = [body["metadata"]["labels"] for body in simulation.server.created if body["kind"] == "Pod"]
    return Counter((item[labels.OWNER_KIND], item[labels.WORK], item[labels.ATTEMPT]) for item in created)
