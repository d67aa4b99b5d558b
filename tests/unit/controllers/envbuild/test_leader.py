"""The leader of the searches of a repository, and the EnvBuilds that wait for it."""

import pytest

from builders import digest
from swefoundry.api import labels
from swefoundry.api.resource import parse_env_build
from swefoundry.controllers.envbuild import leader
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import WorkQueue
from swefoundry.settings import Settings

REUSES = {"strategies": ["reuse", "recipe"]}


@pytest.fixture
async def context():
    return EnvBuildContext(None, None, Cache(), WorkQueue(), None, Settings())


def put(context, name, second=0, status=None, environment=REUSES, repo="owner/name", **meta):
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
    context.cache.put(body)
    return parse_env_build(body)


def a_round(**fields):
    return {"number": 1, "strategy": "recipe", "draft": digest("d")} | fields


def leader_of(context, build):
    found = leader.find_leader(build, context)
    return found.name if found else None


def test_the_oldest_goes_first_and_waits_for_nobody(context):
    builds = [put(context, name, second) for second, name in enumerate("cab")]
    assert [leader_of(context, build) for build in builds] == [None, "c", "c"]


def test_in_one_second_the_name_decides(context):
    builds = [put(context, name) for name in "ba"]
    assert [leader_of(context, build) for build in builds] == ["a", None]


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
def test_one_that_will_leave_no_image_is_not_waited_for(context, fields):
    put(context, "old", 0, **fields)
    assert leader_of(context, put(context, "young", 1)) is None


def test_the_operators_own_strategies_count_where_none_are_named(context):
    put(context, "old", 0, environment={})
    assert leader_of(context, put(context, "young", 1, environment={})) == "old"


def test_a_suspended_one_is_not_waited_for(context):
    owner = {"kind": "TaskInstance", "name": "task", "uid": "u", "controller": True}
    put(context, "old", 0, ownerReferences=[owner])
    task = {"kind": "TaskInstance", "metadata": {"namespace": "here", "name": "task", "uid": "u"}}
    context.cache.put(task | {"spec": {"suspend": True}})
    assert leader_of(context, put(context, "young", 1)) is None


def test_one_that_has_begun_goes_before_an_older_one_that_has_not(context):
    old = put(context, "old", 0)
    put(context, "young", 1, status={"rounds": [a_round()]})
    assert leader_of(context, old) == "young"
    assert leader_of(context, put(context, "youngest", 2)) == "young"


def test_one_that_tries_images_has_not_begun(context):
    parent = {"image": digest("c"), "source": digest("a")}
    old = put(context, "old", 0)
    put(context, "young", 1, status={"rounds": [a_round(strategy="reuse", parent=parent)]})
    assert leader_of(context, old) is None


def test_who_begins_leads_at_once_before_its_status_says_so(context):
    old, young = put(context, "old", 0), put(context, "young", 1)
    context.coordination.become_leader(young)
    assert leader_of(context, old) == "young"
