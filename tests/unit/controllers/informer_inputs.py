"""For tests of the informer and of what it feeds: a pod, an event, the keys that it enqueues, and waiting."""

import asyncio

from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.pod_spec import ContainerTemplate, pod_manifest

TASK = Key("TaskInstance", "here", "task-one")
PLACE = ("taskinstances", "here", "task-one")


def a_pod(server, owner=None, work="intake"):
    """A pod of the operator's, as an earlier process made it."""
    whose = Owner("TaskInstance", "here", "task-one", owner["metadata"]["uid"] if owner else "uid-of-nobody")
    body = pod_manifest(
        AttemptRef(whose, Role.INTAKE, work, 0, "n" * 32), ContainerTemplate("image", {}, {}, {}, 60)
    )
    return server.create("pods", "here", body)


async def send_event(operator, body, kind="MODIFIED"):
    """Deliver an event as a watch does, with an object that is the event's own."""
    operator.informer.apply_event({"type": kind, "object": dict(body)})


async def ready(operator):
    """Everything that the workers would get now."""
    queue = operator.context.queue
    keys = {await queue.get() for _ in range(len(queue))}
    for key in keys:
        queue.done(key)
    return keys


async def until(condition):
    """Wait until it is true, for a minute at most."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for is on the other side of a connection
            await asyncio.sleep(0.005)
