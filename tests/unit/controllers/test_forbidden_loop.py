"""An API server that has just started denies requests until it has loaded its roles; no attempt is lost to that."""

from aiohttp import web

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import Simulation
from swefoundry.api import labels

DENIALS = 3


async def test_a_log_that_may_not_be_read_yet_is_not_lost(server, proxy, seeded):
    server.create("taskinstances", "here", manifest())
    denied = []

    async def deny(line):
        if line.endswith("/log") and len(denied) < DENIALS:
            denied.append(line)
            raise web.HTTPForbidden
        return None

    server.request_hook = deny
    await Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded))).run()
    attempts = {
        body["metadata"]["labels"][labels.ATTEMPT] for body in server.created if body["kind"] == "Pod"
    }
    assert (len(denied), attempts) == (DENIALS, {"0"})
    assert server.one("taskinstances")["status"]["verdict"] == "fail2pass"
