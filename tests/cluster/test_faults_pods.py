"""Pods, kubelet, API server and registry go away in the middle: all of it is repaired, and no verdict is spoilt."""

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

pytestmark = pytest.mark.cluster

SLOW_BUILD = "FROM busybox:stable\nCOPY . /testbed\nWORKDIR /testbed\nRUN sleep 8\n"


def with_slow_build(task: Json) -> Json:
    task["spec"]["environment"]["draft"]["dockerfile"] = SLOW_BUILD
    return task


def delete_pod(pod: Json, *options: str) -> None:
    kubectl("delete", "pod", name_of(pod), "-n", "swefoundry", "--wait=false", "--ignore-not-found", *options)


def delete_pod_for_good(pod: Json) -> None:
    """What an impatient person does to a pod that does not go."""
    delete_pod(pod, "--grace-period=0", "--force")
    bare = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "pod", name_of(pod), "-n", "swefoundry", "--type=merge", "-p", bare, fails=True)


@lab_only
def test_pods_deleted_by_hand_are_replaced():
    """At each stage and in each way that kubectl offers; an instance of its own for each."""
    taken_in = an_instance("fail2pass")
    deleted = {
        "by force during the build": (
            "build",
            lambda pod: delete_pod(pod, "--grace-period=0", "--force"),
            with_slow_build(an_instance("pass2pass")),
        ),
        "plainly during the evaluation": (
            "evaluation",
            delete_pod,
            an_instance("fail2pass", "sleep 6; sh check.sh"),
        ),
        "with its finalizer during the evaluation": (
            "evaluation",
            delete_pod_for_good,
            an_instance("error2pass", "sleep 6; sh check.sh"),
        ),
    }
    waiting = dict(deleted)
    tasks = [taken_in, *(task for _, _, task in deleted.values())]
    names = {name_of(task): name_of(task).split("-")[1] for task in tasks}
    with recorded_pods() as seen:
        with suspended("gitserver"):  # an intake takes a second: this one cannot end before it is deleted
            apply(*tasks)
            delete_pod(wait_for_running_pods(name_of(taken_in), "intake")[0])
            wait_until(lambda: seen.attempts_of(name_of(taken_in)), lambda attempts: len(attempts) == 2)

        def delete_who_runs() -> list[str]:
            for how, (role, act, task) in list(waiting.items()):
                for pod in running_pods(name_of(task), role)[:1]:
                    act(pod)
                    waiting.pop(how)
            return list(waiting)

        wait_until(delete_who_runs, lambda left: not left)
        assert_undisturbed_verdicts(seen, names)
        assert {name: seen.numbers_of(name) for name in names} == {name: {"0", "1"} for name in names}


@lab_only
def test_an_exit_code_that_happened_while_the_kubelet_was_away_is_reported():
    task = an_instance("fail2pass", "sleep 12; sh check.sh")
    expected = {name_of(task): "fail2pass"}
    with recorded_pods() as seen:
        apply(task)
        node = wait_for_running_pods(name_of(task), "evaluation")[0]["spec"]["nodeName"]
        with stopped(f"kubelet-{node}"):
            ran = evaluations_on(node, task)
            time.sleep(14)  # the tests end; the pods are not yet given up (16 s, and 30 s more)
            assert ran and ran <= evaluations_on(node, task)  # as far as the cluster knows
        assert_undisturbed_verdicts(seen, expected)
        assert seen.numbers_of(name_of(task)) == {"0"}


@lab_only
def test_the_api_server_restarted_in_the_middle_is_found_again():
    tasks = [an_instance("fail2pass", "sleep 6; sh check.sh"), with_slow_build(an_instance("pass2pass"))]
    expected = {name_of(task): name_of(task).split("-")[1] for task in tasks}
    before = operator_starts()
    with recorded_pods() as seen:
        apply(*tasks)
        wait_for_running_pods(name_of(tasks[0]), "evaluation")
        with stopped("kube-apiserver"):
            time.sleep(5)
        assert_undisturbed_verdicts(seen, expected)
    assert operator_starts() == before


@lab_only
def test_a_registry_that_is_down_for_a_minute_fails_nobody():
    """Two instances are at their builds and evaluations, one begins, one comes while it is down."""
    first, second = (
        an_instance("fail2pass", "sleep 10; sh check.sh"),
        with_slow_build(an_instance("pass2pass")),
    )
    third, fourth = an_instance("error2pass"), an_instance("fail2fail")
    expected = {name_of(task): name_of(task).split("-")[1] for task in (first, second, third, fourth)}
    with recorded_pods() as seen:
        apply(first, second)
        wait_for_running_pods(name_of(first), "evaluation")
        apply(third)
        with stopped("registry"):
            apply(fourth)
            time.sleep(60)
            held_up = [get("ti", name_of(task))["status"] for task in (first, third)]
            assert not any("finishedAt" in status for status in held_up)
        assert_undisturbed_verdicts(seen, expected)


def evaluations_on(node: str, task: Json) -> set[str]:
    """An instance's evaluations that run there."""
    pods = running_pods(name_of(task), "evaluation")
    return {name_of(pod) for pod in pods if pod["spec"]["nodeName"] == node}


def operator_starts() -> dict[str, int]:
    """Restarts of the operator's containers, by pod."""
    return {
        name_of(pod): pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in operator_pods()
        if is_running(pod)
    }
