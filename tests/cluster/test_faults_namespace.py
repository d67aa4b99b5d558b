"""A task namespace is deleted while its instances run: it terminates, other namespaces are not affected, and it can be
created again.
"""

import json
import time
from collections.abc import Iterator

import pytest
import yaml

from cluster.commands import helm, kubectl
from cluster.fault_injection import (
    an_instance,
    assert_undisturbed_verdicts,
    name_of,
    recorded_pods,
    wait_for_operator,
    wait_for_running_pods,
)
from cluster.sample_instances import Json, apply, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

DELETED = "swefoundry-extra"


@pytest.fixture
def namespace_objects() -> Iterator[list[Json]]:
    """Objects of the task namespace, which are created again at the end of the test."""
    chart = [
        body for body in yaml.safe_load_all(helm("get", "manifest", "swefoundry", "-n", "swefoundry")) if body
    ]
    of_chart = [body for body in chart if body["metadata"].get("namespace") == DELETED]
    assert {body["kind"] for body in of_chart} >= {"Role", "RoleBinding", "ServiceAccount", "NetworkPolicy"}
    namespace = bare(json.loads(kubectl("get", "namespace", DELETED, "-o", "json")))
    maps = json.loads(kubectl("get", "configmaps", "-n", DELETED, "-o", "json"))["items"]
    copied = [bare(body) for body in maps if body["metadata"]["name"] != "kube-root-ca.crt"]
    objects = [namespace, *copied, *of_chart]
    yield objects
    restore(objects)


def bare(body: Json) -> Json:
    """The object without fields that the cluster has set."""
    meta = {key: body["metadata"][key] for key in ("name", "namespace", "labels") if key in body["metadata"]}
    parts = {key: body[key] for key in ("data", "binaryData") if key in body}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta, **parts}


def restore(objects: list[Json]) -> None:
    wait_until(lambda: phase(DELETED), lambda found: found != "Terminating")
    body = {"apiVersion": "v1", "kind": "List", "items": objects}
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(body))


def phase(namespace: str) -> str:
    found = kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "jsonpath={.status.phase}")
    return found.strip()


def test_a_deleted_namespace_terminates_and_does_not_affect_other_namespaces(namespace_objects):
    deleted = [an_instance("fail2pass", "sleep 600", DELETED), an_instance("fail2pass", namespace=DELETED)]
    running, later = an_instance("fail2pass", "sleep 8; sh check.sh"), an_instance("pass2pass")
    after_restore = an_instance("fail2pass", namespace=DELETED)
    with recorded_pods() as recorder:
        apply(*deleted)
        wait_for_running_pods(name_of(deleted[0]), "evaluation", DELETED)
        apply(running)
        kubectl("delete", "namespace", DELETED, "--wait=false")
        started = time.monotonic()
        wait_until(lambda: phase(DELETED), lambda found: found == "")
        print(f"the namespace was deleted after {time.monotonic() - started:.0f} s")
        # An operator that starts while one of its namespaces is missing must serve the others.
        kubectl("rollout", "restart", "deploy/swefoundry", "-n", "swefoundry")
        wait_for_operator()
        apply(later)
        assert_undisturbed_verdicts(recorder, {name_of(running): "fail2pass", name_of(later): "pass2pass"})
        assert recorder.numbers_of(name_of(running)) == {"0"}
        restore(namespace_objects)
        apply(after_restore)
        assert_undisturbed_verdicts(recorder, {name_of(after_restore): "fail2pass"}, namespace=DELETED)
