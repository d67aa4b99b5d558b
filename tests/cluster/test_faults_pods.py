"""Pods, kubelet, API server and registry fail during the work: pods are retried, and no verdict changes."""

import time

import pytest

from cluster.commands import kubectl
from cluster.fault_injection import (
    an_instance,
    assert_undisturbed_verdicts,
    is_running,
    lab_only,
    name_of,
    operator_pods,
    recorded_pods,
    running_pods,
    stopped,
    suspended,
    wait_for_running_pods,
)
from cluster.sample_instances import Json, apply, get, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

SLOW_BUILD = "FROM busybox:stable\nCOPY . /testbed\nWORKDIR /testbed\nRUN sleep 12\n"


def with_slow_build(task: Json) -> Json:
    task["spec"]["environment"]["draft"]["dockerfile"] = SLOW_BUILD
    return task


def delete_pod(pod: Json, *options: str) -> None:
    kubectl("delete", "pod", name_of(pod), "-n", "swefoundry", "--wait=false", "--ignore-not-found", *options)


def delete_pod_with_finalizers(pod: Json) -> None:
    """Delete the pod by force and remove its finalizers."""
    delete_pod(pod, "--grace-period=0", "--force")
    bare = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "pod", name_of(pod), "-n", "swefoundry", "--type=merge", "-p", bare, may_fail=True)


@lab_only
def test_pods_deleted_by_hand_are_replaced():
    """One instance for each stage and each way of deletion."""
    with_intake = an_instance("fail2pass")
    deleted = {
        "by force during the build": (
            "build",
            lambda pod: delete_pod(pod, "--grace-period=0", "--force"),
            with_slow_build(an_instance("pass2pass")),
        ),
        "without options during the evaluation": (
            "evaluation",
            delete_pod,
            an_instance("fail2pass", "sleep 12; sh check.sh"),
        ),
        "with its finalizer during the evaluation": (
            "evaluation",
            delete_pod_with_finalizers,
            an_instance("error2pass", "sleep 12; sh check.sh"),
        ),
    }
    waiting = dict(deleted)
    tasks = [with_intake, *(task for _, _, task in deleted.values())]
    names = {name_of(task): name_of(task).split("-")[1] for task in tasks}
    with recorded_pods() as recorder:
        with suspended("gitserver"):  # the intake cannot end before its pod is deleted
            apply(*tasks)
            delete_pod(wait_for_running_pods(name_of(with_intake), "intake")[0])
            wait_until(
                lambda: recorder.attempts_of(name_of(with_intake)), lambda attempts: len(attempts) >= 2
            )

        def delete_running_pods() -> list[str]:
            for how, (role, delete_one, task) in list(waiting.items()):
                for pod in running_pods(name_of(task), role)[:1]:
                    delete_one(pod)
                    waiting.pop(how)
            return list(waiting)

        wait_until(delete_running_pods, lambda left: not left)
        assert_undisturbed_verdicts(recorder, names)
        assert {name: recorder.numbers_of(name) for name in names} == {name: {"0", "1"} for name in names}


@lab_only
def test_an_exit_code_from_the_time_without_a_kubelet_is_reported():
    task = an_instance("fail2pass", "sleep 12; sh check.sh")
    expected = {name_of(task): "fail2pass"}
    with recorded_pods() as recorder:
        apply(task)
        node = wait_for_running_pods(name_of(task), "evaluation")[0]["spec"]["nodeName"]
        with stopped(f"kubelet-{node}"):
            ran = evaluations_on(node, task)
            time.sleep(14)  # the tests end; the node is not lost yet (16 s, and 30 s more)
            assert ran and ran <= evaluations_on(node, task)  # the API server still shows them as running
        assert_undisturbed_verdicts(recorder, expected)
        assert recorder.numbers_of(name_of(task)) == {"0"}


@lab_only
def test_the_operator_reconnects_to_a_restarted_api_server():
    tasks = [an_instance("fail2pass", "sleep 6; sh check.sh"), with_slow_build(an_instance("pass2pass"))]
    expected = {name_of(task): name_of(task).split("-")[1] for task in tasks}
    before = operator_starts()
    with recorded_pods() as recorder:
        apply(*tasks)
        wait_for_running_pods(name_of(tasks[0]), "evaluation")
        with stopped("kube-apiserver"):
            time.sleep(5)
        assert_undisturbed_verdicts(recorder, expected)
    assert operator_starts() == before


@lab_only
def test_no_instance_fails_because_the_registry_is_down_for_a_minute():
    """Two instances build and evaluate, one has just started, and one is created while the registry is down."""
    first, second = (
        an_instance("fail2pass", "sleep 10; sh check.sh"),
        with_slow_build(an_instance("pass2pass")),
    )
    third, fourth = an_instance("error2pass"), an_instance("fail2fail")
    expected = {name_of(task): name_of(task).split("-")[1] for task in (first, second, third, fourth)}
    with recorded_pods() as recorder:
        apply(first, second)
        wait_for_running_pods(name_of(first), "evaluation")
        apply(third)
        with stopped("registry"):
            apply(fourth)
            time.sleep(60)
            statuses = [get("ti", name_of(task))["status"] for task in (first, third)]
            assert not any("finishedAt" in status for status in statuses)
        assert_undisturbed_verdicts(recorder, expected)


def evaluations_on(node: str, task: Json) -> set[str]:
    """Names of the instance's running evaluation pods on the node."""
    pods = running_pods(name_of(task), "evaluation")
    return {name_of(pod) for pod in pods if pod["spec"]["nodeName"] == node}


def operator_starts() -> dict[str, int]:
    """Restarts of the operator's containers, by pod."""
    return {
        name_of(pod): pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in operator_pods()
        if is_running(pod)
    }
