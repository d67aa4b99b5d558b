"""Requests for places: what their order follows from, and how far an observed pod has come."""

from datetime import timedelta

import pytest

from builders import a_pod, pod_body
from simulated.scripted_pods import manifest
from swefoundry.kube.workqueue import Key
from swefoundry.text.plurals import with_suffix
from swefoundry.workloads.attempt import AttemptRef, Owner, Role, Work
from swefoundry.workloads.lifecycle import NOT_CACHED, place_request
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.role_places import PodPlacement, placement_of


def request_for(context, kind, work):
    owner = Owner(kind, "here", "task-one", "uid")
    parsed = Work.parse(work)
    return place_request(context, AttemptRef(owner, parsed.role, work, 0, "nonce"), parsed)


def test_the_order_is_matrix_probe_build_draft_intake(context):
    works = [
        ("TaskInstance", "before-0"),
        ("EnvBuild", "before-0"),
        ("EnvBuild", "build-0"),
        ("EnvBuild", "checkout-0"),
        ("EnvBuild", "agent-0"),
        ("TaskInstance", "intake"),
        ("EnvBuild", "intake"),
    ]
    assert [request_for(context, *work).steps for work in works] == [0, 1, 2, 2, 3, 4, 4]


def test_the_work_of_an_envbuild_is_as_old_as_its_instance(context, server):
    task = server.create("taskinstances", "here", manifest())
    server.now += timedelta(minutes=9)
    owner = {"kind": "TaskInstance", "name": "task-one", "uid": task["metadata"]["uid"], "controller": True}
    build = {"metadata": {"name": "task-one", "ownerReferences": [owner]}, "spec": {}}
    for body in (task, server.create("envbuilds", "here", build)):
        context.cache.put(body)
    request = request_for(context, "EnvBuild", "build-0")
    assert (request.created, request.key, request.role) == (
        server.now - timedelta(minutes=9),
        Key("EnvBuild", "here", "task-one"),
        Role.BUILD,
    )


def test_the_work_of_an_object_that_is_gone_comes_last(context):
    assert request_for(context, "TaskInstance", "intake").created == NOT_CACHED


FULL = (
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, "
    "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims "
    "found for incoming pod."
)
TOO_SMALL = (
    "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: "
    "1 Preemption is not helpful for scheduling."
)
FEW_ARE_FULL = (
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector. "
    "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not "
    "helpful for scheduling."
)


def an_unbound_pod(**condition):
    body = pod_body(status={"conditions": [{"type": "PodScheduled", "status": "False"} | condition]})
    return read_snapshot(body | {"spec": {}})


@pytest.mark.parametrize(
    ("pod", "placement"),
    [
        (a_pod(), PodPlacement.PLACED),
        (read_snapshot(pod_body() | {"spec": {}}), PodPlacement.CREATED),
        (an_unbound_pod(reason="Unschedulable"), PodPlacement.UNSCHEDULABLE),
        (an_unbound_pod(reason="Unschedulable", message=FULL), PodPlacement.AWAITS_CAPACITY),
        (an_unbound_pod(reason="Unschedulable", message=TOO_SMALL), PodPlacement.UNSCHEDULABLE),
        (an_unbound_pod(reason="Unschedulable", message=FEW_ARE_FULL), PodPlacement.UNSCHEDULABLE),
        (an_unbound_pod(reason="SchedulingGated"), PodPlacement.UNSCHEDULABLE),
    ],
)
def test_a_pod_holds_a_place_unless_the_scheduler_has_refused_it(pod, placement):
    assert placement_of(pod) is placement


def test_positions_are_written_as_ordinals():
    numbers = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111]
    expected = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
    assert [with_suffix(number) for number in numbers] == expected
