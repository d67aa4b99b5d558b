"""What EnvBuilds share in memory: who leads a search, and who is enqueued when its wait is over."""

from dataclasses import replace

import pytest

from builders import a_build
from swefoundry.api.resource import parse_env_build
from swefoundry.controllers.envbuild.search_coordination import SearchCoordination
from swefoundry.controllers.envbuild.search_state import WaitReason
from swefoundry.kube.cache import Cache
from unit.controllers.envbuild.search_builders import (
    NEW,
    OLD,
    a_round,
    a_search,
    a_trial,
    body_of,
    failed,
    key_of,
    put,
)


class Searches:
    """A coordination, its cache, and the names that it enqueues."""

    def __init__(self):
        self.enqueued = []
        self.cache = Cache()
        self.coordination = SearchCoordination(self.cache, lambda key: self.enqueued.append(key.name))
        self.version = 1

    def put(self, name, status=None, **fields):
        self.version += 1
        return put(self.cache, name, status=status or a_search(NEW), version=self.version, **fields)

    def wait(self, *names, reason=WaitReason.GROUP, group=NEW, **fields):
        for name in names:
            self.coordination.wait_for_leader(self.put(name, a_search(group), **fields), reason)


@pytest.fixture
async def searches():
    return Searches()


def end(searches):
    searches.put("leader", a_search(NEW, a_round(outcome="Accepted"), ended=True))


def delete(searches):
    body = searches.cache.get(key_of("leader"))
    searches.cache.drop(key_of("leader"))
    searches.coordination.on_deleted(body)


def suspend(searches):
    searches.coordination.release_leadership(parse_env_build(searches.cache.get(key_of("leader"))))


def fail(searches):
    searches.put("leader", a_search(NEW, *failed(3)))


@pytest.mark.parametrize("leave", [end, delete, suspend, fail])
def test_when_a_leader_leaves_those_of_its_group_are_enqueued_once_and_no_others(searches, leave):
    leader = searches.put("leader", a_search(NEW, a_round()))
    searches.coordination.become_leader(leader)
    searches.wait("one", "two")
    searches.wait("of another group", group=OLD)
    searches.wait("stranger", repo="owner/other")
    leave(searches)
    assert searches.enqueued == ["one", "two"]


def test_two_drafts_that_fail_end_no_wait(searches):
    searches.put("leader", a_search(NEW, a_round()))
    searches.wait("one")
    searches.put("leader", a_search(NEW, *failed(2)))
    assert searches.enqueued == []


def test_the_end_of_one_that_leads_nothing_ends_no_wait(searches):
    searches.put("other", a_search(NEW, a_trial("AfterFailed")))
    searches.wait("one")
    searches.put("other", a_search(NEW, a_trial("AfterFailed"), ended=True))
    assert searches.enqueued == []


def test_an_image_that_was_accepted_ends_the_wait_for_its_trial(searches):
    searches.put("first", a_search(NEW, a_trial()))
    searches.wait("one")
    searches.put("first", a_search(NEW, a_trial("Accepted"), ended=True))
    assert searches.enqueued == ["one"]


def test_a_leader_of_the_release_before_has_no_group_and_ends_every_wait(searches):
    searches.put("leader", {"rounds": [a_round()]})
    searches.wait("one")
    searches.wait("two", group=OLD)
    searches.put("leader", {"rounds": [a_round()], "finishedAt": "2026-01-01T12:30:00Z"})
    assert searches.enqueued == ["one", "two"]


def test_one_that_has_nothing_else_to_try_is_enqueued_at_every_end_in_the_repository(searches):
    searches.put("other", a_search(OLD))
    searches.wait("one", reason=WaitReason.LAST_RESORT)
    searches.put("other", a_search(OLD, ended=True))
    assert searches.enqueued == ["one"]


@pytest.mark.parametrize(
    "status",
    [
        a_search(OLD, a_round(image="sha256:" + "b" * 64)),
        a_search(OLD, a_round(outcome="StepFailed")),
        a_search(OLD, a_round(outcome="StepFailed"), ended=True),
    ],
    ids=["built", "failed", "ended"],
)
def test_a_build_place_that_is_freed_goes_to_the_first_that_waits_for_one(searches, status):
    searches.put("builds", a_search(OLD, a_round()))
    searches.wait("patient")
    searches.wait("one", "two", reason=WaitReason.BUILD_PLACE)
    searches.put("builds", status)
    assert searches.enqueued == ["one"]


def test_who_waits_no_longer_is_not_enqueued(searches):
    searches.put("leader", a_search(NEW, a_round()))
    searches.wait("one", "two", reason=WaitReason.BUILD_PLACE)
    searches.coordination.stop_waiting(replace(a_build(), namespace="here", name="one"))
    end(searches)
    assert searches.enqueued == ["two"]


def test_an_object_without_a_repository_may_be_deleted(searches):
    searches.coordination.on_deleted(body_of("invalid") | {"spec": {}})
    assert searches.enqueued == []


def test_the_state_shows_at_most_so_many_waiters(searches):
    searches.wait(*"abc")
    assert searches.coordination.state_sections(2)["searches"] == {
        "leaders": [],
        "waiting": 3,
        "waitingByRepository": {"owner/name": ["EnvBuild/here/a", "EnvBuild/here/b"]},
    }
