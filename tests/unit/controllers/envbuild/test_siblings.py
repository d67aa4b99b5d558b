"""Which EnvBuild of a repository goes first, and who waits for it."""

import pytest

from builders import digest
from swefoundry.api import labels
from swefoundry.api.resource import build_from
from swefoundry.controllers.envbuild import leader as siblings
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import Key, WorkQueue
from swefoundry.settings import Settings
from swefoundry.workloads.context import World

REUSES = {"strategies": ["reuse", "recipe"]}


@pytest.fixture
async def world():
    return World(None, None, Cache(), WorkQueue(), None, Settings())


def put(world, name, second=0, status=None, environment=REUSES, repo="owner/name", **meta):
    body = {
        "apiVersion": labels.API_VERSION,
        "kind": "EnvBuild",
        "metadata": {
            "namespace": "here",
            "name": name,
            "uid": f"uid-of-{name}",
            "resourceVersion": "1",
            "creationTimestamp": f"2026-01-01T12:00:{second:02d}Z",
        }
        | meta,
        "spec": {"repo": repo, "source": {"artifact": {"digest": digest("a")}}, "environment": environment},
        "status": status or {},
    }
    world.cache.put(body)
    return build_from(body)


def a_round(**fields):
    return {"number": 0, "strategy": "recipe", "draft": digest("d")} | fields


def leader(world, build):
    found = siblings.elder(build, world)
    return found.name if found else None


def test_the_oldest_goes_first_and_waits_for_nobody(world):
    builds = [put(world, name, second) for second, name in enumerate("cab")]
    assert [leader(world, build) for build in builds] == [None, "c", "c"]


def test_in_one_second_the_name_decides(world):
    builds = [put(world, name) for name in "ba"]
    assert [leader(world, build) for build in builds] == ["a", None]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": {"finishedAt": "2026-01-01T12:30:00Z"}},
        {"deletionTimestamp": "2026-01-01T12:30:00Z"},
        {"environment": {"strategies": ["recipe"]}},
        {"environment": {"draft": {"dockerfile": "FROM x", "testCommand": "true"}}},
        {"repo": "owner/other"},
    ],
    ids=["ended", "being deleted", "without reuse", "with a draft alone", "of another repository"],
)
def test_one_that_will_leave_no_image_is_not_waited_for(world, fields):
    put(world, "old", 0, **fields)
    assert leader(world, put(world, "young", 1)) is None


def test_the_operators_own_strategies_count_where_none_are_named(world):
    put(world, "old", 0, environment={})
    assert leader(world, put(world, "young", 1, environment={})) == "old"


def test_a_suspended_one_is_not_waited_for(world):
    owner = {"kind": "TaskInstance", "name": "task", "uid": "u", "controller": True}
    put(world, "old", 0, ownerReferences=[owner])
    task = {"kind": "TaskInstance", "metadata": {"namespace": "here", "name": "task", "uid": "u"}}
    world.cache.put(task | {"spec": {"suspend": True}})
    assert leader(world, put(world, "young", 1)) is None


def test_one_that_has_begun_goes_before_an_older_one_that_has_not(world):
    old = put(world, "old", 0)
    put(world, "young", 1, status={"rounds": [a_round()]})
    assert leader(world, old) == "young"
    assert leader(world, put(world, "youngest", 2)) == "young"


def test_one_that_tries_images_has_not_begun(world):
    parent = {"image": digest("c"), "source": digest("a")}
    old = put(world, "old", 0)
    put(world, "young", 1, status={"rounds": [a_round(strategy="reuse", parent=parent)]})
    assert leader(world, old) is None


def test_who_begins_leads_at_once_before_its_status_says_so(world):
    old, young = put(world, "old", 0), put(world, "young", 1)
    siblings.lead(young, world)
    assert leader(world, old) == "young"


async def test_those_that_wait_are_woken_once_and_nobody_else(world):
    old, young = put(world, "old", 0), put(world, "young", 1)
    put(world, "busy", 2)
    siblings.wait(young, world)
    siblings.wake(world, old.spec.repo)
    siblings.wake(world, old.spec.repo)
    assert len(world.queue) == 1
    assert await world.queue.get() == Key("EnvBuild", "here", "young")
