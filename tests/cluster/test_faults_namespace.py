"""A task namespace is deleted in the middle: it goes, the others do not notice, and it may come back."""

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
    operator_is_ready,
    recorded_pods,
    wait_for_running_pods,
)
from cluster.sample_instances import Json, apply, wait_until

pytestmark = pytest.mark.cluster

DOOMED = "swefoundry-extra"


@pytest.fixture
def belongings() -> Iterator[list[Json]]:
    """What has to be in a task namespace; it is put back at the end, whatever happened."""
    chart = [
        body for body in yaml.safe_load_all(helm("get", "manifest", "swefoundry", "-n", "swefoundry")) if body
    ]
    own = [body for body in chart if body["metadata"].get("namespace") == DOOMED]
    assert {body["kind"] for body in own} >= {"Role", "RoleBinding", "ServiceAccount", "NetworkPolicy"}
    namespace = bare(json.loads(kubectl("get", "namespace", DOOMED, "-o", "json")))
    maps = json.loads(kubectl("get", "configmaps", "-n", DOOMED, "-o", "json"))["items"]
    kept = [namespace, *(bare(body) for body in maps if body["metadata"]["name"] != "kube-root-ca.crt"), *own]
    yield kept
    put_back(kept)


def bare(body: Json) -> Json:
    """An object without what the cluster wrote into it."""
    meta = {key: body["metadata"][key] for key in ("name", "namespace", "labels") if key in body["metadata"]}
    parts = {key: body[key] for key in ("data", "binaryData") if key in body}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta, **parts}


def put_back(kept: list[Json]) -> None:
    wait_until(lambda: phase(DOOMED), lambda found: found != "Terminating")
    body = {"apiVersion": "v1", "kind": "List", "items": kept}
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(body))


def phase(namespace: str) -> str:
    found = kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "jsonpath={.status.phase}")
    return found.strip()


def test_a_deleted_namespace_goes_and_takes_nobody_along(belongings):
    doomed = [an_instance("fail2pass", "sleep 600", DOOMED), an_instance("fail2pass", namespace=DOOMED)]
    neighbour, newcomer = an_instance("fail2pass", "sleep 8; sh check.sh"), an_instance("pass2pass")
    back = an_instance("fail2pass", namespace=DOOMED)
    with recorded_pods() as seen:
        apply(*doomed)
        wait_for_running_pods(name_of(doomed[0]), "evaluation", DOOMED)
        apply(neighbour)
        kubectl("delete", "namespace", DOOMED, "--wait=false")
        started = time.monotonic()
        wait_until(lambda: phase(DOOMED), lambda found: found == "")
        print(f"the namespace was gone after {time.monotonic() - started:.0f} s")
        # A graceful stop in the middle; and who starts while one of its namespaces is missing must serve the others.
        kubectl("rollout", "restart", "deploy/swefoundry", "-n", "swefoundry")
        operator_is_ready()
        apply(newcomer)
        assert_undisturbed_verdicts(seen, {name_of(neighbour): "fail2pass", name_of(newcomer): "pass2pass"})
        assert seen.numbers_of(name_of(neighbour)) == {"0"}
        put_back(belongings)
        apply(back)
        assert_undisturbed_verdicts(seen, {name_of(back): "fail2pass"}, namespace=DOOMED)
