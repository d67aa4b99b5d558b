"""The release of pods whose results are kept: finalizers, deletions, places, the cache."""

import pytest

from builders import NOW
from swefoundry import errors
from swefoundry.api import labels
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Owner, Role, Work
from swefoundry.workloads.decide import StartPod
from swefoundry.workloads.lifecycle import new_attempt_ref, owned_pods, start_pod
from swefoundry.workloads.pod_release import release_pod, release_pods
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_spec import ContainerTemplate, pod_manifest
from swefoundry.workloads.role_places import PodPlacement

OWNER = Owner("TaskInstance", "here", "task-one", "uid-of-task")
SUCCESSOR = Owner("TaskInstance", "here", "task-one", "uid-of-successor")


async def started_pod(context, work="before-0", number=0, owner=OWNER):
    """A pod, made as the reconcilers make it."""
    ref = new_attempt_ref(owner, StartPod(Work.parse(work), number))

    async def prepare():
        return pod_manifest(ref, ContainerTemplate("image", {}, {}, {}, 60))

    return await start_pod(context, ref, StartPod(Work.parse(work), number), prepare)


def the_pod(context):
    (found,) = owned_pods(context, OWNER.uid)
    return found


def left(server):
    """Work and attempt of the pods that nobody has deleted."""
    return [
        f"{body['metadata']['labels'][labels.WORK]}/{body['metadata']['labels'][labels.ATTEMPT]}"
        for body in server.bodies("pods")
        if "deletionTimestamp" not in body["metadata"]
    ]


@pytest.fixture
async def matrix(server, context):
    """The pods of three evaluations, which have nodes, and two that must stay: a second attempt, and a successor's."""
    for work in ("base-0", "before-0", "after-0"):
        await run_pod(server, context, work)
    pods = owned_pods(context, OWNER.uid)
    await run_pod(server, context, "before-0", number=1)
    await run_pod(server, context, "before-0", owner=SUCCESSOR)
    server.requests.clear()
    return pods


async def run_pod(server, context, work, **identity):
    """A pod that has a node."""
    attempt = (await started_pod(context, work, **identity)).attempt
    place = ("pods", "here", attempt.pod)
    server.set_status(place, {"phase": "Running"}, nodeName="node-1")
    context.cache.put(server.get(place))
    context.pod_limiter.observe(Role.EVALUATION, f"here/{attempt.pod}", PodPlacement.PLACED, NOW)


async def test_a_released_pod_leaves_no_place_and_no_cache_entry(server, context):
    await started_pod(context)
    await release_pod(context, the_pod(context), "here")
    assert server.bodies("pods") == []
    assert owned_pods(context, OWNER.uid) == ()
    assert context.pod_limiter.active(Role.EVALUATION) == 0


async def test_a_running_pod_is_deleted_with_grace_and_stays_until_its_kubelet_removes_it(server, context):
    attempt = (await started_pod(context)).attempt
    place = ("pods", "here", attempt.pod)
    server.set_status(place, {"phase": "Running"}, nodeName="node-1")
    await release_pod(context, read_snapshot(server.get(place)), "here")
    assert server.get(place)["metadata"].get("finalizers") is None
    assert server.get(place)["metadata"]["deletionGracePeriodSeconds"] == 5
    server.delete(place, grace=0)
    assert server.bodies("pods") == []


async def test_a_pod_that_is_being_deleted_needs_only_its_finalizer_removed(server, context):
    attempt = (await started_pod(context)).attempt
    place = ("pods", "here", attempt.pod)
    server.delete(place)
    server.requests.clear()
    await release_pod(context, read_snapshot(server.get(place)), "here")
    assert server.bodies("pods") == []
    assert server.requests == [f"PATCH pods/{attempt.pod}"]


async def test_a_released_pod_keeps_the_finalizers_of_others(server, context):
    attempt = (await started_pod(context)).attempt
    place = ("pods", "here", attempt.pod)
    server.patch(place, {"metadata": {"finalizers": ["kueue.x-k8s.io/managed", labels.FINALIZER]}})
    await release_pod(context, read_snapshot(server.get(place)), "here")
    meta = server.get(place)["metadata"]
    assert (meta["finalizers"], "deletionTimestamp" in meta) == (["kueue.x-k8s.io/managed"], True)


@pytest.mark.parametrize(
    ("observed", "since", "left"),
    [
        (["a/b", labels.FINALIZER], [labels.FINALIZER], []),
        ([labels.FINALIZER], ["a/b", labels.FINALIZER], ["a/b"]),
    ],
    ids=["removed", "set"],
)
async def test_a_finalizer_that_another_has_just_changed_stays_as_it_is(
    server, context, observed, since, left
):
    attempt = (await started_pod(context)).attempt
    place = ("pods", "here", attempt.pod)
    server.patch(place, {"metadata": {"finalizers": observed}})
    pod = read_snapshot(server.get(place))
    server.patch(place, {"metadata": {"finalizers": since}})
    await release_pod(context, pod, "here")
    assert [body["metadata"].get("finalizers") for body in server.bodies("pods")] == ([left] if left else [])


async def test_a_pod_of_a_lost_node_does_not_wait_for_its_kubelet(server, context):
    attempt = (await started_pod(context)).attempt
    place = ("pods", "here", attempt.pod)
    taint = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
    server.set_status(place, {"phase": "Running", "conditions": [taint]}, nodeName="node-1")
    server.delete(place)
    await release_pod(context, read_snapshot(server.get(place)), "here")
    assert server.bodies("pods") == []


async def test_releasing_twice_or_a_successor_does_no_harm(server, context):
    await started_pod(context)
    old = the_pod(context)
    await release_pod(context, old, "here")
    await release_pod(context, old, "here")
    await started_pod(context)
    await release_pod(context, old, "here")
    (successor,) = server.bodies("pods")
    assert successor["metadata"]["finalizers"] == [labels.FINALIZER]
    assert "deletionTimestamp" not in successor["metadata"]


async def test_pods_of_one_owner_are_deleted_by_one_request_after_their_finalizers(server, context, matrix):
    await release_pods(context, matrix, "here")
    assert sorted(server.requests) == ["DELETE pods", *sorted(f"PATCH pods/{pod.name}" for pod in matrix)]
    assert server.requests[-1] == "DELETE pods"
    assert left(server) == ["before-0/1", "before-0/0"]
    assert context.pod_limiter.active(Role.EVALUATION) == 2


async def test_pods_that_were_deleted_together_are_deleted_only_once(server, context, matrix):
    await release_pods(context, matrix, "here")
    again = [pod for pod in owned_pods(context, OWNER.uid) if pod.attempt == 0]
    assert all(pod.deleting and pod.finalizer_removed for pod in again)
    server.requests.clear()
    await release_pods(context, again, "here")
    assert server.requests == []


async def test_a_pod_that_is_gone_before_the_answer_comes_is_not_put_back_into_the_cache(
    server, context, matrix
):
    for pod in matrix:
        context.cache.drop(Key("Pod", "here", pod.name))
    await release_pods(context, matrix, "here")
    assert [pod.attempt for pod in owned_pods(context, OWNER.uid)] == [1]


async def test_pods_are_deleted_one_by_one_without_the_right_to_delete_them_together(server, context, matrix):
    server.forced_errors["DELETE pods"] = (403, "cannot deletecollection")
    allowed = {f"DELETE pods/{pod.name}" for pod in matrix}

    async def only_single(line):
        server.forced_errors = {} if line in allowed else {"DELETE pods": (403, "cannot deletecollection")}

    server.request_hook = only_single
    await release_pods(context, matrix, "here")
    assert left(server) == ["before-0/1", "before-0/0"]
    patches = [line for line in server.requests if line.startswith("PATCH")]
    assert sorted(patches) == sorted(f"PATCH pods/{pod.name}" for pod in matrix)


async def test_a_pod_whose_finalizer_cannot_be_removed_lets_the_others_be_tried_again(
    server, context, matrix
):
    server.forced_errors[f"PATCH pods/{matrix[0].name}"] = (500, "etcd is away")
    with pytest.raises(errors.ApiUnavailable):
        await release_pods(context, matrix, "here")
    assert len(left(server)) == 5
    server.forced_errors.clear()
    await release_pods(context, [pod for pod in owned_pods(context, OWNER.uid) if pod.attempt == 0], "here")
    assert left(server) == ["before-0/1", "before-0/0"]


async def test_pods_of_the_release_before_are_deleted_one_by_one(server, context, matrix):
    for body in server.bodies("pods"):
        del body["metadata"]["labels"][labels.OWNER_UID]
        context.cache.drop(Key("Pod", "here", body["metadata"]["name"]))
        context.cache.put(body)
    pods = [pod for pod in owned_pods(context, OWNER.uid) if pod.attempt == 0]
    await release_pods(context, pods, "here")
    assert left(server) == ["before-0/1", "before-0/0"]
    assert "DELETE pods" not in server.requests
