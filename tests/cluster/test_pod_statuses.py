"""Statuses of real pods that end without a result, and their classification."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from cluster import evaluation_pods
from cluster.commands import LAB, ON_LAB, kubectl
from cluster.evaluation_pods import Json, PodCase
from swefoundry.api.labels import FINALIZER
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodState, PodWaiting
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod
from swefoundry.workloads.role_places import PodPlacement, placement_of

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not ON_LAB or not (LAB / "registry").exists(), reason="uses images and limits of the lab"
    ),
]

IMAGE = "python:3.11-slim"
PLAIN_NODE_REGISTRY = evaluation_pods.NODE_REGISTRY


def container(pod: Json) -> Json:
    return dict(pod["spec"]["containers"][0])


def setting(**fields: Any) -> Callable[[Json], None]:
    """A change of the pod's container."""
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def script(text: str) -> Callable[[Json], None]:
    return setting(command=["/bin/sh", "-c", text])


def combine(*changes: Callable[[Json], object]) -> Callable[[Json], None]:
    def change(pod: Json) -> None:
        for each in changes:
            each(pod)

    return change


def spec(**fields: Any) -> Callable[[Json], None]:
    return lambda pod: pod["spec"].update(fields)


def scratch_of_5_mib(pod: Json) -> None:
    pod["spec"]["volumes"] = [{"name": "scratch", "emptyDir": {"sizeLimit": "5Mi"}}]
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "scratch", "mountPath": "/scratch"}]


def little_disk(pod: Json) -> None:
    resources = pod["spec"]["containers"][0]["resources"]
    resources["requests"]["ephemeral-storage"] = resources["limits"]["ephemeral-storage"] = "5Mi"


def all_cpus_of_the_node(pod: Json) -> None:
    """It fits once nothing else is on the node."""
    cpus = kubectl("get", "node", "lab-1", "-o", "jsonpath={.status.allocatable.cpu}")
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpus}}


FILL = "dd if=/dev/zero of=$0/x bs=1M count=20 && sleep 3000"


def waits_for(*reasons: str) -> Callable[[Json], bool]:
    return lambda pod: evaluation_pods.state(pod).get("waiting", {}).get("reason") in reasons


def has_reason(reason: str) -> Callable[[Json], bool]:
    return lambda pod: pod["status"].get("reason") == reason


def unschedulable(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(condition.get("reason") == "Unschedulable" for condition in conditions)


def has_ended(pod: Json) -> bool:
    return evaluation_pods.is_terminated(pod) and pod["status"]["phase"] in ("Succeeded", "Failed")


def deleting_and_ended(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"] and evaluation_pods.is_terminated(pod)


@dataclass(frozen=True)
class LostPod:
    """A pod that ends without a result, and its classification after the grace periods."""

    reaches: Callable[[Json], bool]
    change: Callable[[Json], object]
    category: FaultCategory | None
    """None: it is waited for, however long that takes."""
    reason: str
    then: tuple[str, ...] = ()
    """Arguments of a kubectl command to run when the container is running; NAME is replaced by the pod's name."""
    memory: str = "64Mi"


AT_ONCE = ("ErrImagePull",) if evaluation_pods.CAPTURING else ("ErrImagePull", "ImagePullBackOff")
"""The reason after the first failed pull. It lasts for a moment only, so the back-off that follows is also accepted."""

CASES = {
    "image-missing": LostPod(
        waits_for(*AT_ONCE),
        setting(image=f"{PLAIN_NODE_REGISTRY}/library/no-such-image:1"),
        FaultCategory.ENVIRONMENT,
        "ImageMissing",
    ),
    "image-missing-backoff": LostPod(
        waits_for("ImagePullBackOff"),
        setting(image=f"{PLAIN_NODE_REGISTRY}/{evaluation_pods.BASE}@sha256:{'0' * 64}"),
        FaultCategory.ENVIRONMENT,
        "ImageMissing",
    ),
    "registry-down": LostPod(
        waits_for("ErrImagePull", "ImagePullBackOff"),
        setting(image="127.0.0.1:9/library/python:3.11-slim"),
        FaultCategory.INFRASTRUCTURE,
        "ImagePullTransient",
    ),
    "image-name-invalid": LostPod(
        waits_for("InvalidImageName"),
        setting(image="Not/An/Image:Name:1"),
        FaultCategory.CONFIGURATION,
        "InvalidImageName",
    ),
    "config-map-missing": LostPod(
        waits_for("CreateContainerConfigError"),
        setting(envFrom=[{"configMapRef": {"name": "no-such-config-map"}}]),
        None,
        "CreateContainerConfigError",
    ),
    "unschedulable": LostPod(
        unschedulable, setting(resources={"requests": {"cpu": "1000"}}), None, "Unschedulable"
    ),
    "node-full": LostPod(unschedulable, all_cpus_of_the_node, None, "Unschedulable"),
    "entrypoint-missing": LostPod(
        has_ended, setting(command=["/no/such/entrypoint"]), FaultCategory.ENVIRONMENT, "EntrypointMissing"
    ),
    "refused-by-kubelet": LostPod(
        has_reason("OutOfcpu"),
        combine(setting(resources={"requests": {"cpu": "1000"}}), spec(nodeName="lab-1")),
        FaultCategory.INFRASTRUCTURE,
        "AdmissionOutOfcpu",
    ),
    "node-affinity-refused": LostPod(
        has_reason("NodeAffinity"),
        spec(nodeName="lab-1", nodeSelector={"no": "such-node"}),
        FaultCategory.INFRASTRUCTURE,
        "AdmissionNodeAffinity",
    ),
    "deadline-exceeded": LostPod(
        lambda pod: has_reason("DeadlineExceeded")(pod) and has_ended(pod),
        combine(script("sleep 3000"), spec(activeDeadlineSeconds=3, terminationGracePeriodSeconds=1)),
        FaultCategory.LIMIT,
        "DeadlineExceeded",
    ),
    "oom-killed": LostPod(
        has_ended,
        setting(command=["python3", "-c", "x = bytearray(1 << 30)"]),
        FaultCategory.LIMIT,
        "OOMKilled",
    ),
    "empty-dir-over-limit": LostPod(
        lambda pod: has_reason("Evicted")(pod) and has_ended(pod),
        combine(scratch_of_5_mib, setting(command=["/bin/sh", "-c", FILL, "/scratch"])),
        FaultCategory.LIMIT,
        "EphemeralStorageExceeded",
    ),
    "disk-over-limit": LostPod(
        lambda pod: has_reason("Evicted")(pod) and has_ended(pod),
        combine(little_disk, setting(command=["/bin/sh", "-c", FILL, "/tmp"])),
        FaultCategory.LIMIT,
        "EphemeralStorageExceeded",
    ),
    "exits-0-without-record": LostPod(has_ended, script("exit 0"), FaultCategory.INFRASTRUCTURE, "NoRecord"),
    "killed-without-record": LostPod(has_ended, script("exit 137"), FaultCategory.INFRASTRUCTURE, "NoRecord"),
    "forged-record": LostPod(
        has_ended,
        script("""echo '{"v":1,"nonce":"guess","stage":"before","code":0}' > /dev/termination-log"""),
        FaultCategory.TAMPERING,
        "RecordMismatch",
    ),
    "deleted-while-running": LostPod(
        deleting_and_ended,
        script("sleep 3000"),
        FaultCategory.INFRASTRUCTURE,
        "PodDeleted",
        then=("delete", "pod", "NAME", "--wait=false", "--grace-period=1"),
    ),
    "deleted-and-exits-0": LostPod(
        lambda pod: deleting_and_ended(pod) and pod["status"]["phase"] == "Succeeded",
        script("trap 'exit 0' TERM; sleep 3000 & wait"),
        FaultCategory.INFRASTRUCTURE,
        "PodDeleted",
        then=("delete", "pod", "NAME", "--wait=false"),
    ),
    "evicted-by-api": LostPod(
        deleting_and_ended,
        script("trap 'exit 0' TERM; sleep 3000 & wait"),
        FaultCategory.INFRASTRUCTURE,
        "EvictionByEvictionAPI",
        then=("create", "--raw", "/api/v1/namespaces/NAMESPACE/pods/NAME/eviction", "-f", "-"),
    ),
}


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace with one pod per case, which run at the same time."""
    name = f"statuses-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    try:
        evaluation_pods.create(*(lost_pod(case, name, lost) for case, lost in CASES.items()))
        yield name
    finally:
        evaluation_pods.delete_namespace(name)


def lost_pod(name: str, namespace: str, lost: LostPod) -> Json:
    pod = evaluation_pods.case_pod(name, namespace, IMAGE, PodCase(memory=lost.memory, change=lost.change))
    if "command" not in container(pod):
        script("sleep 3000")(pod)
    return pod


def interrupt(namespace: str, name: str, command: tuple[str, ...]) -> None:
    if not command:
        return
    evaluation_pods.wait_until(namespace, name, lambda pod: "running" in evaluation_pods.state(pod))
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
    }
    arguments = [each.replace("NAMESPACE", namespace).replace("NAME", name) for each in command]
    kubectl("-n", namespace, *arguments, stdin=json.dumps(eviction))


def read(pod: Json, after: timedelta = timedelta(0)) -> PodState:
    return read_pod(read_snapshot(pod), datetime.now(UTC) + after, GracePeriods())


@pytest.mark.parametrize("name", CASES)
def test_a_pod_without_a_result_is_classified(name: str, namespace: str):
    lost = CASES[name]
    interrupt(namespace, name, lost.then)
    pod = evaluation_pods.capture(name, evaluation_pods.wait_until(namespace, name, lost.reaches))
    state = read(pod, after=timedelta(hours=1))
    assert isinstance(state, PodFault | PodWaiting), state
    category = state.category if isinstance(state, PodFault) else None
    assert (category, state.reason) == (lost.category, lost.reason), state
    assert pod["metadata"]["finalizers"] == [FINALIZER]


def test_a_pod_is_waiting_during_the_grace_period_of_its_state(namespace: str):
    for name in ("image-missing", "registry-down", "config-map-missing", "unschedulable"):
        lost = CASES[name]
        pod = evaluation_pods.wait_until(namespace, name, lost.reaches)
        assert isinstance(read(pod, after=timedelta(hours=-1)), PodWaiting), name


@pytest.mark.parametrize(
    ("name", "placement"),
    [("unschedulable", PodPlacement.UNSCHEDULABLE), ("node-full", PodPlacement.AWAITS_CAPACITY)],
)
def test_the_scheduler_distinguishes_a_full_node_from_one_that_is_too_small(
    name: str, placement: PodPlacement, namespace: str
):
    pod = evaluation_pods.wait_until(namespace, name, CASES[name].reaches)
    assert placement_of(read_snapshot(pod)) is placement
