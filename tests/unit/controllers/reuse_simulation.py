"""Simulations of tasks of one repository, whose EnvBuilds may reuse images."""

import itertools

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import SETTINGS, Simulation
from swefoundry.api import labels
from swefoundry.oci.proven_index import list_environments
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads import names

_numbers = itertools.count()


DRAFT = {
    "dockerfile": "FROM python:3.11-slim\nCOPY . /testbed\n",
    "testCommand": "pytest",
    "reports": ["r.xml"],
}


class Stage:
    """A repository of its own in the registry, and a simulation with tasks of it."""

    def __init__(self, server, proxy, seeded, repo):
        self.server, self.proxy, self.seeded, self.repo = server, proxy, seeded, repo
        self.path = names.repository(SETTINGS.registry_prefix, repo)
        self.scripted_pods = ScriptedPods(seeded)

    def task(
        self, name, strategies=("reuse", "fixed"), draft=DRAFT, suspend=False, created_at=None, **environment
    ):
        merged = {"strategies": list(strategies)} | environment
        if "fixed" in strategies:
            merged["draft"] = draft
        spec = {"repo": self.repo, "instanceId": name, "environment": merged, "suspend": suspend}
        dated = {"createdAt": f"{created_at}T00:00:00Z"} if created_at else {}
        self.server.create("taskinstances", "here", manifest(name, **spec, **dated))

    async def run(self, script=None, **fields):
        simulation = Simulation(
            self.server, self.proxy, Kubelet(self.server, script or self.scripted_pods), **fields
        )
        await simulation.run()
        return simulation

    def build(self, name):
        return self.server.get(("envbuilds", "here", name))["status"]

    def rounds(self, name):
        return [(item["strategy"], item["outcome"]) for item in self.build(name)["rounds"]]

    def pods(self, kind=""):
        pods = [body for body in self.server.created if body["kind"] == "Pod"]
        return [body for body in pods if body["metadata"]["labels"][labels.WORK].startswith(kind)]

    async def known(self):
        async with RegistryClient(self.proxy.behind, insecure=True) as registry:
            return await list_environments(registry, self.path, {})


def why(status):
    ready = {item["type"]: item for item in status["conditions"]}["Ready"]
    return ready["reason"], ready["message"]


def refusing(pod_script, name, raw_exit=None):
    """The script, but no image does for the EnvBuild ``name`` unless it was built for it."""

    def script(pod):
        tags = pod["metadata"]["labels"]
        kind = (tags[labels.OWNER_KIND], tags[labels.OWNER])
        first = tags[labels.WORK] == "after-0"
        if kind == ("envbuild", name) and first:
            codes = pod_script.exit_codes | {"after": 1}
            return ScriptedPods(pod_script.registry, exit_codes=codes, raw_exit=raw_exit)(pod)
        return pod_script(pod)

    return script
