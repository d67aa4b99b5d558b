"""Object cache."""

import json

import pytest

from swefoundry.kube.cache import Cache, key_of, owner_of, strip_unused
from swefoundry.kube.workqueue import Key

OWNER = {"kind": "TaskInstance", "name": "task", "uid": "owner-1", "controller": True}


def a_body(version, uid="u1", name="pod", kind="Pod", owner=None, **fields):
    meta = {"namespace": "here", "name": name, "uid": uid, "resourceVersion": str(version)}
    if owner is not None:
        meta["ownerReferences"] = [owner]
    return {"kind": kind, "metadata": meta} | fields


POD = key_of(a_body(1))


@pytest.fixture
def cache():
    return Cache()


def test_only_newer_versions_are_stored(cache):
    assert cache.put(a_body(9, note="first"))
    assert not cache.put(a_body(9, note="again"))
    assert not cache.put(a_body(8, note="late"))
    # Versions are numbers: as text, 10 would come before 9.
    assert cache.put(a_body(10, note="new"))
    assert cache.get(POD)["note"] == "new"


def test_a_successor_of_the_same_name_replaces_its_predecessor(cache):
    cache.put(a_body(5, uid="u1", owner=OWNER))
    assert cache.put(a_body(6, uid="u2", owner=OWNER | {"uid": "owner-2"}))
    assert cache.children("owner-1", "Pod") == []
    assert [body["metadata"]["uid"] for body in cache.children("owner-2", "Pod")] == ["u2"]


def test_a_late_event_of_the_predecessor_is_ignored(cache):
    cache.put(a_body(6, uid="u2"))
    assert not cache.put(a_body(5, uid="u1"))
    assert cache.get(POD)["metadata"]["uid"] == "u2"


def test_deleting_a_predecessor_keeps_its_successor(cache):
    cache.put(a_body(6, uid="u2"))
    cache.drop(POD, "u1")
    assert cache.get(POD) is not None
    cache.drop(POD, "u2")
    assert cache.get(POD) is None
    cache.drop(POD)


def test_children_are_found_by_their_controller_and_kind_in_the_order_of_names(cache):
    cache.put(a_body(1, name="b", uid="ub", owner=OWNER))
    cache.put(a_body(2, name="a", uid="ua", owner=OWNER))
    cache.put(a_body(3, name="c", uid="uc", kind="EnvBuild", owner=OWNER))
    cache.put(a_body(4, name="d", uid="ud", owner=OWNER | {"controller": False}))
    assert [body["metadata"]["name"] for body in cache.children("owner-1", "Pod")] == ["a", "b"]
    cache.drop(Key("Pod", "here", "a"))
    assert [body["metadata"]["name"] for body in cache.children("owner-1", "Pod")] == ["b"]


def test_indexes_of_owners_without_children_are_empty(cache):
    cache.put(a_body(1, owner=OWNER))
    cache.put(a_body(2))
    assert cache._children == {}


def test_the_controlling_owner_is_known_with_its_uid():
    helper = {"kind": "Job", "name": "j", "uid": "j1"}
    body = a_body(1)
    body["metadata"]["ownerReferences"] = [helper, OWNER]
    assert owner_of(body) == (Key("TaskInstance", "here", "task"), "owner-1")
    assert owner_of(a_body(1)) is None


def test_fields_that_are_never_read_are_dropped():
    body = a_body(1)
    notes = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "swefoundry.dev/nonce": "n"}
    body["metadata"] |= {"managedFields": [{}], "annotations": notes}
    kept = strip_unused(body)["metadata"]
    assert kept == a_body(1)["metadata"] | {"annotations": {"swefoundry.dev/nonce": "n"}}
    assert "managedFields" in body["metadata"], "the caller's object stays as it is"


def test_of_a_pods_spec_is_kept_what_snapshots_of_pods_read():
    read = {"nodeName": "node-1", "activeDeadlineSeconds": 60, "schedulingGates": [{"name": "gate"}]}
    body = a_body(1, spec=read | {"containers": [{"image": "x"}], "volumes": []}, status={"phase": "Running"})
    assert strip_unused(body) == a_body(1, spec=read, status={"phase": "Running"})
    task = a_body(1, kind="TaskInstance", spec={"containers": "kept"})
    assert strip_unused(task) == task


def test_objects_share_their_names_and_short_texts_and_stay_equal(cache):
    text = json.dumps(
        a_body(1, kind="EnvBuild", status={"rounds": [{"outcome": "Accepted", "log": "l" * 65}]})
    )
    rounds = [strip_unused(json.loads(text))["status"]["rounds"] for _ in range(2)]
    assert rounds[0] == rounds[1] == json.loads(text)["status"]["rounds"]
    assert rounds[0] is not rounds[1]
    assert rounds[0][0]["outcome"] is rounds[1][0]["outcome"]
    assert list(map(id, rounds[0][0])) == list(map(id, rounds[1][0]))


def test_objects_are_counted_by_kind_and_phase(cache):
    cache.put(a_body(1, name="a", status={"phase": "Running"}))
    cache.put(a_body(2, name="b", status={"phase": "Running"}))
    cache.put(a_body(3, name="c"))
    assert cache.count_by_phase() == {("Pod", "Running"): 2, ("Pod", "Pending"): 1}
    assert len(cache.keys("Pod")) == len(list(cache.bodies("Pod"))) == 3
    assert cache.keys("EnvBuild") == []


def test_objects_are_indexed_by_repository(cache):
    for name, repo in (("one", "o/a"), ("two", "o/a"), ("three", "o/b")):
        cache.put(a_body(1, name=name, kind="EnvBuild", spec={"repo": repo}))
    cache.put(a_body(1, name="one", kind="TaskInstance", spec={"repo": "o/a"}))
    assert {body["metadata"]["name"] for body in cache.same_repo("EnvBuild", "o/a")} == {"one", "two"}
    cache.put(a_body(2, uid="u2", name="two", kind="EnvBuild", spec={"repo": "o/b"}))
    cache.drop(Key("EnvBuild", "here", "one"))
    assert cache.same_repo("EnvBuild", "o/a") == []
    assert {body["metadata"]["name"] for body in cache.same_repo("EnvBuild", "o/b")} == {"two", "three"}
