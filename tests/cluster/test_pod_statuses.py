"""Pod statuses of a real cluster for pods that did not end by themselves, and how they are classified."""

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
    """A change of the container."""
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def script(text: str) -> Callable[[Json], None]:
    return setting(command=["/bin/sh", "-c", text])


def both(*changes: Callable[[Json], object]) -> Callable[[Json], None]:
    def change(pod: Json) -> None:
        for one in changes:
            one(pod)

    return change


def spec(**fields: Any) -> Callable[[Json], None]:
    return lambda pod: pod["spec"].update(fields)


def scratch_of_5_mib(pod: Json) -> None:
    pod["spec"]["volumes"] = [{"name": "scratch", "emptyDir": {"sizeLimit": "5Mi"}}]
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "scratch", "mountPath": "/scratch"}]


def little_disk(pod: Json) -> None:
    resources = pod["spec"]["containers"][0]["resources"]
    resources["requests"]["ephemeral-storage"] = resources["limits"]["ephemeral-storage"] = "5Mi"


FILL = "dd if=/dev/zero of=$0/x bs=1M count=20 && sleep 600"


def waits_for(*reasons: str) -> Callable[[Json], bool]:
    return lambda pod: evaluation_pods.state(pod).get("waiting", {}).get("reason") in reasons


def has_reason(reason: str) -> Callable[[Json], bool]:
    return lambda pod: pod["status"].get("reason") == reason


def unschedulable(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one.get("reason") == "Unschedulable" for one in conditions)


def settled(pod: Json) -> bool:
    return evaluation_pods.is_ended(pod) and pod["status"]["phase"] in ("Succeeded", "Failed")


def deleting_and_ended(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"] and evaluation_pods.is_ended(pod)


@dataclass(frozen=True)
class Lost:
    """A pod that comes to no result, and what is read from it once patience is at its end."""

    reaches: Callable[[Json], bool]
    change: Callable[[Json], object]
    blame: FaultCategory
    reason: str
    then: tuple[str, ...] = ()
    """A kubectl command that is run once the container runs; NAME stands for the pod."""
    memory: str = "64Mi"


AT_ONCE = ("ErrImagePull",) if evaluation_pods.CAPTURING else ("ErrImagePull", "ImagePullBackOff")
"""What a pod says of its first pull: for a moment only, so who is late finds the pause that follows."""

CASES = {
    "image-missing": Lost(
        waits_for(*AT_ONCE),
        setting(image=f"{PLAIN_NODE_REGISTRY}/library/no-such-image:1"),
        FaultCategory.ENVIRONMENT,
        "ImageMissing",
    ),
    "image-missing-backoff": Lost(
        waits_for("ImagePullBackOff"),
        setting(image=f"{PLAIN_NODE_REGISTRY}/{evaluation_pods.BASE}@sha256:{'0' * 64}"),
        FaultCategory.ENVIRONMENT,
        "ImageMissing",
    ),
    "registry-down": Lost(
        waits_for("ErrImagePull", "ImagePullBackOff"),
        setting(image="127.0.0.1:9/library/python:3.11-slim"),
        FaultCategory.INFRASTRUCTURE,
        "ImagePullTransient",
    ),
    "image-name-invalid": Lost(
        waits_for("InvalidImageName"),
        setting(image="Not/An/Image:Name:1"),
        FaultCategory.CONFIGURATION,
        "InvalidImageName",
    ),
    "config-map-missing": Lost(
        waits_for("CreateContainerConfigError"),
        setting(envFrom=[{"configMapRef": {"name": "no-such-config-map"}}]),
        FaultCategory.CONFIGURATION,
        "CreateContainerConfigError",
    ),
    "unschedulable": Lost(
        unschedulable,
        setting(resources={"requests": {"cpu": "1000"}}),
        FaultCategory.CONFIGURATION,
        "Unschedulable",
    ),
    "entrypoint-missing": Lost(
        settled, setting(command=["/no/such/entrypoint"]), FaultCategory.ENVIRONMENT, "EntrypointMissing"
    ),
    "refused-by-kubelet": Lost(
        has_reason("OutOfcpu"),
        both(setting(resources={"requests": {"cpu": "1000"}}), spec(nodeName="lab-1")),
        FaultCategory.INFRASTRUCTURE,
        "AdmissionOutOfcpu",
    ),
    "node-affinity-refused": Lost(
        has_reason("NodeAffinity"),
        spec(nodeName="lab-1", nodeSelector={"no": "such-node"}),
        FaultCategory.INFRASTRUCTURE,
        "AdmissionNodeAffinity",
    ),
    "deadline-exceeded": Lost(
        lambda pod: has_reason("DeadlineExceeded")(pod) and settled(pod),
        both(script("sleep 600"), spec(activeDeadlineSeconds=3, terminationGracePeriodSeconds=1)),
        FaultCategory.LIMIT,
        "DeadlineExceeded",
    ),
    "oom-killed": Lost(
        settled,
        setting(command=["python3", "-c", "x = bytearray(1 << 30)"]),
        FaultCategory.LIMIT,
        "OOMKilled",
    ),
    "empty-dir-over-limit": Lost(
        lambda pod: has_reason("Evicted")(pod) and settled(pod),
        both(scratch_of_5_mib, setting(command=["/bin/sh", "-c", FILL, "/scratch"])),
        FaultCategory.LIMIT,
        "EphemeralStorageExceeded",
    ),
    "disk-over-limit": Lost(
        lambda pod: has_reason("Evicted")(pod) and settled(pod),
        both(little_disk, setting(command=["/bin/sh", "-c", FILL, "/tmp"])),
        FaultCategory.LIMIT,
        "EphemeralStorageExceeded",
    ),
    "exits-0-without-record": Lost(settled, script("exit 0"), FaultCategory.INFRASTRUCTURE, "NoRecord"),
    "killed-without-record": Lost(settled, script("exit 137"), FaultCategory.INFRASTRUCTURE, "NoRecord"),
    "forged-record": Lost(
        settled,
        script("""echo '{"v":1,"nonce":"guess","stage":"before","code":0}' > /dev/termination-log"""),
        FaultCategory.TAMPERING,
        "RecordMismatch",
    ),
    "deleted-while-running": Lost(
        deleting_and_ended,
        script("sleep 600"),
        FaultCategory.INFRASTRUCTURE,
        "PodDeleted",
        then=("delete", "pod", "NAME", "--wait=false", "--grace-period=1"),
    ),
    "deleted-and-exits-0": Lost(
        lambda pod: deleting_and_ended(pod) and pod["status"]["phase"] == "Succeeded",
        script("trap 'exit 0' TERM; sleep 600 & wait"),
        FaultCategory.INFRASTRUCTURE,
        "PodDeleted",
        then=("delete", "pod", "NAME", "--wait=false"),
    ),
    "evicted-by-api": Lost(
        deleting_and_ended,
        script("trap 'exit 0' TERM; sleep 600 & wait"),
        FaultCategory.INFRASTRUCTURE,
        "EvictionByEvictionAPI",
        then=("create", "--raw", "/api/v1/namespaces/NAMESPACE/pods/NAME/eviction", "-f", "-"),
    ),
}


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace with one pod per case, all at once: the slowest takes most of a minute."""
    name = f"statuses-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    try:
        evaluation_pods.create(*(lost_pod(case, name, lost) for case, lost in CASES.items()))
        yield name
    finally:
        evaluation_pods.delete_namespace(name)


def lost_pod(name: str, namespace: str, lost: Lost) -> Json:
    pod = evaluation_pods.case_pod(name, namespace, IMAGE, PodCase(memory=lost.memory, change=lost.change))
    if "command" not in container(pod):
        script("sleep 600")(pod)
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
    words = [word.replace("NAMESPACE", namespace).replace("NAME", name) for word in command]
    kubectl("-n", namespace, *words, stdin=json.dumps(eviction))


def read(pod: Json, after: timedelta = timedelta(0)) -> PodState:
    return read_pod(read_snapshot(pod), datetime.now(UTC) + after, GracePeriods())


@pytest.mark.parametrize("name", CASES)
def test_a_pod_that_comes_to_no_result_is_read_as(name: str, namespace: str):
    lost = CASES[name]
    interrupt(namespace, name, lost.then)
    pod = evaluation_pods.capture(name, evaluation_pods.wait_until(namespace, name, lost.reaches))
    reading = read(pod, after=timedelta(hours=1))
    assert isinstance(reading, PodFault), reading
    assert (reading.category, reading.reason) == (lost.blame, lost.reason), reading
    assert pod["metadata"]["finalizers"] == [FINALIZER]


def test_states_that_may_pass_are_waited_for_at_first(namespace: str):
    for name in ("image-missing", "registry-down", "config-map-missing", "unschedulable"):
        lost = CASES[name]
        pod = evaluation_pods.wait_until(namespace, name, lost.reaches)
        assert isinstance(read(pod, after=timedelta(hours=-1)), PodWaiting), name
