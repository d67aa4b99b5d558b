"""What EnvBuilds share in memory: who leads a search, and who is enqueued when it ends."""

from dataclasses import replace

import pytest

from builders import a_build
from swefoundry.controllers.envbuild.search_coordination import SearchCoordination
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import Key


class Searches(SearchCoordination):
    """A coordination that keeps what it enqueues."""

    def __init__(self):
        self.enqueued = []
        super().__init__(Cache(), self.enqueued.append)


@pytest.fixture
async def searches():
    return Searches()


def named(name, **spec):
    return replace(a_build(**spec), name=name, uid=f"uid-of-{name}")


def deleted(build):
    return {
        "kind": "EnvBuild",
        "metadata": {"namespace": build.namespace, "name": build.name, "uid": build.uid},
        "spec": {"repo": build.spec.repo},
    }


def end(searches, build):
    searches.release_leadership(build)


def delete(searches, build):
    searches.on_deleted(deleted(build))


@pytest.mark.parametrize("leave", [end, delete])
def test_when_a_leader_leaves_its_waiters_are_enqueued_once_and_no_others(searches, leave):
    leader, waiter = named("leader"), named("waiter")
    searches.become_leader(leader)
    searches.wait_for_leader(waiter)
    searches.wait_for_leader(named("stranger", repo="owner/other"))
    leave(searches, leader)
    leave(searches, leader)
    assert searches.enqueued == [Key("EnvBuild", waiter.namespace, "waiter")]
    assert not searches.is_leader(leader.uid)


def test_an_object_without_a_repository_may_be_deleted(searches):
    body = deleted(named("invalid"))
    searches.on_deleted(body | {"spec": {}})
    assert searches.enqueued == []


def test_the_state_shows_at_most_so_many_waiters(searches):
    for name in "abc":
        searches.wait_for_leader(named(name))
    repo, namespace = named("a").spec.repo, named("a").namespace
    assert searches.state_sections(2)["searches"] == {
        "leaders": [],
        "waiting": 3,
        "waitingByRepository": {repo: [f"EnvBuild/{namespace}/a", f"EnvBuild/{namespace}/b"]},
    }
