"""The search that an EnvBuild waits for, and when it does not wait."""

import pytest

from builders import NOW, digest
from swefoundry.controllers.envbuild import leader
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.envbuild.search_state import AwaitedLeader, WaitReason
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.drafts.proven_environment import EnvironmentRecord, Parent, ProvenEnvironment
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import WorkQueue
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.role_places import PodPlacement
from unit.controllers.envbuild.search_builders import (
    IMAGE,
    NEW,
    OLD,
    a_round,
    a_search,
    a_trial,
    failed,
    key_of,
    put,
)

BUILD_PLACES = 2
NEW_GROUP = EnvironmentGroup.model_validate(NEW)
OTHER_IMAGE = digest("e")


@pytest.fixture
async def context():
    limiter = PodLimiter(PlaceLimits(dict.fromkeys(Role, BUILD_PLACES)), lambda _: None, lambda: NOW)
    return EnvBuildContext(None, None, Cache(), WorkQueue(), limiter, Settings())


def use_all_build_places(context):
    for number in range(BUILD_PLACES):
        context.pod_limiter.observe(Role.BUILD, f"here/build-{number}", PodPlacement.PLACED, NOW)


def awaited(context, name="young", group=NEW_GROUP):
    """What a further EnvBuild of the group waits for."""
    return leader.find_leader(put(context.cache, name, 9), group, context)


def awaited_for(context, image=IMAGE):
    """What a further EnvBuild of the new group waits for before it tries an unlikely image."""
    return leader.find_trial(put(context.cache, "young", 9), NEW_GROUP, image, context)


def test_nobody_waits_for_a_search_that_has_not_begun(context):
    put(context.cache, "old", 0, a_search(NEW))
    assert awaited(context) is None


def test_the_search_of_the_group_is_waited_for(context):
    put(context.cache, "old", 0, a_search(NEW, a_round()))
    assert awaited(context) == AwaitedLeader(key_of("old"))


def test_who_begins_leads_at_once_before_its_status_says_so(context):
    context.coordination.become_leader(put(context.cache, "old", 0, a_search(NEW)))
    assert awaited(context) == AwaitedLeader(key_of("old"))


def test_agents_that_were_requested_lead_before_their_first_draft(context):
    put(context.cache, "old", 0, a_search(NEW) | {"agents": {"draftsRequested": 1, "drafting": 1}})
    assert awaited(context) == AwaitedLeader(key_of("old"))


def test_of_several_leaders_the_oldest_is_waited_for(context):
    for name, second in (("b", 1), ("c", 0), ("a", 1)):
        put(context.cache, name, second, a_search(NEW, a_round()))
    assert awaited(context) == AwaitedLeader(key_of("c"))


def test_a_group_without_a_leader_searches_beside_another_group(context):
    put(context.cache, "old", 0, a_search(OLD, a_round()))
    assert awaited(context) is None


def test_a_search_of_the_release_before_has_no_group_and_is_waited_for_by_all(context):
    put(context.cache, "old", 0, {"rounds": [a_round()]})
    assert awaited(context) == AwaitedLeader(key_of("old"))


@pytest.mark.parametrize(
    "fields",
    [
        {"status": a_search(NEW, a_round(), ended=True)},
        {"deletionTimestamp": "2026-01-01T12:30:00Z"},
        {"environment": {"strategies": ["recipe"]}},
        {"environment": {"draft": {"dockerfile": "FROM x", "testCommand": "true"}}},
        {"repo": "owner/other"},
    ],
    ids=["ended", "being deleted", "without reuse", "with a draft alone", "of another repository"],
)
def test_one_that_will_leave_no_image_is_not_waited_for(context, fields):
    put(context.cache, "old", 0, **({"status": a_search(NEW, a_round())} | fields))
    assert awaited(context) is None


def test_the_operators_own_strategies_count_where_none_are_named(context):
    put(context.cache, "old", 0, a_search(NEW, a_round()), environment={})
    assert awaited(context) == AwaitedLeader(key_of("old"))


def test_a_suspended_one_is_not_waited_for(context):
    owner = {"kind": "TaskInstance", "name": "task", "uid": "u", "controller": True}
    put(context.cache, "old", 0, a_search(NEW, a_round()), ownerReferences=[owner])
    task = {"kind": "TaskInstance", "metadata": {"namespace": "here", "name": "task", "uid": "u"}}
    context.cache.put(task | {"spec": {"suspend": True}})
    assert awaited(context) is None


def test_one_that_tries_images_has_not_begun(context):
    put(context.cache, "old", 0, a_search(NEW, a_trial()))
    assert awaited(context) is None


# Build places


def test_without_a_free_build_place_a_group_waits_for_the_search_of_another(context):
    put(context.cache, "old", 0, a_search(OLD, a_round()))
    use_all_build_places(context)
    assert awaited(context) == AwaitedLeader(key_of("old"), WaitReason.BUILD_PLACE)


def test_searches_that_will_need_a_build_place_count_before_they_have_asked_for_it(context):
    old, other = put(context.cache, "old", 0, a_search(OLD)), put(context.cache, "other", 1, a_search(OLD))
    context.coordination.become_leader(old)
    assert awaited(context) is None
    context.coordination.become_leader(other)
    assert awaited(context) == AwaitedLeader(key_of("old"), WaitReason.BUILD_PLACE)


def test_the_first_search_of_a_repository_begins_whatever_is_free(context):
    use_all_build_places(context)
    assert awaited(context) is None


def test_another_group_is_not_waited_for_once_its_image_did_not_fit(context):
    put(context.cache, "old", 0, a_search(OLD, a_round(image=IMAGE, outcome="Accepted"), ended=True))
    put(context.cache, "next", 1, a_search(OLD, a_round()))
    put(context.cache, "refusing", 2, a_search(NEW, a_trial("NoResult"), ended=True))
    use_all_build_places(context)
    assert awaited(context) is None


# EnvBuilds that can do nothing else than reuse an image


def last_resort(context):
    return leader.find_last_resort(put(context.cache, "young", 9), NEW_GROUP, context)


def test_one_that_has_nothing_else_to_try_waits_for_the_search_of_any_group(context):
    put(context.cache, "old", 0, a_search(OLD, a_round()))
    assert last_resort(context) == AwaitedLeader(key_of("old"), WaitReason.LAST_RESORT)


def test_even_a_last_resort_is_no_image_that_does_not_fit(context):
    put(context.cache, "old", 0, a_search(OLD, a_round(image=IMAGE, outcome="Accepted"), ended=True))
    put(context.cache, "next", 1, a_search(OLD, a_round()))
    put(context.cache, "refusing", 2, a_search(NEW, a_trial("NoResult"), ended=True))
    assert last_resort(context) is None


# Leaders that fail


@pytest.mark.parametrize(("drafts", "waits"), [(0, True), (2, True), (3, False)])
def test_a_leader_with_three_failed_drafts_is_not_waited_for_while_places_are_free(context, drafts, waits):
    put(context.cache, "old", 0, a_search(NEW, *failed(drafts), a_round()))
    assert awaited(context) == (AwaitedLeader(key_of("old")) if waits else None)


def test_a_leader_that_fails_is_waited_for_while_no_place_is_free(context):
    put(context.cache, "old", 0, a_search(NEW, *failed(3), a_round()))
    use_all_build_places(context)
    assert awaited(context) == AwaitedLeader(key_of("old"), WaitReason.BUILD_PLACE)


def test_the_next_leader_of_a_group_is_waited_for_when_the_first_one_fails(context):
    put(context.cache, "old", 0, a_search(NEW, *failed(3), a_round()))
    put(context.cache, "next", 1, a_search(NEW, a_round()))
    assert awaited(context) == AwaitedLeader(key_of("next"))


# Images of other groups


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (a_search(NEW, a_round()), "old"),
        (a_search(NEW, a_trial()), "old"),
        (a_search(NEW, a_trial(image=OTHER_IMAGE)), None),
        (a_search(NEW, a_trial("NoResult")), None),
        (a_search(OLD, a_round()), None),
        (a_search(OLD, a_trial()), None),
    ],
    ids=[
        "the group has a leader",
        "one of the group tries it",
        "one of the group tries another image",
        "one of the group tried it",
        "another group has a leader",
        "one of another group tries it",
    ],
)
def test_an_unlikely_image_is_tried_by_one_of_the_group(context, status, name):
    put(context.cache, "old", 0, status)
    assert awaited_for(context) == (AwaitedLeader(key_of(name)) if name else None)


RECORD = EnvironmentRecord(
    repo="owner/name", image=IMAGE, source=digest("a"), draft=digest("d"), created_at="2018-01-01T00:00:00Z"
)


def unlikely(context, **record):
    proven = ProvenEnvironment(known=RECORD.model_copy(update=record))
    return leader.is_unlikely(proven, NEW_GROUP, "owner/name", context)


def test_an_image_is_unlikely_when_its_record_is_of_another_era_or_layout(context):
    near = NEW_GROUP.created_at
    assert [
        unlikely(context),
        unlikely(context, created_at=near),
        unlikely(context, created_at=near, layout="flat"),
        unlikely(context, created_at=near, layout="src"),
    ] == [True, False, True, False]


def test_the_group_that_an_image_was_built_for_counts_more_than_its_record(context):
    put(context.cache, "old", 0, a_search(NEW, a_round(image=IMAGE, outcome="Accepted"), ended=True))
    assert not unlikely(context)


def test_an_image_that_was_accepted_in_the_group_is_not_unlikely(context):
    put(context.cache, "old", 0, a_search(NEW, a_trial("Accepted"), ended=True))
    assert not unlikely(context)


def test_the_built_image_under_a_composed_one_is_what_counts(context):
    put(context.cache, "old", 0, a_search(NEW, a_trial("Accepted", OTHER_IMAGE), ended=True))
    root = Parent(image=OTHER_IMAGE, source=digest("a"))
    proven = ProvenEnvironment(known=RECORD, root=root)
    assert not leader.is_unlikely(proven, NEW_GROUP, "owner/name", context)
